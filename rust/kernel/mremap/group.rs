// SPDX-License-Identifier: GPL-2.0

//! Mappings that are relocated together.
//!
//! C headers: `mm/internal.h`

use crate::{
    bindings,
    error::Result,
    mm::{Entry, VmaRef},
    prelude::*,
};
use core::{ops::Range, ptr};

/// How many mappings are relocated at a time: as many as have an entry in one page table.
pub(super) const GROUP_MAX: usize = 512;

/// How many bytes may be mapped by page table entries that move one by one under one hold of the
/// locks of the reverse mapping: as many as make others wait for a millisecond. A group has no
/// more, but for a last mapping; one that is longer is better copied.
pub const RMAP_HOLD_BYTES: usize = 64 << 20;

/// As [`RMAP_HOLD_BYTES`], of page tables that move as a whole. For each of them the TLBs of other
/// CPUs are flushed.
pub const RMAP_HOLD_TABLES: usize = 512 * HUGE;

/// How large a huge page may be that a page table could map instead of its entries, in bytes.
const HUGE: usize = bindings::PMD_BYTES;

/// Mappings that are relocated together. It has room for a certain number of them from the start.
pub(super) struct Group {
    members: KVec<*mut bindings::vm_area_struct>,
    count: usize,
    /// None of the mappings that were ever in it can merge with the one before it, and none has
    /// to get another offset to be able to.
    pub(super) all_differ: bool,
    last: Option<Looks>,
}

impl Group {
    /// Makes room for `max` mappings.
    pub(super) fn new(max: usize) -> Result<Self> {
        Ok(Group {
            members: KVec::from_elem(ptr::null_mut(), max, GFP_KERNEL)?,
            count: 0,
            all_differ: true,
            last: None,
        })
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_full(&self) -> bool {
        self.count == self.members.len()
    }

    /// Adds a mapping, to a group that is not full.
    pub(super) fn push(&mut self, entry: &Entry<'_>) {
        let looks = Some(entry.looks());

        self.members[self.count] = entry.as_ptr();
        self.count += 1;
        self.all_differ &= self.last != looks && !entry.is_untouched();
        self.last = looks;
    }

    /// What C takes: the first mapping and how many there are.
    pub(super) fn as_raw(&mut self) -> (*mut *mut bindings::vm_area_struct, u32) {
        (self.members.as_mut_ptr(), self.count as u32)
    }
}

/// Has a mapping room for a huge page, which `split_huge_pmd()` would have to know it by?
pub(super) fn stays_alone(entry: &Entry<'_>) -> bool {
    let Range { start, end } = entry.listed();

    (start.wrapping_add(HUGE - 1) & !(HUGE - 1)).wrapping_add(HUGE) <= end
}

/// What mappings have in common that merge, as far as it is seen at once. See the C function
/// `is_mergeable_vma()`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Looks {
    flags: usize,
    file: *mut bindings::file,
}

impl VmaRef {
    /// Returns what mappings have in common that merge.
    #[inline]
    fn looks(&self) -> Looks {
        Looks {
            flags: self.flags() & !(bindings::VM_SOFTDIRTY as usize),
            // SAFETY: The lock is held, so nobody changes the field.
            file: unsafe { (*self.as_ptr()).vm_file },
        }
    }

    /// Is it anonymous memory that was never written to?
    #[inline]
    fn is_untouched(&self) -> bool {
        let vma = self.as_ptr();

        // SAFETY: The lock is held, so nobody changes the fields.
        unsafe { (*vma).vm_ops.is_null() && (*vma).anon_vma.is_null() }
    }
}
