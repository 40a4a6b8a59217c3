// SPDX-License-Identifier: GPL-2.0

//! Reads and writes by the kernel, which looks a page up under the mmap lock.
//!
//! Each sees the region before a move or after it. So once one page has been seen to have arrived,
//! no other one may be seen at its old place, and once one is gone from there, all have arrived.

use super::Antagonist;
use crate::stress::{
    position::{
        Place,
        Position, //
    },
    region::{
        By,
        Found,
        Region, //
    },
    scene::Scene,
    stamp::{
        word,
        Sight,
        WORDS, //
    }, //
};
use anyhow::{
    bail,
    Context,
    Result, //
};
use mem::{
    peek,
    remote, //
};
use rand::{
    rngs::ChaCha8Rng,
    seq::IndexedRandom,
    RngExt, //
};
use std::ops::Range;

struct Remote<'a>(&'a Scene);

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    Ok(Box::new(Remote(scene)))
}

/// Looks at a page of a part on its way: which of the two slots is it in?
fn arrived(region: &Region, page: usize, from: usize, to: usize) -> Result<(bool, Found)> {
    let new = region.look(to, page, WORDS[0], By::Kernel)?;

    if new.sight == Sight::Page {
        return Ok((true, new));
    }
    let old = region.look(from, page, WORDS[0], By::Kernel)?;
    Ok((old.sight == Sight::Gone, old))
}

/// Pages of a part that are at one place only, the last one last: a move that is made in steps
/// brings that across last.
fn pages(region: &Region, part: &Range<usize>, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let is_once = |page: &usize| region.shape.unit(*page).kind.once();
    let once: Vec<usize> = region
        .shape
        .mapped_in(part)
        .iter()
        .copied()
        .filter(is_once)
        .collect();
    let mut some: Vec<usize> = once.sample(rng, 6).copied().collect();

    some.extend(once.last());
    some
}

/// Expects all pages of a part on its way to be on the same side, seen one after the other.
fn one_step(region: &Region, rng: &mut ChaCha8Rng) -> Result<()> {
    let before = region.position.load();
    let position = before.unpack();
    let Place::Move { from, to, .. } = position.place else {
        return Ok(());
    };
    let mut first: Option<usize> = None;

    for page in pages(region, &position.part, rng) {
        let (arrived, found) = arrived(region, page, from, to)?;

        if region.position.load() != before {
            return Ok(());
        }
        if found.sight == Sight::Wrong {
            return Err(region.wrong(&found, &position));
        }
        match first {
            Some(first) if !arrived => bail!(half_moved(region, first, &found, &position)),
            None if arrived => first = Some(page),
            _ => {}
        }
        region.count(1);
    }
    Ok(())
}

fn half_moved(region: &Region, first: usize, found: &Found, position: &Position) -> String {
    format!(
        "not one step: page {first} of region {} was seen to have moved, then {:#}",
        region.name,
        region.wrong(found, position)
    )
}

impl Antagonist for Remote<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let region = self.0.any_region(rng);
        let page = region.any_page(rng);
        let kind = region.shape.unit(page).kind;

        one_step(region, rng)?;
        if kind.may_be_zero() {
            // The error does not tell a missing page from a missing mapping.
            return Ok(());
        }
        region.observe(page, WORDS[0], By::Kernel)?;
        if kind.writable() {
            let slot = region.any_slot(page, rng);
            let addr = peek::word(region.addr(slot, page), word::REMOTE);
            match remote::write(addr, rng.random()) {
                Err(error) if error.raw_os_error() != Some(libc::EFAULT) => {
                    return Err(error).context("process_vm_writev");
                }
                _ => {}
            }
        }
        Ok(())
    }
}
