// SPDX-License-Identifier: GPL-2.0

//! What two snapshots differ in, in words.

mod pages;

use crate::{
    arena::{
        show,
        PAGE, //
    },
    scope::Scope,
    smaps::kilobytes,
    snapshot::{
        Mapping,
        Snapshot, //
    }, //
};
use pages::compare_pages;
use std::collections::HashMap;

/// How much of an anonymous mapping is mapped by huge entries.
const HUGE: &str = "AnonHugePages";

/// Fields that tell who has the same pages. Their names begin like this.
const UNMERGED: [&str; 5] = ["Pss", "Shared_", "Private_", "Referenced", "KSM"];

/// What two snapshots differ in. Nothing, if they are alike.
pub fn compare(a: &Snapshot, b: &Snapshot, scope: &Scope) -> Vec<String> {
    let mut differences = Vec::new();
    let mut files = HashMap::new();
    let (mut left, mut right) = (a.mappings.iter().peekable(), b.mappings.iter().peekable());

    loop {
        match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some(x), Some(y)) if x.range == y.range => {
                compare_mappings(x, y, &mut files, scope, &mut differences);
                left.next();
                right.next();
            }
            (Some(x), y)
                if y.is_none_or(|y| {
                    (x.range.start, x.range.end) < (y.range.start, y.range.end)
                }) =>
            {
                differences.push(alone(x, scope.names));
                left.next();
            }
            (_, Some(y)) => {
                differences.push(alone(y, [scope.names[1], scope.names[0]]));
                right.next();
            }
            (Some(_), None) => unreachable!("it is alone"),
        }
    }
    if scope.merged && differences.is_empty() && a.merged != b.merged {
        differences.push(format!(
            "made writable, it merges to {} ({}), and to {} ({})",
            merged(a),
            scope.names[0],
            merged(b),
            scope.names[1]
        ));
    }
    if differences.is_empty() && a.stay != b.stay {
        differences.push(format!(
            "cannot be reclaimed: pages {:?} {}, {:?} {}",
            a.stay, scope.names[0], b.stay, scope.names[1]
        ));
    }
    differences
}

fn merged(snapshot: &Snapshot) -> String {
    let ranges: Vec<String> = snapshot
        .merged
        .iter()
        .map(|(range, _)| show(range))
        .collect();
    ranges.join(" ")
}

fn alone(mapping: &Mapping, [here, there]: [&str; 2]) -> String {
    format!("mapping {mapping}: {here}, but not {there}")
}

