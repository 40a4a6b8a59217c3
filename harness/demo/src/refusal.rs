// SPDX-License-Identifier: GPL-2.0

//! A call that is refused in the middle of the region, at a mapping that is sealed, and what it
//! leaves.

use crate::{
    call::{
        mremap,
        seal, //
    },
    region::{
        page,
        Region, //
    },
    say::say,
    strip,
    NEW,
    OLD, //
};
use anyhow::{
    ensure,
    Result, //
};

/// Where the pages of a region are.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// How many are at the new address, of those before the first one that is at the old one.
    moved: usize,
    stayed: usize,
    /// How many are at neither, at both, or at the new address behind one that is at the old one.
    stray: usize,
}

/// Sorts pages in address order, of each whether it is at the old address and at the new one.
fn sort(pages: impl IntoIterator<Item = (bool, bool)>) -> Found {
    let mut found = Found::default();

    for place in pages {
        match place {
            (false, true) if found.stayed == 0 => found.moved += 1,
            (true, false) => found.stayed += 1,
            _ => found.stray += 1,
        }
    }
    found
}

/// Which pages that start a range of addresses as long as the region have a mapping there.
fn mapped(region: &Region, start: usize) -> Result<Vec<bool>> {
    let mut pages = vec![false; region.len() / page()];

    for map in strip::mappings(start..start + region.len())? {
        let [first, end] = [map.address.0, map.address.1].map(|addr| addr as usize);
        pages[(first - start) / page()..(end - start) / page()].fill(true);
    }
    Ok(pages)
}

/// Finds all pages by their bytes.
fn find(region: &Region) -> Result<Found> {
    let (old, new) = (mapped(region, OLD)?, mapped(region, NEW)?);
    let is_at = |mapped: &[bool], start, number| {
        // SAFETY: It is looked at where it is mapped, and all mappings may be read.
        mapped[number] && unsafe { region.carries(start, number) }
    };
    let place = |number| (is_at(&old, OLD, number), is_at(&new, NEW, number));

    Ok(sort(region.mapped().map(place)))
}

/// Seals a mapping in the middle of the region, and tries to move the region. `half` says what has
/// to come of it: that all before the sealed mapping has moved, or that nothing has.
pub fn show(region: &Region, half: bool) -> Result<()> {
    let len = region.len();
    let count = strip::mappings(OLD..OLD + len)?.len();
    let sealed = region.middle();
    seal(OLD + sealed.start * page(), sealed.len() * page())?;

    let error = mremap(OLD, len, NEW).expect_err("a mapping is sealed");
    let stayed = strip::mappings(OLD..OLD + len)?.len();
    let moved = strip::mappings(NEW..NEW + len)?.len();
    let found = find(region)?;
    say!("");
    say!("the same call for such a region, of which mseal() has sealed a mapping in the middle:");
    say!("  mremap({OLD:#x}, {len:#x}, {len:#x}, MAYMOVE | FIXED, {NEW:#x}) = {error}");
    say!("");
    for (start, mappings) in [(OLD, stayed), (NEW, moved)] {
        if mappings > 0 {
            strip::draw(start..start + len)?;
            say!("");
        }
    }
    match moved {
        0 => say!("nothing has moved: all {stayed} mappings are where they were"),
        _ => say!("half of it has moved: {moved} mappings, while {stayed} are where they were"),
    }
    say!(
        "{} pages carry the bytes that were written to them, {} do not",
        found.moved + found.stayed,
        found.stray
    );

    let before = region.mapped().filter(|page| *page < sealed.start).count();
    let gone = if half { before } else { 0 };
    let expected = Found {
        moved: gone,
        stayed: region.pages() - gone,
        stray: 0,
    };
    ensure!(
        error.raw_os_error() == Some(libc::EPERM),
        "expected EPERM, for the sealed mapping"
    );
    ensure!(
        found == expected && moved + stayed == count,
        "expected {expected:?} of the pages, found {found:?}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{
        sort,
        Found, //
    };

    const OLD: (bool, bool) = (true, false);
    const NEW: (bool, bool) = (false, true);

    fn found(moved: usize, stayed: usize, stray: usize) -> Found {
        Found {
            moved,
            stayed,
            stray,
        }
    }

    #[test]
    fn pages_are_at_one_place() {
        assert_eq!(sort([NEW, NEW, OLD]), found(2, 1, 0));
        assert_eq!(sort([OLD, OLD]), found(0, 2, 0));
    }

    #[test]
    fn what_is_lost_or_doubled_is_stray() {
        assert_eq!(sort([NEW, (false, false), OLD]), found(1, 1, 1));
        assert_eq!(sort([(true, true), OLD]), found(0, 1, 1));
        // Upstream's loop goes up: nothing moves behind what has not.
        assert_eq!(sort([OLD, NEW]), found(0, 1, 1));
    }
}
