// SPDX-License-Identifier: GPL-2.0

//! The planner's view of an address space of the kernel.

use super::{
    ffi,
    linked::{
        linked_vmas,
        LinkedVma,
        LinkedVmas, //
    },
    plan::{
        Segment,
        Space,
        Totals,
        Vma, //
    },
};
use core::ops::Range;
use kernel::{
    bindings,
    mm::{
        virt::flags,
        MmWriteLocked, //
    },
    prelude::*,
    task::cond_resched,
};

/// How many bytes may be mapped by page table entries that move one by one under one hold of the
/// locks of the reverse mapping, so that others wait for a millisecond at most. A longer VMA is
/// copied, and as many VMAs move together as have this.
pub(crate) const RMAP_HOLD_BYTES: usize = 64 << 20;

/// The same, where page tables move as a whole, each by one entry of the level above.
const RMAP_HOLD_TABLES: usize = 512 * bindings::PMD_SIZE;

impl Vma for LinkedVma<'_> {
    #[inline]
    fn range(&self) -> Range<usize> {
        self.linked()
    }

    #[inline]
    fn is_hugetlb(&self) -> bool {
        self.flags() & flags::HUGETLB != 0
    }

    fn huge_page_size(&self) -> usize {
        ffi::vma_kernel_pagesize(self)
    }

    #[inline]
    fn is_special(&self) -> bool {
        self.flags() & (flags::PFNMAP | flags::MIXEDMAP | flags::IO) != 0
    }

    #[inline]
    fn has_hooks(&self) -> bool {
        ffi::has_hooks(self)
    }

    #[inline]
    fn is_shm(&self) -> bool {
        ffi::is_shm(self)
    }

    #[inline]
    fn is_anonymous_file(&self) -> bool {
        ffi::vma_is_anonymous(self) && ffi::has_file(self)
    }

    #[inline]
    fn is_long(&self, distance: usize) -> bool {
        let len = self.linked().len();

        len > RMAP_HOLD_BYTES
            && (len > RMAP_HOLD_TABLES
                || distance % bindings::PMD_SIZE != 0
                || !ffi::moves_tables())
    }

    #[inline]
    fn is_ksm_mergeable(&self) -> bool {
        self.flags() & flags::MERGEABLE != 0
    }

    #[inline]
    fn is_accounted(&self) -> bool {
        self.flags() & flags::ACCOUNT != 0
    }

    #[inline]
    fn is_data(&self) -> bool {
        ffi::is_data_mapping(self.flags())
    }
}

impl Space for MmWriteLocked<'_> {
    type Error = Error;
    type Vma<'a>
        = LinkedVma<'a>
    where
        Self: 'a;
    type Vmas<'a>
        = LinkedVmas<'a>
    where
        Self: 'a;

    #[inline]
    fn vmas(&self, range: Range<usize>) -> LinkedVmas<'_> {
        linked_vmas(self, range)
    }

    fn check_move(&self, vma: &LinkedVma<'_>, segment: &Segment, dontunmap: bool) -> Result {
        // For many VMAs, the plan takes a third of the time of the move.
        cond_resched();
        ffi::check_move(vma, segment, dontunmap)
    }

    fn check_unmap(&self, vma: &LinkedVma<'_>, range: &Range<usize>) -> Result {
        cond_resched();
        ffi::check_unmap(vma, range)
    }

    fn check_totals(&self, totals: &Totals, dontunmap: bool) -> Result {
        let Totals {
            vmas_peak: peak,
            vmas_added: added,
            vmas_removed: removed,
            moved,
            unmapped,
            ..
        } = *totals;

        if !ffi::may_add_vmas(self, peak, added, removed) {
            return Err(ENOMEM);
        }
        if !dontunmap {
            return Ok(());
        }

        // The address space may as well shrink, where more is unmapped than moves.
        let all = moved.all.wrapping_sub(unmapped.all);
        let data = moved.data.wrapping_sub(unmapped.data);

        if !ffi::may_expand(self, all, (moved.data != 0).then_some(data)) {
            return Err(ENOMEM);
        }
        Ok(())
    }

    fn end(&self) -> usize {
        ffi::task_size()
    }
}
