//! The cases.

use crate::case::{Case, Kind};

/// How many small pages a layout may have. Guests have 1.5 GiB.
const MOST: usize = 65_536;

/// The same of huge pages.
const MOST_HUGE: usize = 128;

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
    (Kind::Untouched, false),
    (Kind::Shmem, false),
    (Kind::File, false),
    (Kind::Sysv, false),
    (Kind::Hugetlb, false),
];

/// What has a target.
const QUICK: [(Kind, bool, &[usize]); 6] = [
    (Kind::Anon, false, &[2, 1_000, 10_000, 60_000]),
    (Kind::Anon, true, &[1_000]),
    (Kind::Shmem, false, &[1_000, 10_000]),
    (Kind::File, false, &[1_000, 10_000]),
    (Kind::Sysv, false, &[100]),
    (Kind::Hugetlb, false, &[100]),
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

/// All cases, and those that take too much memory.
pub fn full() -> (Vec<Case>, Vec<Case>) {
    let sizes = || {
        SEGMENTS
            .into_iter()
            .flat_map(|segments| PAGES.map(|pages| (segments, pages)))
    };
    let (mut fit, too_large): (Vec<Case>, Vec<Case>) = ALL
        .into_iter()
        .flat_map(|(kind, keep)| {
            sizes().map(move |(segments, pages)| Case {
                kind,
                keep,
                segments,
                pages,
            })
        })
        .partition(fits);

    fit.push(GIGABYTE);
    (fit, too_large)
}

#[cfg(test)]
mod tests {
    use super::{full, quick};

    #[test]
    fn what_is_quick_is_a_part_of_all() {
        let (all, _) = full();

        for case in quick() {
            assert!(all.contains(&case), "{case}");
        }
    }

    #[test]
    fn no_case_is_there_twice() {
        let (mut all, left) = full();
        all.extend(left);
        all.sort();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
