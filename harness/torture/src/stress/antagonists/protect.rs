// SPDX-License-Identifier: GPL-2.0

//! Takes the permission to write away and gives it back.

use super::Antagonist;
use crate::stress::{
    kind::Kind,
    scene::Scene, //
};
use anyhow::{
    Context,
    Result, //
};
use mem::{
    sys,
    PAGE, //
};
use rand::{
    rngs::ChaCha8Rng,
    RngExt, //
};

struct Protect<'a>(&'a Scene);

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    Ok(Box::new(Protect(scene)))
}

impl Antagonist for Protect<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let region = self.0.any_region(rng);
        let pages = region.any_pages(8, rng);
        let addr = region.addr(region.any_slot(pages.start, rng), pages.start);

        // Code would lose the permission to be executed.
        if region
            .shape
            .units_in(&pages)
            .any(|unit| unit.kind == Kind::Code)
        {
            return Ok(());
        }
        // More often given than taken, so that stores mostly find pages that may be written.
        match sys::protect(addr, pages.len() * PAGE, rng.random_ratio(2, 3)) {
            // Nothing is mapped there, or not everywhere.
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => Ok(()),
            result => result.context("mprotect"),
        }
    }
}
