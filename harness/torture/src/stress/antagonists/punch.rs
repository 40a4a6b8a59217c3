// SPDX-License-Identifier: GPL-2.0

//! Takes pages out of a mapped file and puts them back.

use super::Antagonist;
use crate::stress::{
    files::{
        punch,
        write_stamp, //
    },
    kind::Kind,
    region::Region,
    scene::Scene, //
};
use anyhow::{
    Context,
    Result, //
};
use mem::PAGE;
use rand::{
    rngs::ChaCha8Rng,
    seq::IndexedRandom,
    RngExt, //
};
use std::fs::File;

struct Punch<'a> {
    region: &'a Region,
    file: &'a File,
    /// Pages of the region that the file is mapped at.
    pages: Vec<usize>,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let region = scene.mixed();
    let is_punched = |page: &usize| region.shape.unit(*page).kind.may_be_zero();

    Ok(Box::new(Punch {
        region,
        file: region.files.of(Kind::Punched).context("no file")?,
        pages: region
            .shape
            .mapped()
            .iter()
            .copied()
            .filter(is_punched)
            .collect(),
    }))
}

impl Punch<'_> {
    /// Frees one page.
    fn punch(&self, page: usize) -> Result<()> {
        punch(self.file, page, PAGE)?;
        write_stamp(self.file, page, self.region.stamp(page))
    }

    /// Cuts the file off at a page, copies of private mappings included, and makes it long again.
    fn truncate(&self, page: usize) -> Result<()> {
        self.file.set_len((page * PAGE) as u64)?;
        self.file.set_len((self.region.shape.len() * PAGE) as u64)?;

        for page in self.pages.iter().filter(|other| **other >= page) {
            write_stamp(self.file, *page, self.region.stamp(*page))?;
        }
        Ok(())
    }
}

impl Antagonist for Punch<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let page = *self.pages.choose(rng).unwrap();

        match rng.random_ratio(1, 16) {
            true => self.truncate(page),
            false => self.punch(page),
        }
    }
}
