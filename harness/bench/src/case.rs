// SPDX-License-Identifier: GPL-2.0

//! What is measured.

use clap::ValueEnum;
use serde::{
    Deserialize,
    Serialize, //
};
use std::fmt;

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
        let keep = if self.keep { " dontunmap" } else { "" };
        write!(f, "{}{keep} {}x{}", self.kind, self.segments, self.pages)
    }
}
