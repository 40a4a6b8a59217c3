// SPDX-License-Identifier: GPL-2.0

//! What came of a part, in a file.

use super::part::Part;
use crate::{
    git::{
        self,
        git, //
    },
    outcome::Outcome,
    paths::{
        write_whole,
        Paths, //
    },
    step::output, //
};
use anyhow::{
    Context,
    Result, //
};
use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::Duration, //
};

/// What came of a part.
pub struct Record {
    /// A number for what was tested.
    made_of: String,
    pub outcome: Outcome,
    pub seconds: u64,
    /// When it was run, and of which commit of this repository.
    pub date: String,
    pub commit: String,
}

fn file(paths: &Paths, part: &Part) -> PathBuf {
    let name = part.to_string().replace(' ', "-");

    paths.work.join("test-all").join(name)
}

impl Record {
    /// One of a run that has just ended.
    pub fn of(paths: &Paths, made_of: &str, outcome: Outcome, time: Duration) -> Result<Self> {
        let show = ["show", "-s", "--format=%h", "HEAD"];

        Ok(Record {
            made_of: git::number(made_of.as_bytes())?,
            outcome,
            seconds: time.as_secs(),
            date: output(Command::new("date").args(["-u", "+%F"]))?
                .trim()
                .to_owned(),
            commit: output(git(&paths.top).args(show))?.trim().to_owned(),
        })
    }

    pub fn passed(&self) -> bool {
        self.outcome.failed == 0
    }

    /// Reads the last one of a part.
    pub fn read(paths: &Paths, part: &Part) -> Option<Self> {
        let text = fs::read_to_string(file(paths, part)).ok()?;

        Self::parse(&text).ok()
    }

    /// Was that tested, and nothing that has changed since?
    pub fn is_of(&self, made_of: &str) -> Result<bool> {
        Ok(self.made_of == git::number(made_of.as_bytes())?)
    }

    pub fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let line = lines.next().context("it is empty")?;
        let mut words = line.split(' ');
        let mut word = || words.next().context("its first line is too short");
        let (made_of, date, commit) = (word()?.to_owned(), word()?.to_owned(), word()?.to_owned());
        let mut count = || -> Result<usize> { Ok(word()?.parse()?) };

        Ok(Record {
            made_of,
            date,
            commit,
            seconds: count()? as u64,
            outcome: Outcome {
                passed: count()?,
                failed: count()?,
                skipped: count()?,
                notes: lines.map(str::to_owned).collect(),
            },
        })
    }

    fn text(&self) -> String {
        let Outcome {
            passed,
            failed,
            skipped,
            notes,
        } = &self.outcome;

        format!(
            "{} {} {} {} {passed} {failed} {skipped}\n{}\n",
            self.made_of,
            self.date,
            self.commit,
            self.seconds,
            notes.join("\n")
        )
    }

    pub fn keep(&self, paths: &Paths, part: &Part) -> Result<()> {
        let file = file(paths, part);

        fs::create_dir_all(file.parent().unwrap_or(&paths.work))?;
        write_whole(&file, self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::Record;
    use crate::outcome::Outcome;

    #[test]
    fn what_is_kept_is_read() {
        let record = Record {
            made_of: "ff11".to_owned(),
            outcome: Outcome {
                passed: 3,
                failed: 1,
                skipped: 2,
                notes: vec!["one".to_owned(), "two".to_owned()],
            },
            seconds: 70,
            date: "2000-01-02".to_owned(),
            commit: "abc".to_owned(),
        };
        let read = Record::parse(&record.text()).unwrap();

        assert_eq!(read.text(), record.text());
        assert_eq!(read.outcome.notes, ["one", "two"]);
        assert!(!read.passed());
        assert!(Record::parse("").is_err());
        assert!(Record::parse("ff11 2000-01-02 abc 1 2").is_err());
    }
}
