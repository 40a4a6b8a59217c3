// SPDX-License-Identifier: GPL-2.0

//! A process that makes one long move and says how far it is.

use anyhow::{
    Context,
    Result, //
};
use mem::{
    shared,
    sys::{
        move_range,
        Leave, //
    }, //
};
use std::{
    sync::atomic::{
        AtomicU64,
        Ordering, //
    },
    time::Duration, //
};

/// How many mappings a long move moves.
pub const SEGMENTS: usize = 60_000;

/// How often others look how far it is.
const TICK: Duration = Duration::from_micros(100);

const BEFORE: u64 = 0;
const STARTED: u64 = 1;
const ENDED: u64 = 2;

/// How far the move is, as all who share the number know.
#[derive(Clone, Copy)]
pub struct Mover(&'static AtomicU64);

impl Mover {
    pub fn new() -> Result<Self> {
        shared::number().context("mmap").map(Mover)
    }

    /// Forgets an earlier move.
    pub fn reset(&self) {
        self.0.store(BEFORE, Ordering::SeqCst);
    }

    /// Makes the move, and waits to be killed. Returns only if the move fails.
    ///
    /// It takes no locks and allocates nothing, so that it may run in a process that shares its
    /// memory with another one.
    pub fn go(&self, from: usize, to: usize, len: usize) -> i32 {
        self.0.store(STARTED, Ordering::SeqCst);
        if move_range(from, len, to, Leave::Nothing).is_err() {
            return 1;
        }
        self.0.store(ENDED, Ordering::SeqCst);
        loop {
            // SAFETY: A call without requirements.
            unsafe { libc::pause() };
        }
    }

    fn wait_for(&self, stage: u64) {
        while self.0.load(Ordering::SeqCst) < stage {
            std::thread::sleep(TICK);
        }
    }

    /// Waits until the move is about to start.
    pub fn wait_for_start(&self) {
        self.wait_for(STARTED);
    }

    /// Waits until the move has been made.
    pub fn wait_for_end(&self) {
        self.wait_for(ENDED);
    }

    /// Has the move been made?
    pub fn ended(&self) -> bool {
        self.0.load(Ordering::SeqCst) == ENDED
    }
}
