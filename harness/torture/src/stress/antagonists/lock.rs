// SPDX-License-Identifier: GPL-2.0

//! Locks and unlocks memory.

use super::Antagonist;
use crate::stress::{
    kind::Kind,
    scene::Scene, //
};
use anyhow::{
    Context,
    Result, //
};
use mem::sys;
use rand::{
    rngs::ChaCha8Rng,
    seq::IndexedRandom,
    RngExt, //
};

/// What is locked and unlocked. Memory that is locked from the start stays so.
const KINDS: [Kind; 7] = [
    Kind::Anonymous,
    Kind::ReadOnly,
    Kind::Shared,
    Kind::MemfdPrivate,
    Kind::Tmpfs,
    Kind::Twin,
    Kind::Punched,
];

struct Lock<'a>(&'a Scene);

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    Ok(Box::new(Lock(scene)))
}

impl Antagonist for Lock<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let region = self.0.any_region(rng);
        let Some((addr, len)) = region.any_unit(*KINDS.choose(rng).unwrap(), rng) else {
            return Ok(());
        };
        // More is unlocked than locked, so that most memory can be reclaimed.
        let result = match rng.random_range(0..4) {
            0 => sys::lock(addr, len, 0),
            1 => sys::lock(addr, len, libc::MLOCK_ONFAULT),
            _ => sys::unlock(addr, len),
        };

        match result.as_ref().map_err(|error| error.raw_os_error()) {
            // Nothing is mapped there; a page cannot be had.
            Err(Some(libc::ENOMEM | libc::EAGAIN)) => Ok(()),
            _ => result.context("mlock or munlock"),
        }
    }
}
