// SPDX-License-Identifier: GPL-2.0

//! How long a move keeps others waiting.

use super::{
    figure::{
        length,
        time, //
    },
    mover::SEGMENTS, //
};
use crate::{
    say::say,
    strip::{
        Strip,
        NEW,
        OLD,
        OTHER, //
    }, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use mem::{
    peek::{
        peek,
        poke, //
    },
    sys::{
        self,
        move_range,
        Leave,
        Source, //
    },
    PAGE, //
};
use std::{
    sync::atomic::{
        AtomicBool,
        Ordering, //
    },
    thread,
    time::{
        Duration,
        Instant, //
    }, //
};

/// Memory for faults that have nothing to do with the move, in pages.
const ROOM: usize = 16 << 10;

/// How long the others are watched before and after the move.
const MARGIN: Duration = Duration::from_millis(100);

/// Pauses between what the others do, so that they do not run out of memory.
const PAUSE: Duration = Duration::from_micros(200);

/// What another thread does, given how often it did so before, and what it is called.
type Other = (&'static str, fn(usize));

const OTHERS: [Other; 3] = [
    ("a page fault in other memory", fault),
    ("mmap() and munmap() of other memory", map),
    ("a load from the source", load),
];

fn fault(number: usize) {
    // Whether it faults is seen by how long it takes.
    let _ = poke(OTHER + number % ROOM * PAGE, 1);
}

fn map(_: usize) {
    let at = OTHER + 2 * ROOM * PAGE;
    let _ = sys::map(at, PAGE, Source::Anonymous).and_then(|()| sys::unmap(at, PAGE));
}

fn load(number: usize) {
    let _ = peek(OLD + number % SEGMENTS * PAGE);
}

/// Does something over and over, and returns how long it took at most.
fn longest(stop: &AtomicBool, act: fn(usize)) -> Duration {
    let mut longest = Duration::ZERO;

    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let start = Instant::now();
        act(number);
        longest = longest.max(start.elapsed());
        thread::sleep(PAUSE);
    }
    longest
}

/// Runs something next to one of the others. Returns how long that had to wait at most.
fn beside(act: fn(usize), run: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let stop = AtomicBool::new(false);

    thread::scope(|scope| {
        let other = scope.spawn(|| longest(&stop, act));
        thread::sleep(MARGIN);
        let result = run();
        thread::sleep(MARGIN);
        stop.store(true, Ordering::SeqCst);
        let longest = other.join().expect("a thread that does not panic");
        result.map(|()| longest)
    })
}

/// The lock is held for the whole of a move, which is what makes it one step. So others wait as
/// long as it takes, unless they need no lock.
pub fn check() -> Result<()> {
    let strip = Strip::make(OLD, SEGMENTS, 1)?;
    sys::map(OTHER, ROOM * PAGE, Source::Anonymous).context("mmap")?;

    for (name, act) in OTHERS {
        let idle = beside(act, || Ok(()))?;
        let mut took = Duration::ZERO;
        let waited = beside(act, || {
            let result;
            (result, took) = time(|| move_range(OLD, strip.len(), NEW, Leave::Nothing));
            result.context("mremap")
        })?;
        strip.check(NEW, 0..strip.pages())?;
        move_range(NEW, strip.len(), OLD, Leave::Nothing).context("back")?;

        say!("{name} took {} at most beside a move of {SEGMENTS} mappings, which took {}; {} without one",
            length(waited), length(took), length(idle));
        ensure!(
            waited < 2 * took + MARGIN * 10,
            "{name} waited for more than the move"
        );
        sys::advise(OTHER, ROOM * PAGE, libc::MADV_DONTNEED).context("madvise")?;
    }
    Ok(())
}
