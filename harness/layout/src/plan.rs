// SPDX-License-Identifier: GPL-2.0

//! The description of a layout.

use crate::{
    arena::{
        self,
        PMD, //
    },
    kind::{
        Fill,
        Kind,
        Prot, //
    },
    mark::{
        Mark,
        Twist, //
    }, //
};
use std::ops::Range;

/// A part of a file: which one, and from which page on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub file: usize,
    pub offset: usize,
}

/// How many files there are, and how many pages each has.
pub const FILES: usize = 4;
pub const FILE_PAGES: usize = 0x4000;

/// Pages that are mapped in one way. The kernel may make one mapping of several units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its first page.
    pub at: usize,
    pub pages: usize,
    pub kind: Kind,
    pub prot: Prot,
    pub fill: Fill,
    /// Which part of a file it is, for kinds that are; the default for others.
    pub part: Part,
    /// It was made here first, and then moved to where it is.
    pub born: Option<usize>,
    pub marks: Vec<Mark>,
}

impl Unit {
    /// Its pages.
    pub fn range(&self) -> Range<usize> {
        self.at..self.at + self.pages
    }

    /// The pages that it was made at.
    pub fn birth(&self) -> Range<usize> {
        let start = self.born.unwrap_or(self.at);
        start..start + self.pages
    }

    pub fn has(&self, mark: Mark) -> bool {
        self.marks.contains(&mark)
    }

    /// Is it anonymous private memory that was never written to?
    ///
    /// Such memory takes a new offset wherever it goes, so it merges more easily.
    pub fn unfaulted(&self) -> bool {
        let written = matches!(self.fill, Fill::Some | Fill::All);
        self.kind == Kind::Anon && !written && !self.has(Mark::Locked)
    }
}

/// A move: so many pages from here to there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    pub from: usize,
    pub pages: usize,
    pub to: usize,
    /// `MREMAP_DONTUNMAP`.
    pub keep: bool,
}

impl Move {
    pub fn source(&self) -> Range<usize> {
        self.from..self.from + self.pages
    }

    pub fn destination(&self) -> Range<usize> {
        self.to..self.to + self.pages
    }
}

/// What is mapped in the arena, and what is to be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub step: Move,
    pub twists: Vec<Twist>,
    /// In the order in which they are made.
    pub units: Vec<Unit>,
}

impl Layout {
    pub fn has(&self, twist: Twist) -> bool {
        self.twists.contains(&twist)
    }

    /// The units that a range of pages touches.
    pub fn units_in(&self, range: Range<usize>) -> impl Iterator<Item = &Unit> {
        self.units
            .iter()
            .filter(move |unit| arena::overlap(&unit.range(), &range))
    }

    /// Does the process that moves lack a unit? A child does not have what its parent keeps to
    /// itself.
    pub fn lacks(&self, unit: &Unit) -> bool {
        self.has(Twist::Inherited) && unit.has(Mark::DontFork)
    }

    /// The same with a source that ends where a huge page does: one that ends inside of a page of
    /// hugetlb takes all of that along.
    pub fn whole(&self) -> Layout {
        let end = self.step.source().end;
        let mut whole = self.clone();

        if self
            .units_in(end - 1..end)
            .any(|unit| unit.kind.hugetlb() && !self.lacks(unit))
        {
            whole.step.pages = end.next_multiple_of(PMD) - self.step.from;
        }
        whole
    }

    /// The address that the source goes to.
    pub fn target(&self) -> usize {
        if self.has(Twist::Low) {
            0
        } else {
            arena::address(self.step.to)
        }
    }
}
