// SPDX-License-Identifier: GPL-2.0

//! One read of `/proc/self/maps`.
//!
//! The kernel fills the buffer of one read, a page, under one hold of the mmap lock. The low region
//! lies below everything else, so that all of it is in the first page of the file.

use super::Antagonist;
use crate::stress::{
    cover,
    one_step::half_moved,
    position::SLOTS,
    region::Region,
    scene::Scene, //
};
use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};
use mem::{
    maps,
    PAGE, //
};
use rand::rngs::ChaCha8Rng;
use std::{
    fs::{
        self,
        File, //
    },
    os::unix::fs::FileExt, //
};

/// The first version of Linux that shows mappings without the mmap lock, one by one.
const NO_LOCK: (u32, u32) = (6, 17);

struct Window<'a> {
    region: &'a Region,
    maps: File,
}

/// The version of a kernel, from what it calls itself.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(['.', '-']).map(str::parse);

    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let version = version(&release).context("a kernel of no known version")?;

    ensure!(
        version < NO_LOCK,
        "this kernel reads maps without the mmap lock"
    );
    Ok(Box::new(Window {
        region: scene.low(),
        maps: File::open("/proc/self/maps").context("/proc/self/maps")?,
    }))
}

/// The lines of text that are whole.
fn whole_lines(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte == b'\n');

    &text[..end.map_or(0, |end| end + 1)]
}

impl Antagonist for Window<'_> {
    fn act(&mut self, _: &mut ChaCha8Rng) -> Result<()> {
        let region = self.region;
        let mut text = [0; PAGE];
        let before = region.position.load();
        let len = self.maps.read_at(&mut text, 0)?;
        let after = region.position.load();

        let text = whole_lines(&text[..len]);
        let maps = maps::parse(text)?;
        let complete = maps
            .last()
            .is_some_and(|map| maps::range(map).end > region.field().end);
        if before != after || !complete {
            return Ok(());
        }
        let slots: Vec<_> = (0..SLOTS)
            .map(|slot| cover::in_slot(&maps, region, slot))
            .collect();
        let position = before.unpack();
        let wrong = half_moved(region.shape.mapped(), &position, |slot, page| {
            slots[slot][page].is_some()
        });
        if !wrong.is_empty() {
            bail!(
                "not one step: one read of /proc/self/maps shows pages {wrong:?} of region {} \
                 elsewhere than the others; {position}; it reads\n{}",
                region.name,
                String::from_utf8_lossy(text)
            );
        }
        region.count(region.shape.mapped().len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_versions() {
        assert_eq!(version("4.2.117-mremap+\n"), Some((4, 2)));
        assert_eq!(version("6.17-rc1"), Some((6, 17)));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn a_line_that_is_cut_off_is_left_out() {
        assert_eq!(whole_lines(b"one\ntwo\nthr"), b"one\ntwo\n");
        assert_eq!(whole_lines(b"one"), b"");
    }
}
