// SPDX-License-Identifier: GPL-2.0

//! Figures, printed for people to read.

use std::{
    sync::atomic::{
        AtomicBool,
        Ordering, //
    },
    time::{
        Duration,
        Instant, //
    }, //
};

static INSTRUCTIONS: AtomicBool = AtomicBool::new(false);

/// Says what a nanosecond is.
pub fn set_unit(instructions: bool) {
    INSTRUCTIONS.store(instructions, Ordering::Relaxed);
}

/// A duration, with its unit.
pub fn length(duration: Duration) -> String {
    match INSTRUCTIONS.load(Ordering::Relaxed) {
        true => format!("{} instructions", duration.as_nanos()),
        false => format!("{} us", duration.as_micros()),
    }
}

/// Runs something, and returns how long it took.
pub fn time<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = run();

    (result, start.elapsed())
}
