// SPDX-License-Identifier: GPL-2.0

//! Memory of an antagonist's own, which it moves between two places.
//!
//! ```text
//!   [rw][r-][rw]...[r-][rw][the tail, which the antagonist maps]
//! ```

use crate::strip::Strip;
use anyhow::{
    Context,
    Result, //
};
use mem::{
    sys::{
        self,
        Leave, //
    },
    PAGE, //
};
use std::io;

/// Where the memory of each antagonist is. Each has room for two places, far from everything else.
pub mod home {
    pub const PERF: usize = 0x40_0000_0000;
    pub const IO_URING: usize = 0x41_0000_0000;
    pub const FUTEX: usize = 0x42_0000_0000;
    pub const USERFAULTFD: usize = 0x43_0000_0000;
    /// In processes that are started for it.
    pub const APART: usize = 0x44_0000_0000;
}

/// How far the second place is from the first one. Neither page tables nor huge pages line up.
const APART: usize = 0x2000_3000;

/// A strip and its tail, which move together.
pub struct Shuttle {
    pub strip: Strip,
    /// All of it, in bytes.
    len: usize,
    places: [usize; 2],
    /// Which place it is at.
    at: usize,
}

impl Shuttle {
    /// Maps a strip, of mappings of one page each, that `tail` pages are to follow.
    pub fn make(home: usize, mappings: usize, tail: usize) -> Result<Self> {
        let places = Shuttle::places_of(home);
        let strip = Strip::make(places[0], mappings, 1)?;

        Ok(Shuttle {
            len: strip.len() + tail * PAGE,
            strip,
            places,
            at: 0,
        })
    }

    /// Where a shuttle can be.
    pub fn places_of(home: usize) -> [usize; 2] {
        [home + PAGE, home + PAGE + APART]
    }

    /// Where it is.
    pub fn at(&self) -> usize {
        self.places[self.at]
    }

    /// Where it is not.
    pub fn away(&self) -> usize {
        self.places[1 - self.at]
    }

    /// Where its tail is.
    pub fn tail(&self) -> usize {
        self.at() + self.strip.len()
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Moves to the other place. After an error it is where it was.
    pub fn go(&mut self) -> io::Result<()> {
        self.go_leaving(Leave::Nothing)
    }

    /// Moves to the other place, whatever becomes of the mappings: what stays is unmapped.
    pub fn go_leaving(&mut self, leave: Leave) -> io::Result<()> {
        self.try_part(self.len, leave)?;
        self.at = 1 - self.at;
        match leave {
            Leave::Nothing => Ok(()),
            Leave::Mappings => sys::unmap(self.away(), self.len),
        }
    }

    /// Tries to move the first bytes of it to the other place.
    pub fn try_part(&self, len: usize, leave: Leave) -> io::Result<()> {
        sys::move_range(self.at(), len, self.away(), leave)
    }

    /// Expects the strip to be where it is, and nowhere else.
    pub fn check(&self) -> Result<()> {
        let all = 0..self.strip.pages();

        self.strip
            .check(self.at(), all.clone())
            .and_then(|()| self.strip.check_gone(self.away(), all))
            .context("what moves to and fro")
    }
}

impl Drop for Shuttle {
    fn drop(&mut self) {
        for place in self.places {
            let _ = sys::unmap(place, self.len);
        }
    }
}
