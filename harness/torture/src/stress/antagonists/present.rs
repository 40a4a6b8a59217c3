// SPDX-License-Identifier: GPL-2.0

//! One read of `/proc/self/pagemap`.
//!
//! The kernel looks at what one page table maps under one hold of the mmap lock. All slots of the
//! low region lie in the range of one table.

use super::Antagonist;
use crate::stress::{
    one_step::half_moved,
    region::Region,
    scene::Scene, //
};
use anyhow::{
    bail,
    Context,
    Result, //
};
use mem::PAGE;
use rand::rngs::ChaCha8Rng;
use std::{
    fs::File,
    os::unix::fs::FileExt, //
};

/// Bits of an entry: there is a page, or there is one that was swapped out or is being migrated.
const THERE: u64 = 0b11 << 62;

struct Present<'a> {
    region: &'a Region,
    pagemap: File,
    entries: Vec<u8>,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let region = scene.low();

    Ok(Box::new(Present {
        region,
        pagemap: File::open("/proc/self/pagemap").context("/proc/self/pagemap")?,
        entries: vec![0; region.field().len() / PAGE * size_of::<u64>()],
    }))
}

impl Present<'_> {
    /// Does the page table have an entry for a page in a slot?
    fn has(&self, slot: usize, page: usize) -> bool {
        let number = (self.region.addr(slot, page) - self.region.field().start) / PAGE;
        let entry = self.entries.chunks_exact(size_of::<u64>()).nth(number);
        let entry = entry.expect("an entry for each page of the field");

        u64::from_ne_bytes(entry.try_into().expect("eight bytes")) & THERE != 0
    }
}

impl Antagonist for Present<'_> {
    fn act(&mut self, _: &mut ChaCha8Rng) -> Result<()> {
        let region = self.region;
        let offset = region.field().start / PAGE * size_of::<u64>();
        let before = region.position.load();
        self.pagemap
            .read_exact_at(&mut self.entries, offset as u64)?;
        if region.position.load() != before {
            return Ok(());
        }

        let position = before.unpack();
        let wrong = half_moved(region.shape.mapped(), &position, |slot, page| {
            self.has(slot, page)
        });
        if !wrong.is_empty() {
            bail!(
                "not one step: one read of /proc/self/pagemap shows pages {wrong:?} of region {} \
                 elsewhere than the others; {position}",
                region.name
            );
        }
        region.count(region.shape.mapped().len());
        Ok(())
    }
}
