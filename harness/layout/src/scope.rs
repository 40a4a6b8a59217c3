// SPDX-License-Identifier: GPL-2.0

//! What counts as a difference between two snapshots.

use crate::snapshot::Mapping;

/// How much memory page tables may take on the second side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tables {
    /// As much as on the first.
    Same,
    /// No more than that.
    NoMore,
    /// That does not count.
    Any,
}

impl Tables {
    /// Is that much allowed, given what the first side has?
    pub fn allow(self, first: i64, second: i64) -> bool {
        match self {
            Tables::Same => first == second,
            Tables::NoMore => second <= first,
            Tables::Any => true,
        }
    }
}

/// What counts as a difference.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// What the two sides are called.
    pub names: [&'static str; 2],
    /// Are both of one process, so that page frames must be the same?
    pub frames: bool,
    /// May pages have become soft-dirty from the first to the second?
    pub may_soil: bool,
    /// May huge pages be mapped by small entries on the second side?
    pub may_split: bool,
    /// May pages that KSM has merged on the first side be unmerged on the second?
    pub may_part: bool,
    /// Does the soft-dirty flag of mappings count?
    pub soft_dirty_flag: bool,
    /// How much memory page tables may take.
    pub tables: Tables,
    /// Does it count what merges when all is made writable?
    pub merged: bool,
}

impl Scope {
    /// Two processes, in which everything is to be the same that can be.
    pub fn processes(names: [&'static str; 2]) -> Self {
        Scope {
            names,
            frames: false,
            may_soil: false,
            may_split: false,
            may_part: false,
            soft_dirty_flag: true,
            tables: Tables::Same,
            merged: true,
        }
    }

    /// One process at two times, in which nothing is to be different.
    pub fn times(names: [&'static str; 2]) -> Self {
        Scope {
            frames: true,
            ..Scope::processes(names)
        }
    }
    /// May pages of a mapping have been unmerged?
    pub fn may_be_unmerged(&self, mapping: &Mapping) -> bool {
        self.may_part && mapping.entry.mergeable()
    }
}
