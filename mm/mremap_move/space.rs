// SPDX-License-Identifier: GPL-2.0

//! What the planner asks, answered by an address space of the kernel.

use super::plan::{Mapping, Segment, Space, Totals};
use core::ops::Range;
use kernel::{
    bindings,
    mm::{flags, Entry, LockedMm, VmaIter, VmaRef},
    mremap::{self, RMAP_HOLD_BYTES, RMAP_HOLD_TABLES},
    prelude::*,
};

/// An address space as the planner sees it.
pub(crate) struct View<'a> {
    mm: &'a LockedMm,
    keep_source: bool,
}

impl<'a> View<'a> {
    /// Looks at an address space for a move that leaves its source in place, or not.
    pub(crate) fn new(mm: &'a LockedMm, keep_source: bool) -> Self {
        View { mm, keep_source }
    }
}

impl Mapping for Entry<'_> {
    fn range(&self) -> Range<usize> {
        self.listed()
    }

    fn is_hugetlb(&self) -> bool {
        self.flags() & flags::HUGETLB != 0
    }

    fn huge_page_size(&self) -> usize {
        self.kernel_page_size()
    }

    fn is_raw(&self) -> bool {
        self.flags() & flags::RAW != 0
    }

    fn has_owner(&self) -> bool {
        VmaRef::has_owner(self)
    }

    fn moves_long(&self, distance: usize) -> bool {
        let len = self.listed().len();

        len > RMAP_HOLD_BYTES
            && (len > RMAP_HOLD_TABLES
                || distance % bindings::PMD_BYTES != 0
                || !mremap::moves_tables())
    }

    fn is_mergeable(&self) -> bool {
        self.flags() & flags::MERGEABLE != 0
    }

    fn is_anonymous_file(&self) -> bool {
        VmaRef::is_anonymous_file(self)
    }

    fn charged(&self) -> bool {
        self.flags() & flags::ACCOUNT != 0
    }

    fn data(&self) -> bool {
        self.is_data()
    }
}

impl Space for View<'_> {
    type Error = Error;
    type Mapping<'a>
        = Entry<'a>
    where
        Self: 'a;
    type Mappings<'a>
        = VmaIter<'a>
    where
        Self: 'a;

    fn mappings(&self, range: Range<usize>) -> VmaIter<'_> {
        self.mm.vmas(range)
    }

    fn check_segment(&self, vma: &Entry<'_>, segment: &Segment) -> Result {
        let Segment { old, new, len } = *segment;

        if !vma.can_modify() {
            return Err(EPERM);
        }
        // userfaultfd is told of one mapping at a time, by handlers that expect no more.
        if vma.has_userfaultfd() {
            return Err(EFAULT);
        }
        self.mm.check_move(vma, old, len, new, self.keep_source)
    }

    fn check_unmap(&self, vma: &Entry<'_>, range: &Range<usize>) -> Result {
        if !vma.can_modify() {
            return Err(EPERM);
        }
        for cut in [range.start, range.end] {
            if vma.start() < cut && cut < vma.end() {
                vma.check_split(cut)?;
            }
        }
        Ok(())
    }

    fn end(&self) -> usize {
        LockedMm::user_space_end()
    }

    fn check_totals(&self, totals: &Totals) -> Result {
        let count = self.mm.map_count();
        let max = LockedMm::max_map_count();

        // As for a move of one mapping, which must not reach the limit by what it splits. The
        // source may be split at both ends, and the destination be unmapped in pieces.
        if count + 2 >= max.saturating_sub(3)
            || count + 2 + totals.peak > max
            || count + totals.mappings_added > max + totals.mappings_removed
        {
            return Err(ENOMEM);
        }
        if !totals.keep_source {
            return Ok(());
        }

        // The limits judge what is left, so the differences may well be negative.
        let Totals {
            moved, unmapped, ..
        } = totals;
        if !self.mm.may_expand(moved.all.wrapping_sub(unmapped.all)) {
            return Err(ENOMEM);
        }
        if moved.data != 0
            && !self
                .mm
                .may_expand_data(moved.data.wrapping_sub(unmapped.data))
        {
            return Err(ENOMEM);
        }
        Ok(())
    }
}
