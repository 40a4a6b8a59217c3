// SPDX-License-Identifier: GPL-2.0

//! Seals a mapping of a range that another thread moves. That cannot be undone, so that each seal
//! is in a process of its own.
//!
//! From then on every move of the range is refused, and so is one of something else over it.

use super::Antagonist;
use crate::{
    errno,
    stress::{
        apart::{
            self,
            Program,
            MAPPINGS, //
        },
        scene::Scene,
        shuttle::Shuttle, //
    },
    strip::Strip, //
};
use anyhow::{
    ensure,
    Context,
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
use std::{
    sync::atomic::{
        AtomicBool,
        Ordering, //
    },
    thread, //
};

/// How many moves have to be refused.
const REFUSALS: u64 = 6;

struct Seal<'a>(&'a Scene);

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    // Nothing is sealed by this.
    sys::seal(mem::FIELD.start, 0).context("mseal")?;
    Ok(Box::new(Seal(scene)))
}

impl Antagonist for Seal<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let status = apart::start(Program::Seal, rng.random())?.wait()?;

        ensure!(
            status.success(),
            "a process with a sealed mapping ended with {status}"
        );
        self.0.gains.add("seal", REFUSALS);
        Ok(())
    }
}

/// How far sealing is, for the thread that moves.
#[derive(Default)]
struct Progress {
    begun: AtomicBool,
    done: AtomicBool,
}

/// Moves until that was refused some times.
fn move_until_refused(shuttle: &mut Shuttle, progress: &Progress) -> Result<()> {
    let mut refusals = 0;

    while refusals < REFUSALS {
        let is_sealed = progress.done.load(Ordering::SeqCst);
        let result = match refusals % 2 {
            0 => shuttle.go(),
            _ => shuttle.try_part(shuttle.len(), Leave::Mappings),
        };
        match result.as_ref().map_err(|error| error.raw_os_error()) {
            Ok(()) => ensure!(
                !is_sealed && refusals == 0,
                "a range with a sealed mapping has moved"
            ),
            // Memory is short.
            Err(Some(libc::ENOMEM)) => {}
            _ => {
                errno::expect(result, libc::EPERM, "a move of a sealed mapping")?;
                ensure!(
                    progress.begun.load(Ordering::SeqCst),
                    "a move is refused before anything is sealed"
                );
                refusals += 1;
            }
        }
        shuttle.check()?;
    }
    Ok(())
}

/// Seals a page of the range, wherever it is.
fn seal(places: [usize; 2], page: usize) -> Result<()> {
    for place in places.into_iter().cycle() {
        match sys::seal(place + page * PAGE, PAGE) {
            // It is at the other place.
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => {}
            result => return result.context("mseal"),
        }
    }
    unreachable!("the places come again and again")
}

/// Runs in a process of its own.
pub fn program(mut shuttle: Shuttle, rng: &mut ChaCha8Rng) -> Result<()> {
    // Neither the first page nor the last one.
    let page = rng.random_range(1..MAPPINGS - 1);
    let (progress, places) = (Progress::default(), Shuttle::places_of(apart::HOME));

    thread::scope(|scope| {
        let mover = scope.spawn(|| move_until_refused(&mut shuttle, &progress));

        apart::let_it_move(rng);
        progress.begun.store(true, Ordering::SeqCst);
        let sealed = seal(places, page);
        // Also if not, so that the other thread ends.
        progress.done.store(true, Ordering::SeqCst);
        let moved = mover.join().expect("a thread that does not panic");
        sealed.and(moved)
    })?;

    // What is not sealed moves over what is.
    let other = Strip::make(shuttle.away(), 2, 1)?;
    let over = shuttle.at() + (page - 1) * PAGE;
    errno::expect(
        sys::move_range(shuttle.away(), other.len(), over, Leave::Nothing),
        libc::EPERM,
        "a move over a sealed mapping",
    )?;
    other.check(shuttle.away(), 0..2)?;
    sys::unmap(shuttle.away(), other.len())?;
    shuttle.check()?;

    // What precedes it is free to go.
    shuttle.try_part(page * PAGE, Leave::Nothing)?;
    shuttle.strip.check(shuttle.away(), 0..page)?;
    shuttle.strip.check_gone(shuttle.at(), 0..page)?;
    shuttle.strip.check(shuttle.at(), page..MAPPINGS)
}
