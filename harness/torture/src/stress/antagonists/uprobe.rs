// SPDX-License-Identifier: GPL-2.0

//! Puts uprobes on code that moves, and takes them away.

use super::Antagonist;
use crate::stress::{
    effects::Gains,
    kind::Kind,
    position::{
        Spot,
        SLOTS, //
    },
    probe::Probe,
    region::Region,
    scene::Scene,
    stamp::word, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use mem::{
    peek,
    PAGE, //
};
use rand::{
    rngs::ChaCha8Rng,
    seq::IndexedRandom, //
};
use std::{
    fs::File,
    io, //
};

/// How often a function is called while it has a probe.
const CALLS: usize = 3;

struct Uprobe<'a> {
    region: &'a Region,
    file: &'a File,
    /// Pages of the region that are code.
    pages: Vec<usize>,
    gains: &'a Gains,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let region = scene.mixed();
    let is_code = |page: &usize| region.shape.unit(*page).kind == Kind::Code;
    let uprobe = Uprobe {
        region,
        file: region.files.of(Kind::Code).context("no file")?,
        pages: region
            .shape
            .mapped()
            .iter()
            .copied()
            .filter(is_code)
            .collect(),
        gains: &scene.gains,
    };

    // Fails if the kernel has no uprobes.
    Probe::make(uprobe.file, place(uprobe.pages[0]))?;
    Ok(Box::new(uprobe))
}

/// Where the function of a page is in the file.
fn place(page: usize) -> usize {
    peek::word(page * PAGE, word::CODE)
}

/// Memory may be short, by an antagonist. Then there is no probe.
fn lacks_memory(result: &io::Result<()>) -> bool {
    matches!(result, Err(error) if error.raw_os_error() == Some(libc::ENOMEM))
}

impl Uprobe<'_> {
    /// Calls the function of a page where it is. Returns whether it was still there.
    fn call(&self, page: usize) -> Result<bool> {
        match self.region.position.load().unpack().spot(page) {
            Spot::At(slot) => self.region.call(slot, page),
            Spot::Either { from, to } => {
                Ok(self.region.call(from, page)? || self.region.call(to, page)?)
            }
        }
    }
}

impl Antagonist for Uprobe<'_> {
    /// A probe that is on is hit by each call, and one that is off leaves nothing behind, at any
    /// place.
    ///
    /// A call may also find the mapping that a move has left behind, where there never was a
    /// breakpoint: only what is where the region is from before the call until after it counts.
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let page = *self.pages.choose(rng).unwrap();
        let probe = Probe::make(self.file, place(page))?;
        let enabled = probe.enable();

        if lacks_memory(&enabled) {
            return Ok(());
        }
        enabled.context("turning a uprobe on")?;
        let before = probe.hits()?;
        let mut calls = 0;
        for _ in 0..CALLS {
            let position = self.region.position.load();
            let still = matches!(position.unpack().spot(page), Spot::At(_));

            if self.call(page)? && still && self.region.position.load() == position {
                calls += 1;
            }
        }
        let hits = probe.hits()? - before;
        ensure!(
            hits >= calls,
            "{} was called {calls} times, and its uprobe was hit {hits} times; {}",
            self.region.name_page(0, page),
            self.region.position.load().unpack()
        );
        self.gains.add("uprobe", hits);
        probe.disable().context("turning a uprobe off")?;
        for slot in 0..SLOTS {
            self.region.call(slot, page)?;
        }
        Ok(())
    }
}
