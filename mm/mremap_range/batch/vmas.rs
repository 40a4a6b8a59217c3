// SPDX-License-Identifier: GPL-2.0

//! The VMAs of a batch.

use super::super::{
    linked::linked_vmas,
    plan::Segment, //
};
use kernel::{
    bindings,
    mm::MmWriteLocked, //
};

/// VMAs that move in one step.
pub(crate) enum Batch<'a, 'mm> {
    /// VMAs that are relocated.
    Relocate(Vmas<'a, 'mm>),
    /// A VMA that is copied.
    Copy(Vmas<'a, 'mm>),
}

/// The VMAs of a batch.
///
/// # Invariants
///
/// - `vmas` are valid VMAs of `mm`, at least one, in ascending order and adjacent. As `mm` is
///   borrowed mutably, they stay valid while this lives.
/// - `segment` is what they have of the source of a plan that was made of `mm`. So each of them was
///   checked, and none is registered with userfaultfd.
/// - In [`Batch::Relocate`], `segment` is all of the VMAs, the plan relocates each, and they have
///   one rmap. All of them have been relocated if `moved` is set, and none if it is not.
/// - In [`Batch::Copy`] there is one VMA. Its pages are at a copy if `moved` is set, and where they
///   were if it is not.
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

    /// Returns the first VMA and how many there are, for C.
    pub(crate) fn as_raw(&mut self) -> (*mut *mut bindings::vm_area_struct, u32) {
        (self.vmas.as_mut_ptr(), self.vmas.len() as u32)
    }
}
