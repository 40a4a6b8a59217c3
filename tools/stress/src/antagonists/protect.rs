//! Takes the permission to write away and gives it back.

use super::Antagonist;
use crate::scene::Scene;
use anyhow::{Context, Result};
use mem::sys;
use rand::{rngs::ChaCha8Rng, RngExt};

struct Protect<'a>(&'a Scene);

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    Ok(Box::new(Protect(scene)))
}

impl Antagonist for Protect<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let (addr, len) = self.0.any_region(rng).any_range(8, rng);

        // More often given than taken, so that stores mostly find pages that may be written.
        match sys::protect(addr, len, rng.random_ratio(2, 3)) {
            // Nothing is mapped there, or not everywhere.
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => Ok(()),
            result => result.context("mprotect"),
        }
    }
}
