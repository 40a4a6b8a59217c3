// SPDX-License-Identifier: GPL-2.0

//! The VMAs of a batch.

use super::super::{
    linked::linked_vmas,
    plan::Segment, //
};
use core::ops::Deref;
use kernel::{
    bindings,
    mm::MmWriteLocked, //
};

/// VMAs that move in one step.
pub(crate) enum Batch<'a, 'mm> {
    /// VMAs that are relocated.
    Relocate(RelocateVmas<'a, 'mm>),
    /// A VMA that is copied.
    Copy(CopyVma<'a, 'mm>),
}

impl Batch<'_, '_> {
    /// Returns what its VMAs have of the source.
    pub(crate) fn segment(&self) -> Segment {
        match self {
            Batch::Relocate(vmas) => vmas.segment(),
            Batch::Copy(vma) => vma.segment(),
        }
    }
}

/// VMAs that are relocated.
///
/// # Invariants
///
/// The segment is all of the VMAs, the plan relocates each, and they have one rmap. All of them
/// have been relocated if they have moved, and none if they have not.
pub(crate) struct RelocateVmas<'a, 'mm>(Vmas<'a, 'mm>);

/// A VMA that is copied.
///
/// # Invariants
///
/// There is one VMA. Its pages are at a copy if it has moved, and where they were if it has not.
pub(crate) struct CopyVma<'a, 'mm>(Vmas<'a, 'mm>);

impl<'a, 'mm> RelocateVmas<'a, 'mm> {
    // Only the parent module calls this, which establishes the invariants.
    pub(super) fn new(vmas: Vmas<'a, 'mm>) -> Self {
        RelocateVmas(vmas)
    }

    /// Returns the first VMA and how many there are, for C.
    pub(crate) fn into_raw(self) -> (*mut *mut bindings::vm_area_struct, u32) {
        let vmas = self.0.vmas;

        (vmas.as_mut_ptr(), vmas.len() as u32)
    }
}

impl<'a, 'mm> CopyVma<'a, 'mm> {
    // Only the parent module calls this, which establishes the invariants.
    pub(super) fn new(vmas: Vmas<'a, 'mm>) -> Self {
        CopyVma(vmas)
    }

    /// Returns the VMA, for C.
    pub(crate) fn into_raw(self) -> *mut bindings::vm_area_struct {
        self.0.vmas[0]
    }
}

impl<'a, 'mm> Deref for RelocateVmas<'a, 'mm> {
    type Target = Vmas<'a, 'mm>;

    fn deref(&self) -> &Vmas<'a, 'mm> {
        &self.0
    }
}

impl<'a, 'mm> Deref for CopyVma<'a, 'mm> {
    type Target = Vmas<'a, 'mm>;

    fn deref(&self) -> &Vmas<'a, 'mm> {
        &self.0
    }
}

/// The VMAs of a batch.
///
/// # Invariants
///
/// - `vmas` are valid VMAs of `mm`, at least one, in ascending order and adjacent. As `mm` is
///   borrowed mutably, they stay valid while this lives.
/// - `segment` is what they have of the source of a plan that was made of `mm`. So each of them was
///   checked, and none is registered with userfaultfd.
/// - They have moved if `moved` is set, and none of them has if it is not.
pub(crate) struct Vmas<'a, 'mm> {
    mm: &'a mut MmWriteLocked<'mm>,
    vmas: &'a mut [*mut bindings::vm_area_struct],
    segment: Segment,
    moved: bool,
}

impl<'a, 'mm> Vmas<'a, 'mm> {
    // Only the parent module calls this, which establishes the invariants.
    pub(super) fn new(
        mm: &'a mut MmWriteLocked<'mm>,
        vmas: &'a mut [*mut bindings::vm_area_struct],
        segment: Segment,
        moved: bool,
    ) -> Self {
        Vmas {
            mm,
            vmas,
            segment,
            moved,
        }
    }

    /// Returns what they have of the source.
    pub(crate) fn segment(&self) -> Segment {
        self.segment
    }

    /// Returns how many they are.
    pub(crate) fn count(&self) -> usize {
        self.vmas.len()
    }

    /// Returns whether they have moved.
    pub(crate) fn moved(&self) -> bool {
        self.moved
    }

    /// Returns whether nothing is mapped where they move.
    pub(crate) fn destination_is_free(&self) -> bool {
        linked_vmas(self.mm, self.segment.destination())
            .next()
            .is_none()
    }
}
