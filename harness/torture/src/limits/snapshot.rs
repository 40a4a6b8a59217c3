// SPDX-License-Identifier: GPL-2.0

//! `/proc/self/maps` at one time, to compare with another.

use anyhow::{
    Context,
    Result, //
};
use mem::FIELD;
use std::{
    fs,
    fs::File,
    io::Read, //
};

/// Room for the lines of all mappings that a process may have.
const ROOM: usize = 8 << 20;

/// Text of the file. It has its memory before mappings are counted: reading it adds none.
pub struct Snapshot(Vec<u8>);

impl Snapshot {
    /// Makes room for a snapshot.
    pub fn room() -> Self {
        let mut text = vec![1; ROOM];

        text.clear();
        Snapshot(text)
    }

    /// Reads the file.
    pub fn take(&mut self) -> Result<()> {
        self.0.clear();
        File::open("/proc/self/maps")?.read_to_end(&mut self.0)?;
        Ok(())
    }

    /// The mappings that this program moves. The others, such as its stack, may grow at any time.
    pub fn ours(&self) -> impl Iterator<Item = &str> {
        let is_ours = |line: &&str| {
            let start = line.split('-').next().unwrap_or_default();
            usize::from_str_radix(start, 16).is_ok_and(|start| FIELD.contains(&start))
        };
        self.lines().filter(is_ours)
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        std::str::from_utf8(&self.0).unwrap_or_default().lines()
    }

    /// How many mappings the process has, in all. A page that all processes have is no mapping.
    pub fn count(&self) -> usize {
        self.lines()
            .filter(|line| !line.ends_with("[vsyscall]"))
            .count()
    }

    /// A mapping that one has and the other has not.
    pub fn difference<'a>(&'a self, other: &'a Self) -> Option<&'a str> {
        let (mut ours, mut others) = (self.ours(), other.ours());

        loop {
            match (ours.next(), others.next()) {
                (None, None) => return None,
                (one, another) if one == another => {}
                (one, another) => return one.or(another),
            }
        }
    }
}

/// How many mappings a process may have.
pub fn limit() -> Result<usize> {
    let file = "/proc/sys/vm/max_map_count";

    fs::read_to_string(file)?.trim().parse().context(file)
}
