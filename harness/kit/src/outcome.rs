// SPDX-License-Identifier: GPL-2.0

//! What a test suite comes to.

use anyhow::{
    ensure,
    Result, //
};

/// What a suite came to.
#[derive(Debug, Default)]
pub struct Outcome {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    /// What failed or was skipped, and why.
    pub notes: Vec<String>,
}

impl Outcome {
    /// Counts one check, with a note if it failed.
    pub fn check(&mut self, ok: bool, note: impl FnOnce() -> String) {
        if ok {
            self.passed += 1;
        } else {
            self.failed += 1;
            self.notes.push(note());
        }
    }

    /// What a suite came to that may not have run to its end, which is a failure of it.
    pub fn of(result: Result<Outcome>) -> Self {
        result.unwrap_or_else(|error| Outcome {
            failed: 1,
            notes: vec![format!("{error:#}")],
            ..Outcome::default()
        })
    }

    /// Adds what another suite, or another part of this one, came to.
    pub fn add(&mut self, other: Outcome) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.notes.extend(other.notes);
    }

    /// Fails if a check has, with the notes.
    pub fn require(&self) -> Result<()> {
        ensure!(self.failed == 0, "{}", self.notes.join("\n"));
        Ok(())
    }

    /// A suite that was left out.
    pub fn skipped(why: &str) -> Self {
        Outcome {
            skipped: 1,
            notes: vec![why.to_owned()],
            ..Outcome::default()
        }
    }
}
