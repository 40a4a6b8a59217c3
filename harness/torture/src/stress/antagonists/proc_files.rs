// SPDX-License-Identifier: GPL-2.0

//! Reads what `/proc` shows of the address space, all of it, while it changes.

use super::Antagonist;
use crate::stress::scene::Scene;
use anyhow::{
    Context,
    Result, //
};
use mem::{
    maps,
    PAGE, //
};
use rand::{
    rngs::ChaCha8Rng,
    seq::IndexedRandom, //
};
use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::FileExt,
    path::Path, //
};

/// Files to read. Kernels may lack some of them.
const FILES: [&str; 5] = [
    "/proc/self/maps",
    "/proc/self/smaps",
    "/proc/self/smaps_rollup",
    "/proc/self/numa_maps",
    "/proc/self/status",
];

/// Tells what memory was used since the last time: a write of 1 forgets what was referenced, one
/// of 4 what was written to.
const FORGET: &str = "/proc/self/clear_refs";

#[derive(Clone, Copy)]
enum Action {
    Read(&'static str),
    Pagemap,
    Forget(&'static str),
}

struct ProcFiles<'a> {
    scene: &'a Scene,
    actions: Vec<Action>,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let there = |path: &&str| Path::new(path).exists();
    let files = FILES.into_iter().filter(there).map(Action::Read);
    let forget = ["1", "4"].map(Action::Forget);

    fs::metadata("/proc/self/pagemap").context("/proc/self/pagemap")?;
    Ok(Box::new(ProcFiles {
        scene,
        actions: files
            .chain([Action::Pagemap])
            .chain(forget.into_iter().filter(|_| there(&FORGET)))
            .collect(),
    }))
}

impl ProcFiles<'_> {
    /// Reads the entries of all addresses where a region can be.
    fn read_pagemap(&self, rng: &mut ChaCha8Rng) -> Result<()> {
        let range = self.scene.any_region(rng).field();
        let mut entries = vec![0; range.len() / PAGE * size_of::<u64>()];

        fs::File::open("/proc/self/pagemap")?
            .read_exact_at(&mut entries, (range.start / PAGE * size_of::<u64>()) as u64)
            .context("/proc/self/pagemap")
    }
}

impl Antagonist for ProcFiles<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        match *self.actions.choose(rng).unwrap() {
            Action::Read("/proc/self/maps") => drop(maps::read()?),
            Action::Read(path) => drop(fs::read(path).context(path)?),
            Action::Pagemap => self.read_pagemap(rng)?,
            Action::Forget(what) => match fs::write(FORGET, what) {
                // The kernel has no soft-dirty bits.
                Err(error) if error.kind() == ErrorKind::InvalidInput => {}
                result => result.context(FORGET)?,
            },
        }
        Ok(())
    }
}
