// SPDX-License-Identifier: GPL-2.0

//! VMAs, and where the maple tree has them.

use core::ops::{
    Deref,
    Range, //
};
use kernel::mm::{
    virt::VmaRef,
    MmWriteLocked,
    VmaIter, //
};

/// A VMA, and where the maple tree has it. A VMA that has been relocated is linked at both places
/// until the move is complete.
///
/// # Invariants
///
/// The mmap lock of the VMA's address space is held for writing during `'a`, so the VMA stays, and
/// its fields do not change, except for a flag: `VM_MAYBE_GUARD` is set with the VMA lock alone.
pub(crate) struct LinkedVma<'a> {
    vma: &'a VmaRef,
    linked: Range<usize>,
}

impl LinkedVma<'_> {
    /// Returns where it is linked, in bytes.
    #[inline]
    pub(crate) fn linked(&self) -> Range<usize> {
        self.linked.clone()
    }

    /// Returns whether its addresses are not those that it is linked at.
    #[inline]
    pub(crate) fn is_relocated(&self) -> bool {
        self.start() != self.linked.start
    }
}

impl Deref for LinkedVma<'_> {
    type Target = VmaRef;

    #[inline]
    fn deref(&self) -> &VmaRef {
        self.vma
    }
}

/// Iterates over VMAs in address order.
pub(crate) struct LinkedVmas<'a>(VmaIter<'a>);

impl<'a> Iterator for LinkedVmas<'a> {
    type Item = LinkedVma<'a>;

    #[inline]
    fn next(&mut self) -> Option<LinkedVma<'a>> {
        let vma = self.0.next()?;

        // INVARIANT: The iterator borrows an `MmWriteLocked`.
        Some(LinkedVma {
            vma,
            linked: self.0.linked_at(),
        })
    }
}

/// Returns the VMAs that are linked in `range` (bytes).
#[inline]
pub(crate) fn linked_vmas<'a>(mm: &'a MmWriteLocked<'_>, range: Range<usize>) -> LinkedVmas<'a> {
    LinkedVmas(mm.vmas(range))
}
