//! Reclaims memory and swaps it out, under a limit of the memory cgroup.

use super::Antagonist;
use crate::{cgroup::Cgroup, scene::Scene};
use anyhow::{anyhow, ensure, Context, Result};
use rand::{rngs::ChaCha8Rng, RngExt};
use std::{fs, sync::atomic::Ordering};

/// How many bytes are reclaimed at most each time.
const MOST: u64 = 1 << 20;

struct Reclaim<'a> {
    scene: &'a Scene,
    cgroup: &'a Cgroup,
}

/// Limits memory to what is left after a half of it was reclaimed, and a quarter. So there is
/// always less than is used, but enough for what cannot be reclaimed: nothing is killed for it.
pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let cgroup = scene
        .cgroup
        .as_ref()
        .map_err(|error| anyhow!("{error:#}"))?;
    let swaps = fs::read_to_string("/proc/swaps").context("no swap")?;
    ensure!(swaps.lines().count() > 1, "there is nothing to swap to");

    let used = cgroup.read("memory.current")?;
    let reclaim = Reclaim { scene, cgroup };
    scene.short_of_memory.store(true, Ordering::SeqCst);
    reclaim.reclaim(used / 2)?;
    let limit = cgroup.read("memory.current")? + used / 4;
    cgroup.write("memory.max", limit).context("memory.max")?;
    Ok(Box::new(reclaim))
}

impl Reclaim<'_> {
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
        // Without it what follows is short of memory as well, which it copes with.
        let _ = self.cgroup.write("memory.max", "max");
        self.scene.short_of_memory.store(false, Ordering::SeqCst);
    }
}

impl Antagonist for Reclaim<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        self.reclaim(rng.random_range(1..=MOST))
    }
}
