// SPDX-License-Identifier: GPL-2.0

//! Stores by the CPU. One that does not fault is in the page, wherever that goes.

use super::Antagonist;
use crate::stress::{
    position::Spot,
    region::Region,
    scene::Scene,
    stamp::{
        self,
        word, //
    }, //
};
use anyhow::{
    ensure,
    Result, //
};
use mem::peek::{
    self,
    peek,
    poke, //
};
use rand::{
    rngs::ChaCha8Rng,
    RngExt, //
};

/// How many pages are written to each time.
const PAGES: usize = 16;

struct Store<'a> {
    scene: &'a Scene,
    /// What was written last. No value is written twice.
    last: u64,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    Ok(Box::new(Store { scene, last: 0 }))
}

/// Reads the word of a page, wherever the page is. `None` if it moved meanwhile.
fn read(region: &Region, page: usize) -> Option<u64> {
    let before = region.position.load();
    let read = |slot: usize| {
        let addr = region.addr(slot, page);
        let value = peek(peek::word(addr, word::STORE)).ok()?;
        // Still, or again, the page itself: what a move left has no stamp.
        (peek(addr) == Ok(region.stamp(page).0)).then_some(value)
    };
    let value = match before.unpack().spot(page) {
        Spot::At(slot) => read(slot),
        Spot::Either { from, to } => read(from).or_else(|| read(to)),
    };
    value.filter(|_| region.position.load() == before)
}

impl Store<'_> {
    fn store(&mut self, region: &Region, page: usize, slot: usize) -> Result<()> {
        let addr = peek::word(region.addr(slot, page), word::STORE);
        let before = region.position.load();
        self.last += 1;

        let stored = poke(addr, self.last).is_ok();
        let after = region.position.load();
        let position = before.unpack();

        if !stored || after != before || !position.reaches(page, slot) {
            return Ok(());
        }
        if let Some(found) = read(region, page) {
            ensure!(
                found == self.last,
                "{}: stored {}, then found {found}; stamp {}; {position}",
                region.name_page(slot, page),
                self.last,
                stamp::describe(peek(region.addr(slot, page))),
            );
            region.count(1);
        }
        Ok(())
    }
}

impl Antagonist for Store<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let region = self.scene.any_region(rng);

        for _ in 0..rng.random_range(1..=PAGES) {
            let page = region.any_page(rng);
            if region.shape.unit(page).kind.writable() {
                self.store(region, page, region.any_slot(page, rng))?;
            }
        }
        Ok(())
    }
}
