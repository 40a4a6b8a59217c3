// SPDX-License-Identifier: GPL-2.0

//! A thread of this process that is busy on another CPU.

use anyhow::{
    ensure,
    Context,
    Result, //
};
use mem::cpu;
use std::{
    hint::spin_loop,
    sync::{
        atomic::{
            AtomicBool,
            AtomicU64,
            Ordering::Relaxed, //
        },
        mpsc,
        Arc, //
    },
    thread::{
        self,
        JoinHandle, //
    },
    time::{
        Duration,
        Instant, //
    }, //
};

/// How long the thread may take to get its CPU.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the thread and its owner say to each other.
#[derive(Default)]
struct Shared {
    /// How often the thread went round its loop.
    rounds: AtomicU64,
    ends: AtomicBool,
}

/// The thread, which ends when this is dropped.
pub struct Neighbour {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Neighbour {
    /// Starts the thread on a CPU. It stays in user mode from then on: a CPU that is idle, or whose
    /// last thread of this process sleeps, is not sent shootdowns.
    pub fn on(cpu: usize) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = shared.clone();
        let (send, receive) = mpsc::channel();
        let thread = thread::spawn(move || {
            let pinned = stay_on(cpu);
            let fails = pinned.is_err();
            if send.send(pinned).is_ok() && !fails {
                theirs.be_busy();
            }
        });
        let neighbour = Neighbour {
            shared,
            thread: Some(thread),
        };

        receive.recv().context("the neighbour has ended")??;
        neighbour.wait()?;
        Ok(neighbour)
    }

    /// Waits until the thread has gone round its loop: from now on it runs, in user mode.
    pub fn wait(&self) -> Result<()> {
        let (start, before) = (Instant::now(), self.shared.rounds.load(Relaxed));

        while self.shared.rounds.load(Relaxed) == before {
            ensure!(
                start.elapsed() < PATIENCE,
                "the neighbour got no CPU for {} s",
                PATIENCE.as_secs()
            );
            spin_loop();
        }
        Ok(())
    }
}

impl Shared {
    fn be_busy(&self) {
        while !self.ends.load(Relaxed) {
            self.rounds.fetch_add(1, Relaxed);
            // Where one thread emulates all CPUs it turns to the next one at this instruction;
            // otherwise each shootdown would wait for the end of a time slice.
            spin_loop();
        }
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.shared.ends.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

/// Keeps the calling thread on one CPU.
pub fn stay_on(cpu: usize) -> Result<()> {
    cpu::stay_on(cpu).with_context(|| format!("there is no CPU {cpu} to stay on"))
}
