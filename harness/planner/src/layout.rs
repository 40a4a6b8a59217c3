// SPDX-License-Identifier: GPL-2.0

//! Address spaces that exist on paper only.

use crate::plan::{
    Request,
    Segment,
    Space,
    Totals,
    Vma, //
};
use proptest::prelude::*;
use std::ops::Range;

/// The size of a page in these tests, in bytes.
pub const PAGE: usize = 4096;

/// How many pages the source, and the destination, may have. Miri is some thousand times slower.
pub const MAX_PAGES: usize = if cfg!(miri) { 6 } else { 40 };

/// What a VMA is, apart from its addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kind {
    pub accounted: bool,
    pub data: bool,
    /// It may not be moved or unmapped.
    pub sealed: bool,
    /// It has hooks of which nothing is known.
    pub hooks: bool,
    /// It is System V shared memory, whose hooks are known.
    pub shm: bool,
    pub special: bool,
    pub anonymous_file: bool,
    pub ksm_mergeable: bool,
    /// It takes long to move by a distance that has any of these bits.
    pub long: Option<usize>,
    /// It is of hugetlb, with huge pages of this size in bytes.
    pub huge: Option<usize>,
}

/// A VMA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    pub range: Range<usize>,
    pub kind: Kind,
}

impl Vma for &Area {
    fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    fn is_hugetlb(&self) -> bool {
        self.kind.huge.is_some()
    }

    fn huge_page_size(&self) -> usize {
        self.kind.huge.expect("only hugetlb has huge pages")
    }

    fn is_special(&self) -> bool {
        self.kind.special
    }

    fn has_hooks(&self) -> bool {
        self.kind.hooks || self.kind.shm
    }

    fn is_shm(&self) -> bool {
        self.kind.shm
    }

    fn is_anonymous_file(&self) -> bool {
        self.kind.anonymous_file
    }

    fn is_long(&self, distance: usize) -> bool {
        self.kind.long.is_some_and(|mask| distance & mask != 0)
    }

    fn is_ksm_mergeable(&self) -> bool {
        self.kind.ksm_mergeable
    }

    fn is_accounted(&self) -> bool {
        self.kind.accounted
    }

    fn is_data(&self) -> bool {
        self.kind.data
    }
}

/// Why a move is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum No {
    Sealed,
    TooMany,
}

/// An address space: areas in address order that do not overlap.
#[derive(Clone, Debug)]
pub struct Paper {
    pub areas: Vec<Area>,
    pub max_vmas: usize,
    /// Where addresses end.
    pub end: usize,
}

impl Space for Paper {
    type Error = No;
    type Vma<'a> = &'a Area;
    type Vmas<'a> = Box<dyn Iterator<Item = &'a Area> + 'a>;

    fn vmas(&self, range: Range<usize>) -> Self::Vmas<'_> {
        Box::new(
            self.areas
                .iter()
                .filter(move |area| area.range.start < range.end && range.start < area.range.end),
        )
    }

    fn check_move(&self, area: &&Area, segment: &Segment, _dontunmap: bool) -> Result<(), No> {
        let source = segment.source();

        assert!(!source.is_empty());
        assert!(area.range.start <= source.start && source.end <= area.range.end);
        if area.kind.sealed {
            return Err(No::Sealed);
        }
        Ok(())
    }

    fn check_unmap(&self, area: &&Area, range: &Range<usize>) -> Result<(), No> {
        assert!(!range.is_empty());
        assert!(area.range.start <= range.start && range.end <= area.range.end);
        if area.kind.sealed {
            return Err(No::Sealed);
        }
        Ok(())
    }

    fn end(&self) -> usize {
        self.end
    }

    fn check_totals(&self, totals: &Totals, _dontunmap: bool) -> Result<(), No> {
        let after = self.areas.len() + totals.vmas_added - totals.vmas_removed;

        if after > self.max_vmas {
            return Err(No::TooMany);
        }
        Ok(())
    }
}

/// Areas that map the pages from `start` on. Pages of one kind that follow each other are one area
/// or, where `cut` says so, two.
fn areas(start: usize, pages: &[(Option<Kind>, bool)]) -> Vec<Area> {
    let mut areas: Vec<Area> = Vec::new();
    let mut last: Option<Kind> = None;

    for (index, (page, cut)) in pages.iter().enumerate() {
        let addr = start + index * PAGE;

        if let Some(kind) = *page {
            if last == *page && !cut {
                areas.last_mut().expect("an area").range.end = addr + PAGE;
            } else {
                areas.push(Area {
                    range: addr..addr + PAGE,
                    kind,
                });
            }
        }
        last = *page;
    }
    areas
}

/// Kinds of VMAs, of which a part is sealed. Hugetlb is not among them, see `rounded.rs`.
fn kinds(sealed: f64) -> impl Strategy<Value = Kind> {
    let rare = || prop::bool::weighted(0.1);

    (
        (any::<bool>(), any::<bool>(), any::<bool>()),
        prop::bool::weighted(sealed),
        (rare(), rare(), rare(), rare()),
        prop::option::weighted(0.1, prop::sample::select(vec![PAGE, usize::MAX])),
    )
        .prop_map(
            |(
                (accounted, data, ksm_mergeable),
                sealed,
                (hooks, shm, special, anonymous_file),
                long,
            )| {
                Kind {
                    accounted,
                    data,
                    sealed,
                    hooks: hooks && !shm,
                    shm,
                    special,
                    anonymous_file,
                    ksm_mergeable,
                    long,
                    huge: None,
                }
            },
        )
}

/// A layout with a request for a move in it.
pub fn layouts(sealed: f64) -> impl Strategy<Value = (Paper, Request)> {
    // Few kinds for each layout, so that VMAs of several pages are drawn.
    let pages = prop::collection::vec(kinds(sealed), 1..5).prop_flat_map(move |kinds| {
        let page = (
            prop::option::weighted(0.8, prop::sample::select(kinds)),
            prop::bool::weighted(0.3),
        );

        prop::collection::vec(page, 3 * MAX_PAGES)
    });

    (
        pages,
        1..=MAX_PAGES,
        0..MAX_PAGES,
        0..MAX_PAGES,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_filter_map(
            "source and destination overlap",
            |(pages, len, at, gap, down, dontunmap)| {
                let low = (1 + at) * PAGE;
                let high = low + (len + gap) * PAGE;
                let (old, new) = if down { (high, low) } else { (low, high) };
                let end = PAGE * (1 + 3 * MAX_PAGES);
                let paper = Paper {
                    areas: areas(PAGE, &pages),
                    max_vmas: usize::MAX,
                    end: usize::MAX,
                };
                let request = Request::new(old, new, len * PAGE, dontunmap, PAGE)?;

                (high + len * PAGE <= end).then_some((paper, request))
            },
        )
}

/// The addresses of the pages of the source that are mapped.
pub fn mapped_pages(paper: &Paper, range: Range<usize>) -> Vec<usize> {
    range
        .step_by(PAGE)
        .filter(|addr| paper.areas.iter().any(|area| area.range.contains(addr)))
        .collect()
}
