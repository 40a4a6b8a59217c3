// SPDX-License-Identifier: GPL-2.0

//! Results in TAP, the Test Anything Protocol.

use std::fmt::Display;

/// Results, as they come.
pub struct Tap {
    count: usize,
    right: bool,
}

impl Tap {
    /// Begins, given how many results there will be.
    pub fn begin(planned: usize) -> Self {
        println!("TAP version 13\n1..{planned}");
        Tap {
            count: 0,
            right: true,
        }
    }

    /// Prints a result.
    pub fn result(&mut self, right: bool, text: impl Display) {
        let word = if right { "ok" } else { "not ok" };

        self.count += 1;
        self.right &= right;
        println!("{word} {} {text}", self.count);
    }

    /// Were all of them right?
    pub fn all_right(&self) -> bool {
        self.right
    }
}
