// SPDX-License-Identifier: GPL-2.0

//! Where one call is known not to give what a call for each segment gives.
//!
//! Documentation/mm/mremap_range.rst says why, in "Merging" and "Limits".

use crate::{
    arena::{
        in_table,
        overlap,
        PMD, //
    },
    kind::Kind,
    plan::{
        Layout,
        Unit, //
    },
    scope::{
        Scope,
        Tables, //
    }, //
};
use std::ops::Range;

impl Layout {
    /// The unit that has a page.
    fn unit_at(&self, page: usize) -> Option<&Unit> {
        self.units_in(page..page + 1).next()
    }

    /// Does unfaulted anonymous memory arrive just below old anonymous memory that the next
    /// segment goes over?
    ///
    /// ```text
    /// source           [ unfaulted ][ next ]
    /// destination            [ old .......... ]
    /// ```
    ///
    /// In a sequence of calls the unfaulted memory joins the old one, before the next call unmaps
    /// the rest of that.
    fn joins_old_memory(&self) -> bool {
        let source = self.step.source();
        let unfaulted = self
            .units_in(source.clone())
            .filter(|unit| unit.unfaulted());

        unfaulted.map(|unit| unit.range().end).any(|end| {
            let arrival = (end + self.step.to).saturating_sub(self.step.from);
            let old = self.unit_at(arrival);
            end < source.end
                && self.unit_at(end).is_some()
                && old.is_some_and(|old| old.kind == Kind::Anon)
        })
    }

    /// Is a mapping that stays, and of which a part moves, a part of the destination as well?
    ///
    /// In a sequence of calls what is in the way is unmapped bit by bit. So the first segment may
    /// be a part of a mapping that keeps its `anon_vma`, where by one call it is already a mapping
    /// of its own that gives it up.
    fn keeps_both_ends(&self) -> bool {
        let (source, destination) = (self.step.source(), self.step.destination());
        let both = |unit: &Unit| overlap(&unit.range(), &destination);

        self.step.keep && self.units_in(source).any(both)
    }

    /// Does a segment end a table of page table entries that it does not start, and go to a place
    /// that lies to its table in the same way?
    ///
    /// ```text
    /// source     | ........[ segm|ent ]
    /// destination| ........[ segm|ent ]
    /// ```
    ///
    /// A single move may take such a table as a whole. Then the destination needs none, and the
    /// pages are not marked as soft-dirty.
    fn moves_a_table(&self, segments: &[Range<usize>]) -> bool {
        let ends_table = |segment: &Range<usize>| {
            in_table(segment.start) != 0 && segment.start.next_multiple_of(PMD) <= segment.end
        };

        in_table(self.step.from) == in_table(self.step.to) && segments.iter().any(ends_table)
    }

    /// May a table that nothing else is mapped by leave a source that stays? By a call for each
    /// segment it stays, without entries.
    fn may_take_its_table(&self) -> bool {
        self.step.keep && in_table(self.step.from) == in_table(self.step.to)
    }

    /// Are there tables of page table entries for addresses of the source and of the destination?
    ///
    /// Such a table is freed when neither has mappings that could use it. By one call there is
    /// always one of them.
    fn shares_a_table(&self) -> bool {
        let tables = |pages: Range<usize>| pages.start / PMD..pages.end.div_ceil(PMD);

        overlap(
            &tables(self.step.source()),
            &tables(self.step.destination()),
        )
    }

    /// Does unfaulted anonymous memory arrive next to anonymous memory at the other end of the
    /// source?
    ///
    /// ```text
    /// source       [ unfaulted ][ ... ][ last ]
    /// destination                             [ unfaulted ][ ... ][ last ]
    /// ```
    ///
    /// In a sequence of calls it joins that, and what it joined has its anon_vma from then on. When
    /// that moves in its turn it is not unfaulted any more, and may stay apart where by one call it
    /// merges.
    pub fn joins_the_other_end(&self) -> bool {
        let (source, destination) = (self.step.source(), self.step.destination());
        let [first, last] = [source.start, source.end - 1].map(|page| self.unit_at(page));
        let joins = |one: Option<&Unit>, other: Option<&Unit>| {
            one.is_some_and(Unit::unfaulted) && other.is_some_and(|unit| unit.kind == Kind::Anon)
        };

        destination.start == source.end && joins(first, last)
            || destination.end == source.start && joins(last, first)
    }

    /// Is hugetlb memory in the way that single moves would have to cut inside of a huge page?
    ///
    /// ```text
    /// source           [ a ][ b ][ ....... c ]
    /// destination      [ one huge page ..... ]
    /// ```
    ///
    /// They are refused. By one call all of it goes, as it is under a run of segments.
    pub fn fails_by_a_call_each(&self, segments: &[Range<usize>]) -> bool {
        let arrive = |page: usize| page + self.step.to - self.step.from;

        self.units_in(self.step.destination())
            .filter(|unit| unit.kind.hugetlb())
            .any(|unit| {
                segments
                    .iter()
                    .flat_map(|segment| [segment.start, segment.end].map(arrive))
                    .any(|end| unit.at < end && end < unit.range().end && in_table(end) != 0)
            })
    }

    /// How much memory page tables may take by one call.
    fn tables(&self, segments: &[Range<usize>]) -> Tables {
        let mut old = self.units_in(self.step.destination());

        if self.moves_a_table(segments) || self.shares_a_table() {
            Tables::Any
        } else if self.may_take_its_table() {
            Tables::NoMore
        } else if old.next().is_some() {
            // By one call all that is in the way goes first, and its tables with it. In a sequence
            // a segment may have arrived by then that keeps a table which it does not need.
            Tables::NoMore
        } else {
            Tables::Same
        }
    }

    /// What counts as a difference between the two ways to move, given the segments of the source.
    pub fn scope(&self, segments: &[Range<usize>]) -> Scope {
        // What has joined the old mapping keeps that mapping's soft-dirty flag, and its anon_vma,
        // which decides what it merges with later.
        let joins = self.joins_old_memory();

        Scope {
            soft_dirty_flag: !joins,
            merged: !joins && !self.keeps_both_ends() && !self.joins_the_other_end(),
            may_soil: self.moves_a_table(segments),
            tables: self.tables(segments),
            ..Scope::processes(["by a call each", "by one call"])
        }
    }
}
