// SPDX-License-Identifier: GPL-2.0

//! Mappings that could be one, seen as one.
//!
//! Where memory is short, mappings that belong together may stay apart: a merge that fails is given
//! up, and an unmapping that fails may have split what it was going to unmap a part of.

use crate::{
    smaps::{
        kilobytes,
        Entry, //
    },
    snapshot::{
        Mapping,
        Snapshot, //
    }, //
};
use std::ops::Range;

/// Fields of smaps that do not grow with the mapping.
const PAGE_SIZES: [&str; 2] = ["KernelPageSize", "MMUPageSize"];

/// The fields of two mappings as one, if they say the same except for amounts.
fn add_fields(a: &Entry, b: &Entry) -> Option<String> {
    let mut lines = String::new();

    for ((name, value), (other_name, other)) in a.fields().zip(b.fields()) {
        let value = match (kilobytes(value), kilobytes(other)) {
            (Some(a), Some(b)) if !PAGE_SIZES.contains(&name) => format!("{} kB", a + b),
            _ if value == other => value.to_owned(),
            _ => return None,
        };
        if name != other_name {
            return None;
        }
        lines += &format!("{name}: {value}\n");
    }
    Some(lines)
}

/// Two mappings as one, if they could be.
fn join(a: &Mapping, b: &Mapping) -> Option<Mapping> {
    let (x, y) = (&a.entry, &b.entry);
    let goes_on = if x.inode == 0 {
        y.offset == x.offset
    } else {
        y.offset == x.offset + x.addresses.len()
    };
    let alike = x.perms == y.perms && x.inode == y.inode && x.name == y.name;

    (goes_on && alike && a.range.end == b.range.start).then_some(())?;
    Some(Mapping {
        entry: Entry {
            addresses: x.addresses.start..y.addresses.end,
            lines: add_fields(x, y)?,
            ..x.clone()
        },
        range: Range {
            start: a.range.start,
            end: b.range.end,
        },
        pages: [a.pages.as_slice(), &b.pages].concat(),
    })
}

impl Snapshot {
    /// What this would be if mappings were one that are one in `other`, where they could be, and
    /// where they meet at the start of a page of `within` or at its end.
    pub fn joined_as_in(&self, other: &Snapshot, within: &Range<usize>) -> Snapshot {
        let is_inside = |page: usize| {
            (within.start..=within.end).contains(&page)
                && other
                    .mappings
                    .iter()
                    .any(|mapping| mapping.range.start < page && page < mapping.range.end)
        };
        let mut mappings: Vec<Mapping> = Vec::new();

        for mapping in &self.mappings {
            let joined = mappings
                .last()
                .filter(|_| is_inside(mapping.range.start))
                .and_then(|last| join(last, mapping));
            match (joined, mappings.last_mut()) {
                (Some(joined), Some(last)) => *last = joined,
                _ => mappings.push(mapping.clone()),
            }
        }
        Snapshot {
            mappings,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(start: usize, end: usize, perms: &str) -> Mapping {
        Mapping {
            entry: Entry {
                addresses: start << 12..end << 12,
                perms: perms.to_owned(),
                lines: format!("Size: {} kB\nVmFlags: rd\n", 4 * (end - start)),
                ..Entry::default()
            },
            range: start..end,
            pages: Vec::new(),
        }
    }

    fn snapshot(mappings: &[Mapping]) -> Snapshot {
        Snapshot {
            mappings: mappings.to_vec(),
            ..Snapshot::default()
        }
    }

    #[test]
    fn what_is_one_elsewhere_is_joined() {
        let one = snapshot(&[mapping(1, 4, "rw-p")]);
        let two = snapshot(&[mapping(1, 2, "rw-p"), mapping(2, 4, "rw-p")]);

        assert_eq!(two.joined_as_in(&one, &(2..9)), one);
        assert_eq!(two.joined_as_in(&two, &(2..9)), two);
        // Elsewhere it counts.
        assert_eq!(two.joined_as_in(&one, &(3..9)), two);
    }

    #[test]
    fn what_differs_stays_apart() {
        let one = snapshot(&[mapping(1, 4, "rw-p")]);
        let two = snapshot(&[mapping(1, 2, "rw-p"), mapping(2, 4, "r--p")]);
        let hole = snapshot(&[mapping(1, 2, "rw-p"), mapping(3, 4, "rw-p")]);

        assert_eq!(two.joined_as_in(&one, &(0..9)), two);
        assert_eq!(hole.joined_as_in(&one, &(0..9)), hole);
    }
}
