// SPDX-License-Identifier: GPL-2.0

//! Children that look for every page in their copy of the address space, and move it.

use super::Antagonist;
use crate::{
    child::Child,
    stress::{
        kind::Kind,
        position::{
            Position,
            Spot,
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
    }, //
};
use anyhow::{
    bail,
    Result, //
};
use mem::{
    sys::{
        self,
        Leave, //
    },
    PAGE, //
};
use rand::{
    rngs::ChaCha8Rng,
    RngExt, //
};

/// What a child found. It is the status that the child exits with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Right = 0,
    /// A page is not where it should be.
    Wrong = 10,
    /// The call that moves failed.
    Stuck = 11,
    /// A page is not where it should be after the child moved it.
    WrongAfterMove = 12,
}

struct Fork<'a>(&'a Scene);

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    Ok(Box::new(Fork(scene)))
}

/// Is a page in a slot? Kinds that children may lack are anywhere.
fn is_at(region: &Region, page: usize, slot: usize) -> bool {
    region.shape.unit(page).kind == Kind::NoFork
        || WORDS.iter().all(|word| {
            region
                .look(slot, page, *word, By::Cpu)
                .is_ok_and(|found| found.sight == Sight::Page)
        })
}

/// Are all pages where they should be? A part that was moving is on one side as a whole.
fn right(region: &Region, position: &Position) -> bool {
    let all_at = |moved: bool| {
        region.shape.mapped().iter().all(|page| {
            let slot = match position.spot(*page) {
                Spot::At(slot) => slot,
                Spot::Either { to, .. } if moved => to,
                Spot::Either { from, .. } => from,
            };
            is_at(region, *page, slot)
        })
    };
    all_at(false) || all_at(true)
}

/// What a child does. Other threads may have held locks when it was made, so nothing here takes
/// one or allocates memory.
fn child(region: &Region, to: usize) -> Verdict {
    let position = region.position.load().unpack();
    let all = 0..region.shape.len();

    if !right(region, &position) {
        return Verdict::Wrong;
    }
    let at = match position.spot(0) {
        Spot::At(slot) if slot != to && position.part == all => slot,
        _ => return Verdict::Right,
    };
    let (old, new) = (region.addr(at, 0), region.addr(to, 0));
    if sys::move_range(old, all.len() * PAGE, new, Leave::Nothing).is_err() {
        return Verdict::Stuck;
    }
    match region
        .shape
        .mapped()
        .iter()
        .all(|page| is_at(region, *page, to))
    {
        true => Verdict::Right,
        false => Verdict::WrongAfterMove,
    }
}

impl Antagonist for Fork<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let region = self.0.any_region(rng);
        let to = rng.random_range(0..SLOTS);

        let status = Child::fork(|| child(region, to) as i32)?.wait()?;
        let name = region.name;

        match status.code() {
            Some(code) if code == Verdict::Right as i32 => {}
            Some(code) if code == Verdict::Wrong as i32 => {
                bail!("a child lacks a page of region {name}, or sees a move half made")
            }
            Some(code) if code == Verdict::Stuck as i32 => {
                bail!("a child cannot move its copy of region {name}")
            }
            Some(code) if code == Verdict::WrongAfterMove as i32 => {
                bail!("a child lost a page of region {name} by moving it to slot {to}")
            }
            _ => bail!("a child ended with {status}"),
        }
        region.count(region.shape.mapped().len());
        Ok(())
    }
}
