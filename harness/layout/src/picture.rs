// SPDX-License-Identifier: GPL-2.0

//! Layouts as pictures for a terminal.

use crate::{
    arena::overlap,
    kind::Kind,
    plan::{
        Layout,
        Unit, //
    }, //
};
use std::{
    fmt::Write,
    ops::Range, //
};

/// How wide a picture is, and how much is shown besides the source and the destination.
const COLUMNS: usize = 72;
const MARGIN: usize = 8;

impl Layout {
    /// The source and the destination, a letter for each page or for what most of some pages are.
    ///
    /// ```text
    /// from   4088 ........aaaammm..
    ///                     =======
    /// to     8184 ..........a......
    ///                     =======
    /// ```
    pub fn picture(&self) -> String {
        let (source, destination) = (self.step.source(), self.step.destination());
        let around = |range: &Range<usize>| range.start.saturating_sub(MARGIN)..range.end + MARGIN;
        let step = around(&source).len().div_ceil(COLUMNS);
        let mut text = String::new();

        for (name, range) in [("from", source), ("to", destination)] {
            let window = around(&range);
            let cells: Vec<usize> = window.clone().step_by(step).collect();
            let units: String = cells
                .iter()
                .map(|start| self.cell(*start..start + step))
                .collect();
            let marks: String = cells
                .iter()
                .map(|start| match overlap(&(*start..start + step), &range) {
                    true => '=',
                    false => ' ',
                })
                .collect();
            let _ = writeln!(text, "{name:4} {:7} {units}", window.start);
            let _ = writeln!(text, "{:12} {}", "", marks.trim_end());
        }
        let _ = writeln!(text, "{step} pages each: {}", self.legend());
        text
    }

    fn cell(&self, pages: Range<usize>) -> char {
        let share = |unit: &&Unit| {
            let range = unit.range();
            range.end.min(pages.end) - range.start.max(pages.start)
        };
        self.units_in(pages.clone())
            .max_by_key(share)
            .map_or('.', |unit| unit.kind.letter())
    }

    fn legend(&self) -> String {
        let used = |kind: &Kind| self.units.iter().any(|unit| unit.kind == *kind);
        let mut words: Vec<String> = Kind::ALL
            .into_iter()
            .filter(used)
            .map(|kind| format!("{} {}", kind.letter(), kind.name()))
            .collect();
        words.push(". hole".to_owned());
        words.join(", ")
    }
}
