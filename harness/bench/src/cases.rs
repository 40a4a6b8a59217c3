// SPDX-License-Identifier: GPL-2.0

//! The cases.

use crate::case::{
    Case,
    Kind, //
};
use std::collections::HashSet;

/// How many small pages a layout may have. Guests have 1.5 GiB.
pub const MOST: usize = 65_536;

/// The same of huge pages.
pub const MOST_HUGE: usize = 128;

/// The layout that covers 1000 MiB.
pub const GIGABYTE: Case = Case {
    kind: Kind::Sparse,
    keep: false,
    segments: 100,
    pages: 2560,
};

/// Numbers of segments, and of pages of each.
const SEGMENTS: [usize; 7] = [1, 2, 10, 100, 1_000, 10_000, 60_000];
const PAGES: [usize; 4] = [1, 8, 64, 512];

/// What is moved in all sizes, and whether its mappings stay.
const ALL: [(Kind, bool); 8] = [
    (Kind::Anon, false),
    (Kind::Anon, true),
    (Kind::Apart, false),
    (Kind::Unfaulted, false),
    (Kind::Shmem, false),
    (Kind::File, false),
    (Kind::Sysv, false),
    (Kind::Hugetlb, false),
];

/// What has a target.
const QUICK: [(Kind, bool, &[usize]); 6] = [
    (Kind::Anon, false, &[2, 1_000, 10_000, 60_000]),
    (Kind::Anon, true, &[2, 1_000]),
    (Kind::Shmem, false, &[1_000, 10_000]),
    (Kind::File, false, &[1_000, 10_000]),
    (Kind::Sysv, false, &[100]),
    (Kind::Hugetlb, false, &[100]),
];

/// What shootdowns are counted of in a short time, 1,000 segments of a page each.
const SHOOTDOWNS: [(Kind, bool); 4] = [
    (Kind::Anon, false),
    (Kind::Anon, true),
    (Kind::Shmem, false),
    (Kind::File, false),
];

/// The same, and what has no target: other numbers of segments, System V and hugetlb.
const MORE_SHOOTDOWNS: [(Kind, bool, usize); 5] = [
    (Kind::Anon, false, 2),
    (Kind::Anon, false, 10_000),
    (Kind::Anon, false, 60_000),
    (Kind::Sysv, false, 100),
    (Kind::Hugetlb, false, 100),
];

/// Does a layout take no more memory than there is for it?
fn fits(case: &Case) -> bool {
    let most = match case.kind {
        Kind::Hugetlb => MOST_HUGE,
        _ => MOST,
    };
    case.segments * case.pages <= most
}

/// What is measured in a short time: all that has a target.
pub fn quick() -> Vec<Case> {
    let mut cases: Vec<Case> = QUICK
        .iter()
        .flat_map(|&(kind, keep, sizes)| {
            sizes.iter().map(move |&segments| Case {
                kind,
                keep,
                segments,
                pages: 1,
            })
        })
        .collect();

    cases.push(GIGABYTE);
    cases
}

/// All cases, except for those that take too much memory. It starts with what is measured in a short
/// time: how the kernel's caches are filled depends on what came before.
pub fn full() -> Vec<Case> {
    let mut cases = quick();

    for (kind, keep) in ALL {
        for segments in SEGMENTS {
            cases.extend(PAGES.map(|pages| Case {
                kind,
                keep,
                segments,
                pages,
            }));
        }
    }
    let mut seen = HashSet::new();
    cases.retain(|case| seen.insert(*case) && (fits(case) || *case == GIGABYTE));
    cases
}

/// What shootdowns are counted of. How many there are depends on the segments, hardly on what is in
/// them.
pub fn shootdowns(quick: bool) -> Vec<Case> {
    let more: &[_] = if quick { &[] } else { &MORE_SHOOTDOWNS };

    SHOOTDOWNS
        .iter()
        .map(|&(kind, keep)| (kind, keep, 1_000))
        .chain(more.iter().copied())
        .map(|(kind, keep, segments)| Case {
            kind,
            keep,
            segments,
            pages: 1,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{
        full,
        quick, //
    };
    use std::collections::HashSet;

    #[test]
    fn what_is_quick_comes_first() {
        let (all, quick) = (full(), quick());
        assert_eq!(all[..quick.len()], quick);
    }

    #[test]
    fn no_case_is_there_twice() {
        let all = full();
        let each: HashSet<_> = all.iter().collect();
        assert_eq!(each.len(), all.len());
    }
}
