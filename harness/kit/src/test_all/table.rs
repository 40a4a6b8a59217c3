// SPDX-License-Identifier: GPL-2.0

//! The table of what was tested, with what result.

use super::{
    part,
    record::Record, //
};
use crate::tree::Tree;
use anyhow::Result;

/// A line of the table: one part, or the pieces of a long run.
#[derive(Default)]
struct Line {
    config: &'static str,
    suite: String,
    parts: usize,
    run: usize,
    passed: usize,
    failed: usize,
    skipped: usize,
    seconds: u64,
    date: String,
    commit: String,
    complained: bool,
    /// Has something changed since one of them was run?
    is_old: bool,
}

impl Line {
    /// Adds a part, which has changed since it was run if `is_old`.
    fn add(&mut self, record: Option<Record>, is_old: bool) {
        self.parts += 1;
        let Some(record) = record else { return };
        self.is_old |= is_old;
        let notes = &record.outcome.notes;

        self.run += 1;
        self.passed += record.outcome.passed;
        self.failed += record.outcome.failed;
        self.skipped += record.outcome.skipped;
        self.seconds += record.seconds;
        self.complained |= notes
            .iter()
            .any(|note| note.contains("the kernel complained"));
        // The last one of a long run.
        if record.date >= self.date {
            (self.date, self.commit) = (record.date, record.commit);
        }
    }

    fn text(&self) -> String {
        let Line {
            config,
            suite,
            passed,
            failed,
            skipped,
            date,
            commit,
            ..
        } = self;
        if self.run == 0 {
            return format!("| {config} | {suite} | | | | | not run | |\n");
        }
        let pieces = match self.run == self.parts {
            true => String::new(),
            false => format!(" ({} of {})", self.run, self.parts),
        };
        let log = match self.complained {
            true => "complaints",
            false => "clean",
        };

        let old = match self.is_old {
            true => ", before later changes",
            false => "",
        };

        format!(
            "| {config} | {suite}{pieces} | {passed} | {failed} | {skipped} | {log} | {} | {date}, {commit}{old} |\n",
            self.seconds.div_ceil(60)
        )
    }
}

/// Writes the table of all that is known of this tree.
pub fn write(tree: &Tree) -> Result<String> {
    let mut lines: Vec<Line> = Vec::new();

    for part in part::all(tree.paths)? {
        let record = Record::read(tree.paths, &part);
        let is_old = match &record {
            Some(record) => !record.is_of(&part.made_of(tree)?)?,
            None => false,
        };
        let is_next = |line: &Line| line.config == part.config && line.suite == part.suite;
        if !lines.last().is_some_and(is_next) {
            lines.push(Line {
                config: part.config,
                suite: part.suite.clone(),
                ..Line::default()
            });
        }
        lines.last_mut().expect("a line").add(record, is_old);
    }
    let rows: String = lines.iter().map(Line::text).collect();
    Ok(format!(
        "| kernel | suite | passed | failed | skipped | kernel log | minutes | date, commit |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n{rows}"
    ))
}

#[cfg(test)]
mod tests {
    use super::{
        Line,
        Record, //
    };
    use crate::outcome::Outcome;

    #[test]
    fn pieces_add_up() {
        let mut line = Line {
            config: "debug",
            suite: "long sweep".to_owned(),
            ..Line::default()
        };
        assert!(line.text().contains("not run"));
        line.add(None, false);
        let record = Record::parse("ff 2000-01-02 abc 61 3 0 1\n").unwrap();
        line.add(Some(record), false);
        assert_eq!(
            line.text(),
            "| debug | long sweep (1 of 2) | 3 | 0 | 1 | clean | 2 | 2000-01-02, abc |\n"
        );
        let mut record = Record::parse("ff 2000-01-01 abd 1 0 1 0\n").unwrap();
        record.outcome = Outcome {
            failed: 1,
            notes: vec!["the kernel complained in guest x".to_owned()],
            ..Outcome::default()
        };
        line.add(Some(record), true);
        assert_eq!(
            line.text(),
            "| debug | long sweep (2 of 3) | 3 | 1 | 1 | complaints | 2 | 2000-01-02, abc, before later \
             changes |\n"
        );
    }
}
