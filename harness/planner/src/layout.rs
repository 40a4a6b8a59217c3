// SPDX-License-Identifier: GPL-2.0

//! Address spaces that exist on paper only.

use crate::plan::{
    Mapping,
    Request,
    Segment,
    Space,
    Totals, //
};
use proptest::prelude::*;
use std::ops::Range;

/// The size of a page in these tests, in bytes.
pub const PAGE: usize = 4096;

/// How many pages the source, and the destination, may have. Miri is some thousand times slower.
pub const MAX_PAGES: usize = if cfg!(miri) { 6 } else { 40 };

/// A mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    pub range: Range<usize>,
    pub charged: bool,
    pub data: bool,
    /// It may not be moved or unmapped.
    pub sealed: bool,
    /// It has an owner who counts mappings.
    pub owned: bool,
    /// It consists of huge pages of hugetlb, which are of this size in bytes.
    pub huge: Option<usize>,
}

impl Mapping for &Area {
    fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    fn is_hugetlb(&self) -> bool {
        self.huge.is_some()
    }

    fn huge_page_size(&self) -> usize {
        self.huge.expect("this is asked of hugetlb alone")
    }

    fn is_raw(&self) -> bool {
        false
    }

    fn has_owner(&self) -> bool {
        self.owned
    }

    fn is_mergeable(&self) -> bool {
        false
    }

    fn moves_long(&self, _distance: usize) -> bool {
        false
    }

    fn is_anonymous_file(&self) -> bool {
        false
    }

    fn charged(&self) -> bool {
        self.charged
    }

    fn data(&self) -> bool {
        self.data
    }
}

/// Why something may not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum No {
    Sealed,
    TooMany,
}

/// An address space: areas in address order that do not overlap.
#[derive(Clone, Debug)]
pub struct Paper {
    pub areas: Vec<Area>,
    pub max_mappings: usize,
    /// Where addresses end.
    pub end: usize,
}

impl Space for Paper {
    type Error = No;
    type Mapping<'a> = &'a Area;
    type Mappings<'a> = Box<dyn Iterator<Item = &'a Area> + 'a>;

    fn mappings(&self, range: Range<usize>) -> Self::Mappings<'_> {
        Box::new(
            self.areas
                .iter()
                .filter(move |area| area.range.start < range.end && range.start < area.range.end),
        )
    }

    fn check_segment(&self, area: &&Area, segment: &Segment) -> Result<(), No> {
        assert!(segment.len > 0);
        assert!(area.range.start <= segment.old && segment.source().end <= area.range.end);
        if area.sealed {
            return Err(No::Sealed);
        }
        Ok(())
    }

    fn check_unmap(&self, area: &&Area, range: &Range<usize>) -> Result<(), No> {
        assert!(!range.is_empty());
        assert!(area.range.start <= range.start && range.end <= area.range.end);
        if area.sealed {
            return Err(No::Sealed);
        }
        Ok(())
    }

    fn end(&self) -> usize {
        self.end
    }

    fn check_totals(&self, totals: &Totals) -> Result<(), No> {
        let after = self.areas.len() + totals.mappings_added - totals.mappings_removed;

        if after > self.max_mappings {
            return Err(No::TooMany);
        }
        Ok(())
    }
}

/// Whether a page is mapped, and by what kind of mapping.
type Page = Option<(bool, bool, bool, bool)>;

/// Areas that map the pages from `start` on. Pages of one kind that follow each other are one area
/// or, where `cut` says so, two.
fn areas(start: usize, pages: &[(Page, bool)]) -> Vec<Area> {
    let mut areas: Vec<Area> = Vec::new();
    let mut last: Page = None;

    for (index, (page, cut)) in pages.iter().enumerate() {
        let addr = start + index * PAGE;

        if let Some((charged, data, sealed, owned)) = *page {
            if last == *page && !cut {
                areas.last_mut().expect("an area").range.end = addr + PAGE;
            } else {
                areas.push(Area {
                    range: addr..addr + PAGE,
                    charged,
                    data,
                    sealed,
                    owned,
                    huge: None,
                });
            }
        }
        last = *page;
    }
    areas
}

/// A layout with a request for a move in it.
pub fn layouts(sealed: f64) -> impl Strategy<Value = (Paper, Request)> {
    let kind = (
        any::<bool>(),
        any::<bool>(),
        prop::bool::weighted(sealed),
        prop::bool::weighted(0.2),
    );
    let page = (prop::option::weighted(0.8, kind), prop::bool::weighted(0.3));

    (
        prop::collection::vec(page, 3 * MAX_PAGES),
        1..=MAX_PAGES,
        0..MAX_PAGES,
        0..MAX_PAGES,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_filter_map(
            "source and destination overlap",
            |(pages, len, at, gap, down, keep_source)| {
                let low = (1 + at) * PAGE;
                let high = low + (len + gap) * PAGE;
                let (old, new) = if down { (high, low) } else { (low, high) };
                let end = PAGE * (1 + 3 * MAX_PAGES);
                let paper = Paper {
                    areas: areas(PAGE, &pages),
                    max_mappings: usize::MAX,
                    end: usize::MAX,
                };
                let request = Request {
                    old,
                    new,
                    len: len * PAGE,
                    keep_source,
                };

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
