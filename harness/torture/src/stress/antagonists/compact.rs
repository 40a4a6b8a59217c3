// SPDX-License-Identifier: GPL-2.0

//! Compacts all memory, which moves pages about.

use super::Antagonist;
use crate::stress::scene::Scene;
use anyhow::{
    Context,
    Result, //
};
use rand::rngs::ChaCha8Rng;
use std::fs;

const COMPACT: &str = "/proc/sys/vm/compact_memory";

struct Compact;

pub fn make(_: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    fs::metadata(COMPACT).context(COMPACT)?;
    Ok(Box::new(Compact))
}

impl Antagonist for Compact {
    fn act(&mut self, _: &mut ChaCha8Rng) -> Result<()> {
        fs::write(COMPACT, "1").context(COMPACT)
    }
}
