// SPDX-License-Identifier: GPL-2.0

//! Loads by the CPU.
//!
//! A load that needs no fault is not ordered with the move, so that of two pages one may be seen
//! at the new place while the other one is still seen at the old one. But a page that is gone from
//! the old place has arrived.

use super::Antagonist;
use crate::stress::{
    position::{
        Place,
        SLOTS, //
    },
    region::{
        By,
        Region, //
    },
    scene::Scene,
    stamp::{
        Sight,
        WORDS, //
    }, //
};
use anyhow::{
    ensure,
    Result, //
};
use rand::{
    rngs::ChaCha8Rng,
    seq::IndexedRandom,
    RngExt, //
};

/// How many pages are looked at each time.
const PAGES: usize = 16;

struct Load<'a>(&'a Scene);

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    Ok(Box::new(Load(scene)))
}

/// Expects a page that is at one place only to be at no other, while the region rests.
fn nowhere_else(region: &Region, page: usize, word: usize, slot: usize) -> Result<()> {
    let before = region.position.load();
    let position = before.unpack();
    let at = match position.place {
        Place::Rest { at, .. } if position.part.contains(&page) => at,
        _ => return Ok(()),
    };
    if slot == at || !region.shape.unit(page).kind.once() {
        return Ok(());
    }
    let found = region.look(slot, page, word, By::Cpu)?;
    ensure!(
        found.sight == Sight::Gone || region.position.load() != before,
        "a page is in two places, or more is there: {:#}",
        region.wrong(&found, &position)
    );
    Ok(())
}

impl Antagonist for Load<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let region = self.0.any_region(rng);

        for _ in 0..PAGES {
            let page = region.any_page(rng);
            let word = *WORDS.choose(rng).unwrap();

            region.observe(page, word, By::Cpu)?;
            nowhere_else(region, page, word, rng.random_range(0..SLOTS))?;
        }
        Ok(())
    }
}