fn compare_mappings(
    a: &Mapping,
    b: &Mapping,
    files: &mut HashMap<u64, u64>,
    scope: &Scope,
    differences: &mut Vec<String>,
) {
    let [here, there] = scope.names;
    let place = show(&a.range);
    let mut differ = |what: &str, x: &str, y: &str| {
        if x != y {
            differences.push(format!("mapping {place}: {what} {x} {here}, {y} {there}"));
        }
    };
    let (x, y) = (&a.entry, &b.entry);

    differ("permissions", &x.perms, &y.perms);
    differ("name", &x.name, &y.name);
    differ(
        "offset in pages",
        &(x.offset / PAGE).to_string(),
        &(y.offset / PAGE).to_string(),
    );
    // Files made twice have different inodes, but each has one partner.
    let partner = *files.entry(x.inode).or_insert(y.inode);
    differ("inode", &partner.to_string(), &y.inode.to_string());

    // Most are alike, and there are many.
    if x.lines != y.lines {
        for ((key, value), (_, other)) in x.fields().zip(y.fields()) {
            if scope.may_split && key == HUGE && kilobytes(other) <= kilobytes(value) {
                continue;
            }
            if scope.may_be_unmerged(a) && UNMERGED.iter().any(|field| key.starts_with(field)) {
                continue;
            }
            let fold = |flags: &str| match (key, scope.soft_dirty_flag) {
                ("VmFlags", false) => flags.replace(" sd", ""),
                _ => flags.to_owned(),
            };
            differ(key, &fold(value), &fold(other));
        }
    }
    compare_pages(a, b, scope, differences);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arena,
        capture::Capture,
        pagemap::{
            PRESENT,
            SOFT_DIRTY, //
        }, //
    };

    const HERE_AND_THERE: [&str; 2] = ["here", "there"];

    /// A process with one mapping of two pages, both there and soft-dirty.
    fn capture(perms: &str, inode: u64, locked: &str, flags: &str) -> Capture {
        let addresses = arena::addresses(&(16..18));
        Capture {
            smaps: format!(
                "{:x}-{:x} {perms} 00001000 00:01 {inode} /file\nLocked: {locked} kB\nVmFlags: {flags}\n",
                addresses.start, addresses.end
            ),
            pagemap: vec![PRESENT | SOFT_DIRTY | 77; 2],
            contents: vec![1, 2],
            ..Capture::default()
        }
    }

    fn usual() -> Capture {
        capture("rw-p", 7, "8", "rd wr sd")
    }

    fn differences(a: &Capture, b: &Capture, scope: Scope) -> Vec<String> {
        compare(&Snapshot::new(a), &Snapshot::new(b), &scope)
    }

    fn of_processes(other: &Capture) -> Vec<String> {
        differences(&usual(), other, Scope::processes(HERE_AND_THERE))
    }

    #[test]
    fn alike() {
        assert_eq!(of_processes(&usual()), Vec::<String>::new());
        // Another process has another file, made in the same way, and other page frames.
        let mut other = capture("rw-p", 8, "8", "rd wr sd");
        other.pagemap[0] += 1;
        assert_eq!(of_processes(&other), Vec::<String>::new());
    }

    #[test]
    fn what_mappings_differ_in() {
        assert_eq!(
            of_processes(&capture("rw-p", 7, "0", "rd wr sd")),
            ["mapping 16+2: Locked 8 kB here, 0 kB there"]
        );
        assert_eq!(
            of_processes(&capture("r--p", 7, "8", "rd sd")),
            [
                "mapping 16+2: permissions rw-p here, r--p there",
                "mapping 16+2: VmFlags rd wr sd here, rd sd there"
            ]
        );
        let none = Capture::default();
        assert_eq!(
            of_processes(&none),
            ["mapping 16+2 rw-p /file, 2 pages there: here, but not there"]
        );
    }

    #[test]
    fn what_pages_differ_in() {
        let mut other = usual();
        other.contents[1] = 9;
        assert_eq!(of_processes(&other), ["page 17: holds 0x2 here, 0x9 there"]);

        let mut other = usual();
        other.pagemap[0] = 0;
        assert_eq!(
            of_processes(&other),
            ["page 16: [present soft-dirty] here, [] there"]
        );
    }

    #[test]
    fn one_process_keeps_its_pages() {
        let mut later = usual();
        later.pagemap[1] += 1;
        assert_eq!(
            differences(&usual(), &later, Scope::times(HERE_AND_THERE)),
            ["page 17: frame 0x4d here, 0x4e there"]
        );
    }

    #[test]
    fn pages_become_soft_dirty_but_not_clean() {
        let mut clean = usual();
        clean.pagemap[0] &= !SOFT_DIRTY;
        let scope = Scope {
            may_soil: true,
            ..Scope::times(HERE_AND_THERE)
        };
        assert!(differences(&clean, &usual(), scope).is_empty());
        assert_eq!(differences(&usual(), &clean, scope).len(), 1);
    }

    #[test]
    fn a_flag_that_does_not_count() {
        let scope = Scope {
            soft_dirty_flag: false,
            ..Scope::processes(HERE_AND_THERE)
        };
        let other = capture("rw-p", 7, "8", "rd wr");
        assert!(differences(&usual(), &other, scope).is_empty());
        assert_eq!(of_processes(&other).len(), 1);
    }
}
