// SPDX-License-Identifier: GPL-2.0

//! What is measured.

use anyhow::{
    Context,
    Error,
    Result, //
};
use clap::ValueEnum;
use serde::{
    Deserialize,
    Serialize, //
};
use std::{
    fmt,
    str::FromStr, //
};

/// The word for [`Case::keep`].
const KEEP: &str = "dontunmap";

/// What is behind the mappings that move.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Anonymous memory, one mapping that was written to and then split.
    Anon,
    /// Anonymous memory of which each mapping was written to on its own, so that no two of them
    /// share an `anon_vma`.
    Apart,
    /// Anonymous memory that was never touched.
    Unfaulted,
    /// Anonymous memory that children share.
    Shmem,
    /// A file that lies in memory, shared.
    File,
    /// System V shared memory, attached as a whole and then split.
    Sysv,
    /// Huge pages, 2 MiB each.
    Hugetlb,
    /// Anonymous memory, aligned to 2 MiB, with some pages in each 2 MiB.
    Sparse,
}

/// A layout, and what its move leaves behind.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Case {
    pub kind: Kind,
    /// `MREMAP_DONTUNMAP`.
    pub keep: bool,
    pub segments: usize,
    /// How many pages each segment has, huge ones for [`Kind::Hugetlb`].
    pub pages: usize,
}

/// How a layout is moved.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Way {
    /// By a call for each segment.
    Loop,
    /// By one call.
    One,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("none is hidden");
        f.write_str(value.get_name())
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.keep {
            write!(f, " {KEEP}")?;
        }
        write!(f, " {}x{}", self.segments, self.pages)
    }
}

/// Takes what a case is written as.
impl FromStr for Case {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let (first, size) = text.rsplit_once(' ')?;
            let (kind, keep) = match first.split_once(' ') {
                Some((kind, KEEP)) => (kind, true),
                Some(_) => return None,
                None => (first, false),
            };
            let (segments, pages) = size.split_once('x')?;

            Some(Case {
                kind: Kind::from_str(kind, false).ok()?,
                keep,
                segments: segments.parse().ok()?,
                pages: pages.parse().ok()?,
            })
        };

        parse().with_context(|| format!("'{text}' is no case, as 'anon 1000x1' is one"))
    }
}

#[cfg(test)]
mod tests {
    use super::Case;
    use crate::cases::full;

    #[test]
    fn cases_are_read_as_they_are_written() {
        for case in full() {
            assert_eq!(case.to_string().parse::<Case>().unwrap(), case);
        }
    }

    #[test]
    fn other_words_are_no_cases() {
        for wrong in [
            "",
            "anon",
            "anon 1000",
            "anon x1",
            "none 1000x1",
            "anon kept 1000x1",
            "anon dontunmap",
            "anon 1000x1 dontunmap",
        ] {
            assert!(wrong.parse::<Case>().is_err(), "{wrong}");
        }
    }
}
