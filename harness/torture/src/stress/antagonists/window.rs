// SPDX-License-Identifier: GPL-2.0

//! What is mapped, at one time.
//!
//! The kernel lists it under one hold of the mmap lock.

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
use mem::mapped::Mapped;
use rand::rngs::ChaCha8Rng;

struct Window<'a> {
    region: &'a Region,
    mapped: Mapped,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    Ok(Box::new(Window {
        region: scene.low(),
        mapped: Mapped::open().context("PAGEMAP_SCAN")?,
    }))
}

impl Antagonist for Window<'_> {
    fn act(&mut self, _: &mut ChaCha8Rng) -> Result<()> {
        let region = self.region;
        let before = region.position.load();
        let mapped = self.mapped.of(&region.field()).context("PAGEMAP_SCAN")?;
        if region.position.load() != before {
            return Ok(());
        }

        let position = before.unpack();
        let wrong = half_moved(region.shape.mapped(), &position, |slot, page| {
            let addr = region.addr(slot, page);
            mapped.iter().any(|piece| piece.contains(&addr))
        });
        if !wrong.is_empty() {
            bail!(
                "not one step: PAGEMAP_SCAN shows pages {wrong:?} of region {} elsewhere than the \
                 others; {position}; it lists {mapped:#x?}",
                region.name,
            );
        }
        region.count(region.shape.mapped().len());
        Ok(())
    }
}
