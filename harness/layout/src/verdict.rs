// SPDX-License-Identifier: GPL-2.0

//! What is to become of a move, by the rules of Documentation/userspace-api/mremap_range.rst.

use crate::{
    arena::{
        in_table,
        overlap, //
    },
    mark::{
        Mark,
        Twist, //
    },
    plan::{
        Layout,
        Unit, //
    }, //
};
use std::ops::Range;

/// What is to become of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It succeeds.
    Moves,
    /// It is refused with this errno, and nothing changes.
    Refused(i32),
    /// It is a move of one mapping, which is the base's own affair.
    AsBase,
}

impl Layout {
    /// What is to become of the move, given the segments of its source: that of the whole layout.
    pub fn verdict(&self, segments: &[Range<usize>]) -> Verdict {
        let (source, destination) = (self.step.source(), self.step.destination());

        if overlap(&source, &destination) && !self.has(Twist::Low) {
            return Verdict::Refused(libc::EINVAL);
        }
        if segments
            .first()
            .is_none_or(|first| first.start != source.start)
        {
            return Verdict::Refused(libc::EFAULT);
        }
        if segments.len() == 1 && segments[0] == self.whole().step.source() {
            return Verdict::AsBase;
        }
        self.source_verdict(segments)
            .or_else(|| self.destination_verdict(segments))
            .map_or(Verdict::Moves, Verdict::Refused)
    }

    /// Segments are judged in order of address. A mapping has units of one kind.
    fn source_verdict(&self, segments: &[Range<usize>]) -> Option<i32> {
        let whole = self.whole().step;
        let overlaps = overlap(&whole.source(), &whole.destination()) && !self.has(Twist::Low);

        segments.iter().find_map(|segment| {
            if segment.end > self.step.source().end && overlaps {
                return Some(libc::EINVAL);
            }
            let low = self.has(Twist::Low) && segment.start == self.step.from;

            self.units_in(segment.clone())
                .find_map(|unit| self.unit_verdict(unit, segment))
                .or(low.then_some(libc::EPERM))
        })
    }

    fn unit_verdict(&self, unit: &Unit, segment: &Range<usize>) -> Option<i32> {
        let arrival = segment.start - self.step.from + self.step.to;
        let ends = [segment.start, segment.end, arrival];

        if unit.has(Mark::Sealed) {
            Some(libc::EPERM)
        } else if unit.has(Mark::Watched) && !self.has(Twist::Inherited) {
            // A child does not inherit who waits for missing pages.
            Some(libc::EFAULT)
        } else if unit.kind.hugetlb() && (self.step.keep || ends.map(in_table) != [0; 3]) {
            // Such mappings have a fixed size, which excludes them from DONTUNMAP.
            Some(libc::EINVAL)
        } else {
            None
        }
    }

    /// What is in the way is judged after all segments, under each run of them.
    fn destination_verdict(&self, segments: &[Range<usize>]) -> Option<i32> {
        let is_there = |unit: &&Unit| !self.lacks(unit);
        let mut units: Vec<&Unit> = self.units.iter().filter(is_there).collect();
        units.sort_by_key(|unit| unit.at);

        runs(segments).iter().find_map(|run| {
            let offset = self.step.to as isize - self.step.from as isize;
            let arrive = |page: usize| (page as isize + offset) as usize;
            let run = arrive(run.start)..arrive(run.end);

            units
                .iter()
                .filter(|unit| overlap(&unit.range(), &run))
                .find_map(|unit| {
                    let cut = |page: usize| unit.at < page && page < unit.range().end;
                    let cut_huge = unit.kind.hugetlb()
                        && [run.start, run.end]
                            .iter()
                            .any(|end| cut(*end) && in_table(*end) != 0);

                    if unit.has(Mark::Sealed) {
                        Some(libc::EPERM)
                    } else {
                        cut_huge.then_some(libc::EINVAL)
                    }
                })
        })
    }
}

/// Joins segments that touch.
pub fn runs(segments: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();

    for segment in segments {
        match runs.last_mut() {
            Some(run) if run.end == segment.start => run.end = segment.end,
            _ => runs.push(segment.clone()),
        }
    }
    runs
}
