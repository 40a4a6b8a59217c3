//! A long move does not keep other processes from their CPU.

use crate::{
    child::Child,
    figure::{length, time},
    mover::SEGMENTS,
    say,
    strip::Strip,
    NEW, OLD,
};
use anyhow::{ensure, Context, Result};
use mem::{
    checked,
    sys::{move_range, Leave},
};
use std::{fs, sync::atomic::Ordering};

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

/// Keeps this process, and those that it forks, on one CPU.
fn stay_on_one_cpu() -> Result<()> {
    // SAFETY: All zeroes is an empty set, to which the first CPU is added.
    let ret = unsafe {
        let mut cpus: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(0, &mut cpus);
        libc::sched_setaffinity(0, size_of_val(&cpus), &cpus)
    };
    checked(ret).context("sched_setaffinity").map(drop)
}

/// Another process counts, on the same CPU. Without preemption it gets to run during the call only
/// if the call gives the CPU away, which it is asked for at a tick of the clock: a move that lasts
/// for many ticks is asked many times. The counter could also run between reading it and the call,
/// but hardly in each of several moves.
pub fn check() -> Result<()> {
    stay_on_one_cpu()?;
    let strip = Strip::make(OLD, SEGMENTS, 1)?;
    let steps = crate::shared::number()?;
    let _counter = Child::fork(|| loop {
        steps.fetch_add(1, Ordering::Relaxed);
    })?;

    let (mut from, mut to) = (OLD, NEW);
    say!("the kernel has {}", preemption()?);
    for _ in 0..MOVES {
        let before = steps.load(Ordering::Relaxed);
        let (result, took) = time(|| move_range(from, strip.len(), to, Leave::Nothing));
        let made = steps.load(Ordering::Relaxed) - before;

        result.context("mremap")?;
        strip.check(to, 0..strip.pages())?;
        say!(
            "another process made {made} steps during a move of {}",
            length(took)
        );
        ensure!(made > 0, "a move kept the CPU for {took:?}");
        (from, to) = (to, from);
    }
    Ok(())
}
