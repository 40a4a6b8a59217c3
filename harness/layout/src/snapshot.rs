// SPDX-License-Identifier: GPL-2.0

//! What a process can find out about its arena.

use crate::{
    arena::{
        self,
        show, //
    },
    capture::{
        Capture,
        UNREAD, //
    },
    pagemap::{
        present_or_swapped,
        FRAME,
        PRESENT,
        SWAPPED, //
    },
    smaps::{
        self,
        Entry, //
    }, //
};
use std::{
    collections::HashMap,
    fmt,
    hash::{
        Hash,
        Hasher, //
    },
    ops::Range, //
};

/// A page of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// As `/proc/self/pagemap` has it.
    pub pagemap: u64,
    /// What is at its start, or [`UNREAD`](crate::capture::UNREAD).
    pub content: u64,
}

impl Page {
    /// Is it the same page, in memory or in swap?
    pub fn same_frame(&self, other: &Page) -> bool {
        let frame = PRESENT | SWAPPED | FRAME;
        self.pagemap & frame == other.pagemap & frame
    }
}

/// A mapping in the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub entry: Entry,
    pub range: Range<usize>,
    pub pages: Vec<Page>,
}

/// What a process found in its arena.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    pub mappings: Vec<Mapping>,
    /// The mappings that there are when all is made writable.
    pub merged: Vec<(Range<usize>, String)>,
    /// The pages that cannot be reclaimed.
    pub stay: Vec<usize>,
}

/// The mappings in the arena, with the pages that they cover.
fn in_arena(text: &str) -> impl Iterator<Item = (Range<usize>, Entry)> {
    smaps::parse(text).into_iter().filter_map(|entry| {
        let start = arena::page(entry.addresses.start)?;
        let end = arena::page(entry.addresses.end)?;
        Some((start..end, entry))
    })
}

/// The pages that are still there after an attempt to reclaim them.
fn stay(mappings: &[Mapping], reclaimed: &[u64]) -> Vec<usize> {
    mappings
        .iter()
        .flat_map(|mapping| mapping.range.clone())
        .zip(reclaimed)
        .filter(|(_, pagemap)| *pagemap & PRESENT != 0)
        .map(|(number, _)| number)
        .collect()
}

impl Snapshot {
    /// Hashes what is the same in another process that went through the same.
    pub fn hash_alike(&self, hasher: &mut impl Hasher) {
        for mapping in &self.mappings {
            let Entry {
                perms,
                offset,
                name,
                lines,
                ..
            } = &mapping.entry;

            (&mapping.range, perms, offset, name, lines).hash(hasher);
            for page in &mapping.pages {
                (page.pagemap & !FRAME, page.content).hash(hasher);
            }
        }
        self.merged.hash(hasher);
    }

    /// Holds a page something else in the other one, where both were read?
    pub fn holds_other_than(&self, other: &Snapshot) -> bool {
        let contents = |snapshot: &Snapshot| -> HashMap<usize, u64> {
            let mappings = snapshot.mappings.iter();
            mappings
                .flat_map(|mapping| mapping.range.clone().zip(&mapping.pages))
                .filter(|(_, page)| page.content != UNREAD)
                .map(|(number, page)| (number, page.content))
                .collect()
        };
        let theirs = contents(other);

        contents(self)
            .iter()
            .any(|(number, content)| theirs.get(number).is_some_and(|theirs| theirs != content))
    }

    /// Makes sense of what was captured.
    pub fn new(capture: &Capture) -> Self {
        let mut pages = capture
            .pagemap
            .iter()
            .zip(&capture.contents)
            .map(|(pagemap, content)| Page {
                pagemap: *pagemap,
                content: *content,
            });

        let mappings: Vec<Mapping> = in_arena(&capture.smaps)
            .map(|(range, entry)| Mapping {
                pages: pages.by_ref().take(range.len()).collect(),
                range,
                entry,
            })
            .collect();
        let merged = in_arena(&capture.merged)
            .map(|(range, entry)| (range, entry.perms))
            .collect();
        Snapshot {
            stay: stay(&mappings, &capture.reclaimed),
            mappings,
            merged,
        }
    }

    /// The parts of mappings that lie in a range: the segments of a move of it.
    pub fn segments(&self, range: &Range<usize>) -> Vec<Range<usize>> {
        self.mappings
            .iter()
            .filter(|mapping| arena::overlap(&mapping.range, range))
            .map(|Mapping { range: own, .. }| own.start.max(range.start)..own.end.min(range.end))
            .collect()
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mapping {
            range,
            entry,
            pages,
        } = self;
        let name = match entry.name.as_str() {
            "" => "anonymous",
            name => name,
        };
        let there = pages.iter().filter(|page| present_or_swapped(page.pagemap));

        write!(
            f,
            "{} {} {name}, {} pages there",
            show(range),
            entry.perms,
            there.count()
        )
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mapping in &self.mappings {
            writeln!(f, "  {mapping}")?;
        }
        Ok(())
    }
}
