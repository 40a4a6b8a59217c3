// SPDX-License-Identifier: GPL-2.0

//! What was covered.

use super::trial::Done;
use layout::{
    Kind,
    Layout,
    Mark, //
};
use std::{
    collections::BTreeMap,
    time::Instant, //
};

/// Counts of a run.
pub struct Stats {
    start: Instant,
    pub layouts: usize,
    pub failed: usize,
    pub unsteady: usize,
    refused: usize,
    single: usize,
    kept: usize,
    segments: usize,
    merges: usize,
    kinds: BTreeMap<Kind, usize>,
    marks: BTreeMap<Mark, usize>,
}

impl Stats {
    pub fn new() -> Self {
        Stats {
            start: Instant::now(),
            layouts: 0,
            failed: 0,
            unsteady: 0,
            refused: 0,
            single: 0,
            kept: 0,
            segments: 0,
            merges: 0,
            kinds: BTreeMap::new(),
            marks: BTreeMap::new(),
        }
    }

    /// Counts what a layout that moved has in its source.
    pub fn count(&mut self, layout: &Layout, done: &Done) {
        if done.refused {
            self.refused += 1;
            return;
        }
        self.single += usize::from(done.single);
        self.kept += usize::from(layout.step.keep);
        self.segments += done.segments;
        self.merges += done.merges;

        let units = || layout.units_in(layout.step.source());
        for kind in Kind::ALL {
            if units().any(|unit| unit.kind == kind) {
                *self.kinds.entry(kind).or_default() += 1;
            }
        }
        for mark in Mark::ALL {
            if units().any(|unit| unit.has(mark)) {
                *self.marks.entry(mark).or_default() += 1;
            }
        }
    }

    pub fn progress(&self) -> String {
        let seconds = self.start.elapsed().as_secs_f64().max(0.001);
        let per_minute = self.layouts as f64 * 60.0 / seconds;

        format!(
            "{} layouts, {} failed; {per_minute:.0} per minute",
            self.layouts, self.failed
        )
    }

    pub fn summary(&self) -> String {
        let list = |names: Vec<String>| names.join(", ");
        let kinds = self
            .kinds
            .iter()
            .map(|(kind, n)| format!("{} {n}", kind.name()));
        let marks = self
            .marks
            .iter()
            .map(|(mark, n)| format!("{} {n}", mark.name()));

        format!(
            "layouts that moved with a source of: {}\n\
             and in it: {}\n\
             {} segments moved, {} merged; {} layouts with DONTUNMAP, {} of one mapping, \
             {} refused, {} unsteady\n\
             {}",
            list(kinds.collect()),
            list(marks.collect()),
            self.segments,
            self.merges,
            self.kept,
            self.single,
            self.refused,
            self.unsteady,
            self.progress()
        )
    }
}
