// SPDX-License-Identifier: GPL-2.0

//! Picking parts of a region by chance.

use super::{
    kind::Kind,
    position::{
        Spot,
        SLOTS, //
    },
    region::Region,
    shape::Unit, //
};
use mem::PAGE;
use rand::{
    rngs::ChaCha8Rng,
    seq::IndexedRandom,
    RngExt, //
};
use std::ops::Range;

impl Region {
    /// Picks a page that is mapped.
    pub fn any_page(&self, rng: &mut ChaCha8Rng) -> usize {
        *self.shape.mapped().choose(rng).expect("a page")
    }

    /// Picks a slot where a page is, or has been, or will be.
    pub fn any_slot(&self, page: usize, rng: &mut ChaCha8Rng) -> usize {
        match self.position.load().unpack().spot(page) {
            Spot::At(slot) if rng.random_ratio(7, 8) => slot,
            Spot::Either { from, to } if rng.random_ratio(7, 8) => *[from, to].choose(rng).unwrap(),
            _ => rng.random_range(0..SLOTS),
        }
    }

    /// Picks a few pages.
    pub fn any_pages(&self, most: usize, rng: &mut ChaCha8Rng) -> Range<usize> {
        let first = self.any_page(rng);

        first..first + rng.random_range(1..=most).min(self.shape.len() - first)
    }

    /// Picks a range of addresses, of a few pages, where part of it may be.
    pub fn any_range(&self, most: usize, rng: &mut ChaCha8Rng) -> (usize, usize) {
        let pages = self.any_pages(most, rng);

        (
            self.addr(self.any_slot(pages.start, rng), pages.start),
            pages.len() * PAGE,
        )
    }

    /// Picks the addresses of a unit of a kind, where it may be, if there is one.
    pub fn any_unit(&self, kind: Kind, rng: &mut ChaCha8Rng) -> Option<(usize, usize)> {
        let units: Vec<&Unit> = self
            .shape
            .units()
            .iter()
            .filter(|unit| unit.kind == kind)
            .collect();
        let pages = &units.choose(rng)?.pages;

        Some((
            self.addr(self.any_slot(pages.start, rng), pages.start),
            pages.len() * PAGE,
        ))
    }
}
