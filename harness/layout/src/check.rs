// SPDX-License-Identifier: GPL-2.0

//! Which layouts can be made.

use crate::{
    arena::{
        in_table,
        overlap,
        PAGES, //
    },
    mark::Twist,
    plan::{
        Layout,
        Part,
        Unit,
        FILES,
        FILE_PAGES, //
    }, //
};
use anyhow::{
    ensure,
    Result, //
};

impl Unit {
    /// Would the two be in each other's way, where they are or where they are made?
    pub fn collides(&self, other: &Unit) -> bool {
        [self.range(), self.birth()]
            .iter()
            .any(|a| overlap(a, &other.range()) || overlap(a, &other.birth()))
    }

    /// Checks that the unit can be made, were it alone.
    pub fn check(&self) -> Result<()> {
        ensure!(self.pages > 0, "{self}: no pages");
        ensure!(
            self.range().end < PAGES && self.birth().end < PAGES,
            "{self}: outside of the arena"
        );
        if self.kind.hugetlb() {
            let start = self.born.unwrap_or(self.at);
            ensure!(
                [self.at, start, self.pages].map(in_table) == [0; 3],
                "{self}: not made of huge pages"
            );
        }
        if self.kind.of_file() {
            ensure!(
                self.part.file < FILES && self.part.offset + self.pages <= FILE_PAGES,
                "{self}: outside of its file"
            );
        } else {
            ensure!(self.part == Part::default(), "{self}: not of a file");
        }
        for mark in &self.marks {
            ensure!(
                self.marks.iter().all(|other| !mark.excludes(*other)),
                "{self}: marks that exclude each other"
            );
            ensure!(
                mark.suits(self.kind),
                "{self}: not a mark for a unit of its kind"
            );
        }
        Ok(())
    }
}

impl Layout {
    /// Checks that the layout can be made: all units are made at their birth places first, then
    /// they go to where they belong.
    pub fn check(&self) -> Result<()> {
        let step = &self.step;
        ensure!(
            step.pages > 0 && step.source().end < PAGES && step.destination().end < PAGES,
            "the move is empty or leaves the arena"
        );
        ensure!(
            !(self.has(Twist::Forked) && self.has(Twist::Inherited)),
            "a process cannot be both parent and child here"
        );
        for unit in &self.units {
            unit.check()?;
        }
        for (index, a) in self.units.iter().enumerate() {
            for b in &self.units[index + 1..] {
                ensure!(!a.collides(b), "{a} and {b} are in each other's way");
            }
        }
        Ok(())
    }
}
