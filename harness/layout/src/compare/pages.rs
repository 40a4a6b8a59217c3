// SPDX-License-Identifier: GPL-2.0

//! What two sides differ in, page by page.

use crate::{
    arena::show,
    capture::UNREAD,
    pagemap::{
        EXCLUSIVE,
        FRAME,
        OF_FILE,
        PRESENT,
        SOFT_DIRTY,
        SWAPPED,
        WRITE_PROTECTED, //
    },
    scope::Scope,
    snapshot::{
        Mapping,
        Page, //
    }, //
};

/// How many pages of a mapping are named.
const PAGES_NAMED: usize = 3;

/// Compares the pages of two mappings of the same range.
pub fn compare_pages(a: &Mapping, b: &Mapping, scope: &Scope, differences: &mut Vec<String>) {
    let wrong = a.range.clone().zip(a.pages.iter().zip(&b.pages));
    let unmerged = scope.may_be_unmerged(a);
    let mut wrong = wrong.filter_map(|(number, (x, y))| {
        let what = compare_page(x, y, unmerged, scope)?;
        Some(format!("page {number}: {what}"))
    });

    differences.extend(wrong.by_ref().take(PAGES_NAMED));
    let rest = wrong.count();
    if rest > 0 {
        differences.push(format!(
            "mapping {}: {rest} more pages differ",
            show(&a.range)
        ));
    }
}

/// What a page is, by its bits.
fn bits(pagemap: u64) -> String {
    let names = [
        (PRESENT, "present"),
        (SWAPPED, "swapped"),
        (OF_FILE, "file"),
        (WRITE_PROTECTED, "uffd-wp"),
        (EXCLUSIVE, "exclusive"),
        (SOFT_DIRTY, "soft-dirty"),
    ];
    let set: Vec<&str> = names
        .iter()
        .filter(|(bit, _)| pagemap & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    format!("[{}]", set.join(" "))
}

fn compare_page(a: &Page, b: &Page, unmerged: bool, scope: &Scope) -> Option<String> {
    let [here, there] = scope.names;
    let soiled = a.pagemap & SOFT_DIRTY == 0 && b.pagemap & SOFT_DIRTY != 0;
    let mut kept = !FRAME;
    if scope.may_soil && soiled {
        kept &= !SOFT_DIRTY;
    }
    if unmerged {
        kept &= !EXCLUSIVE;
    }

    if a.pagemap & kept != b.pagemap & kept {
        return Some(format!(
            "{} {here}, {} {there}",
            bits(a.pagemap),
            bits(b.pagemap)
        ));
    }
    if scope.frames && !unmerged && a.pagemap & FRAME != b.pagemap & FRAME {
        return Some(format!(
            "frame {:#x} {here}, {:#x} {there}",
            a.pagemap & FRAME,
            b.pagemap & FRAME
        ));
    }
    let read = a.content != UNREAD && b.content != UNREAD;
    (read && a.content != b.content)
        .then(|| format!("holds {:#x} {here}, {:#x} {there}", a.content, b.content))
}
