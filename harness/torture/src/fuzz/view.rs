// SPDX-License-Identifier: GPL-2.0

//! What a child finds when it moves a layout, and what is to be said of that.

use crate::errno;
use layout::{
    compare,
    wire,
    Capture,
    Effect,
    Scope,
    Snapshot, //
};
use std::ops::Range;

/// What a child found.
pub struct Found {
    /// Zero if the call succeeded.
    pub errno: i64,
    pub before: Capture,
    pub after: Capture,
    pub effect: Effect,
}

wire!(Found {
    errno,
    before,
    after,
    effect
});

/// A child's findings, made sense of.
pub struct View {
    pub errno: i64,
    pub before: Snapshot,
    pub after: Snapshot,
    pub effect: Effect,
}

fn result(errno: i64) -> String {
    match errno {
        0 => "moved".to_owned(),
        errno => errno::words(errno),
    }
}

impl View {
    pub fn new(found: Found) -> Self {
        View {
            errno: found.errno,
            before: Snapshot::new(&found.before),
            after: Snapshot::new(&found.after),
            effect: found.effect,
        }
    }

    /// How the call ended, in words.
    pub fn result(&self) -> String {
        result(self.errno)
    }

    /// What is wrong with a call that was to succeed.
    pub fn failure(&self) -> Option<String> {
        (self.errno != 0).then(|| self.result())
    }

    /// What is wrong with a call that was to be refused.
    pub fn refusal(&self, errno: i64) -> Vec<String> {
        let mut all = Vec::new();

        if self.errno != errno {
            all.push(format!("{}, not {}", self.result(), result(errno)));
        }
        all.extend(self.changes());
        all
    }

    /// What a call changed that was to change nothing.
    pub fn changes(&self) -> Vec<String> {
        let scope = Scope::times(["before", "after it was refused"]);
        let mut all = compare(&self.before, &self.after, &scope);

        all.extend(Effect::none().compare(&self.effect, &scope, true));
        all
    }

    /// How many borders of segments are gone: between them, and to what is mapped next to them.
    pub fn merges(&self, destination: &Range<usize>, segments: usize) -> usize {
        let arrived = self.after.segments(destination).len();
        let crosses = |page: usize| {
            let mut ranges = self.after.mappings.iter().map(|mapping| &mapping.range);
            ranges.any(|range| range.start < page && page < range.end)
        };
        let ends = [destination.start, destination.end];

        segments.saturating_sub(arrived) + ends.into_iter().filter(|page| crosses(*page)).count()
    }
}
