// SPDX-License-Identifier: GPL-2.0

//! Reclaims memory and swaps it out, under a limit of the memory cgroup.

use super::Antagonist;
use crate::stress::{
    cgroup::Cgroup,
    scene::Scene, //
};
use anyhow::{
    anyhow,
    ensure,
    Context,
    Result, //
};
use rand::{
    rngs::ChaCha8Rng,
    RngExt, //
};
use std::{
    fs,
    sync::atomic::Ordering, //
};

/// How many bytes are reclaimed at most each time.
const MOST: u64 = 1 << 20;

struct Reclaim<'a> {
    scene: &'a Scene,
    cgroup: &'a Cgroup,
}

/// Limits memory to three quarters of what the regions take. Above that allocations reclaim first.
/// The hard limit is further up: hot pages would be reclaimed too late for it, and the process be
/// killed.
pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let cgroup = scene
        .cgroup
        .as_ref()
        .map_err(|error| anyhow!("{error:#}"))?;
    let swaps = fs::read_to_string("/proc/swaps").context("no swap")?;
    ensure!(swaps.lines().count() > 1, "there is nothing to swap to");

    scene.short_of_memory.store(true, Ordering::SeqCst);
    let reclaim = Reclaim { scene, cgroup };
    reclaim.limit("memory.high", cgroup.charged / 4 * 3)?;
    reclaim.limit("memory.max", cgroup.charged / 2 * 3)?;
    Ok(Box::new(reclaim))
}

impl Reclaim<'_> {
    fn limit(&self, file: &str, limit: impl ToString) -> Result<()> {
        self.cgroup
            .write(file, limit)
            .with_context(|| file.to_owned())
    }

    fn reclaim(&self, bytes: u64) -> Result<()> {
        match self.cgroup.write("memory.reclaim", bytes) {
            // There is less to reclaim.
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Ok(()),
            result => result.context("memory.reclaim"),
        }
    }
}

impl Drop for Reclaim<'_> {
    fn drop(&mut self) {
        for file in ["memory.max", "memory.high"] {
            // Without it what follows is short of memory as well, which it copes with.
            let _ = self.limit(file, "max");
        }
        self.scene.short_of_memory.store(false, Ordering::SeqCst);
    }
}

impl Antagonist for Reclaim<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        self.reclaim(rng.random_range(1..=MOST))
    }
}
