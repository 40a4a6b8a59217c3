// SPDX-License-Identifier: GPL-2.0

//! A long move does not keep other processes from their CPU.

use super::{
    figure::{
        length,
        time, //
    },
    mover::SEGMENTS, //
};
use crate::{
    child::Child,
    say::say,
    strip::{
        Strip,
        NEW,
        OLD, //
    }, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use mem::{
    cpu,
    shared,
    sys::{
        move_range,
        Leave, //
    }, //
};
use std::{
    fs,
    sync::atomic::{
        AtomicU64,
        Ordering, //
    },
    thread,
    time::{
        Duration,
        Instant, //
    }, //
};

/// How many moves are watched.
const MOVES: usize = 5;

/// What the kernel says of its preemption.
fn preemption() -> Result<String> {
    let version = fs::read_to_string("/proc/version")?;

    if let Ok(model) = fs::read_to_string("/sys/kernel/debug/sched/preempt") {
        return Ok(model.trim().to_owned());
    }
    Ok(match version.contains("PREEMPT") {
        true => "preemption".to_owned(),
        false => "no preemption".to_owned(),
    })
}

/// How long another process waits at most, as a part of the move.
const SHARE: u32 = 4;

/// How long that process gets to notice that it can run again.
const AFTER: Duration = Duration::from_millis(20);

/// Notes the longest time that it was kept from running, in nanoseconds.
fn watch(longest: &AtomicU64) -> ! {
    let mut last = Instant::now();

    loop {
        let now = Instant::now();
        longest.fetch_max((now - last).as_nanos() as u64, Ordering::SeqCst);
        last = now;
    }
}

/// Another process runs on the same CPU. Without preemption it gets to run during the call only if
/// the call gives the CPU away, which it is asked for at a tick of the clock: a move that lasts for
/// many ticks is asked many times. A call that does not keeps it waiting for all of the move.
pub fn check() -> Result<()> {
    cpu::stay_on(0).context("sched_setaffinity")?;
    let strip = Strip::make(OLD, SEGMENTS, 1)?;
    let longest = shared::number().context("mmap")?;
    let _watcher = Child::fork(|| watch(longest))?;

    let (mut from, mut to) = (OLD, NEW);
    say!("the kernel has {}", preemption()?);
    for _ in 0..MOVES {
        longest.store(0, Ordering::SeqCst);
        let (result, took) = time(|| move_range(from, strip.len(), to, Leave::Nothing));
        thread::sleep(AFTER);
        let waited = Duration::from_nanos(longest.load(Ordering::SeqCst));

        result.context("mremap")?;
        strip.check(to, 0..strip.pages())?;
        say!(
            "another process waited {} at most for its CPU during a move of {}",
            length(waited),
            length(took)
        );
        ensure!(
            waited < took / SHARE,
            "a move of {took:?} kept the CPU for {waited:?}"
        );
        (from, to) = (to, from);
    }
    Ok(())
}
