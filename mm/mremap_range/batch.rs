// SPDX-License-Identifier: GPL-2.0

//! VMAs that move in one step: several that are relocated under one hold of the locks of the
//! reverse mapping, or one that is copied.

use super::{
    ffi,
    plan::{
        CheckedPlan,
        MoveKind,
        Segment, //
    },
    space::{
        linked_vmas,
        LinkedVma,
        RMAP_HOLD_BYTES, //
    },
};
use core::{
    ops::Range,
    ptr, //
};
use kernel::{
    bindings,
    mm::MmWriteLocked,
    page::PAGE_SIZE,
    prelude::*, //
};

/// How many VMAs are relocated at a time: as many as one page table can map.
const BATCH_MAX: usize = 512;

/// What finds the pages of a VMA and is locked while they move: a file, an anonymous memory's root
/// `anon_vma`, both or neither. The pointers are compared only.
#[derive(Clone, Copy)]
pub(crate) struct Rmap {
    pub(super) file: *const bindings::address_space,
    pub(super) root: *const bindings::anon_vma,
}

impl Rmap {
    /// Returns what finds the pages of both VMAs, if that is one file and one root at most.
    #[inline]
    fn join(self, other: Rmap) -> Option<Rmap> {
        let same_root = self.root.is_null() || other.root.is_null() || self.root == other.root;

        (self.file == other.file && same_root).then_some(Rmap {
            file: self.file,
            root: if self.root.is_null() {
                other.root
            } else {
                self.root
            },
        })
    }
}

/// What is equal of VMAs that can merge, of what `is_mergeable_vma()` compares first. The pointer
/// is compared only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct MergeKey {
    pub(super) flags: usize,
    pub(super) file: *const bindings::file,
}

/// Memory for a batch, allocated once for a move.
pub(crate) struct Buffer {
    vmas: KVec<*mut bindings::vm_area_struct>,
    last: Option<MergeKey>,
    none_mergeable: bool,
}

impl Buffer {
    /// Allocates it for a move of `len` bytes. Fails with [`ENOMEM`].
    pub(crate) fn new(len: usize) -> Result<Self> {
        Ok(Buffer {
            vmas: KVec::from_elem(ptr::null_mut(), BATCH_MAX.min(len / PAGE_SIZE), GFP_KERNEL)?,
            last: None,
            none_mergeable: true,
        })
    }

    /// Returns whether none of the VMAs that were in any batch can merge with the one before it,
    /// nor gets a new offset to be able to.
    pub(crate) fn none_mergeable(&self) -> bool {
        self.none_mergeable
    }

    /// Notes a VMA as the one at `index` of a batch.
    #[inline]
    fn set(&mut self, index: usize, vma: &LinkedVma<'_>) {
        let key = Some(ffi::merge_key(vma));

        self.vmas[index] = vma.as_ptr();
        self.none_mergeable &= self.last != key && !ffi::is_unfaulted(vma);
        self.last = key;
    }
}

/// VMAs that move in one step.
///
/// # Invariants
///
/// - `vmas` are valid VMAs of `mm`, at least one, in ascending order and adjacent. As `mm` is
///   borrowed mutably, they stay valid while the batch lives.
/// - `segment` is what they have of the source of the plan, and `kind` how the plan moves each of
///   them. If they are relocated, it is all of them.
/// - If there are several, they are relocated, have one [`Rmap`], and none has room for a huge
///   page.
pub(crate) struct Batch<'a, 'mm> {
    _mm: &'a mut MmWriteLocked<'mm>,
    vmas: &'a mut [*mut bindings::vm_area_struct],
    segment: Segment,
    kind: MoveKind,
}

impl<'a, 'mm> Batch<'a, 'mm> {
    /// Returns the first batch of what is linked in `part`, addresses of the source.
    ///
    /// What `part` has been divided into before a move fails is what it is divided into when the
    /// move is rolled back: that depends on the VMAs alone, and they do not change.
    pub(crate) fn next(
        mm: &'a mut MmWriteLocked<'mm>,
        plan: &CheckedPlan,
        part: Range<usize>,
        buffer: &'a mut Buffer,
    ) -> Option<Self> {
        let mut vmas = linked_vmas(mm, part);
        let first = vmas.next()?;
        let mut segment = plan.segment(&first)?;
        let mut rmap = ffi::rmap(&first);
        let kind = plan.move_kind(&first);
        let mut count = 1;

        buffer.set(0, &first);
        if kind == MoveKind::Relocate && !has_room_for_huge_page(&first) {
            while count < buffer.vmas.len() && segment.len() <= RMAP_HOLD_BYTES {
                let Some(vma) = vmas.next() else { break };
                let Some(joint) = rmap.join(ffi::rmap(&vma)) else {
                    break;
                };
                // Page tables move as those of one VMA, even if several share one. But
                // `split_huge_pmd()` has to know which VMA a huge page is of.
                if has_room_for_huge_page(&vma) || plan.move_kind(&vma) != kind {
                    break;
                }
                let Some(next) = plan.segment(&vma) else {
                    break;
                };
                if !segment.append(&next) {
                    break;
                }
                rmap = joint;
                buffer.set(count, &vma);
                count += 1;
            }
        }

        // INVARIANT: The VMAs were found in `mm`, which is borrowed since.
        Some(Batch {
            _mm: mm,
            vmas: &mut buffer.vmas[..count],
            segment,
            kind,
        })
    }

    /// Returns what they have of the source.
    pub(crate) fn segment(&self) -> Segment {
        self.segment
    }

    /// Returns how they move.
    pub(crate) fn kind(&self) -> MoveKind {
        self.kind
    }

    /// Returns how many they are.
    pub(crate) fn count(&self) -> usize {
        self.vmas.len()
    }

    /// Returns the first VMA and how many there are, for C.
    pub(super) fn as_raw(&mut self) -> (*mut *mut bindings::vm_area_struct, u32) {
        (self.vmas.as_mut_ptr(), self.vmas.len() as u32)
    }
}

/// Returns whether a huge page that is mapped by a PMD fits into the VMA.
#[inline]
fn has_room_for_huge_page(vma: &LinkedVma<'_>) -> bool {
    const SIZE: usize = bindings::PMD_SIZE;
    let Range { start, end } = vma.linked();

    (start.wrapping_add(SIZE - 1) & !(SIZE - 1)).wrapping_add(SIZE) <= end
}
