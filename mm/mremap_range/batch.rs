// SPDX-License-Identifier: GPL-2.0

//! VMAs that move in one step: several that are relocated under one hold of the locks of the
//! reverse mapping, or one that is copied.

pub(crate) mod vmas;

use super::{
    ffi::{
        self,
        MergeKey, //
    },
    linked::{
        linked_vmas,
        LinkedVma, //
    },
    plan::{
        CheckedPlan,
        MoveKind, //
    },
    space::RMAP_HOLD_BYTES,
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
use vmas::{
    Batch,
    Vmas, //
};

/// How many VMAs are relocated at a time: as many as one page table can map.
const BATCH_MAX: usize = 512;

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

/// Returns the first batch of what is linked in `part`, addresses of the source.
///
/// `moved`: whether all of `part` has moved, or nothing of it. Before a move fails, `part` is
/// divided into the same batches as when the move is rolled back: that depends on the VMAs alone,
/// and they do not change.
pub(crate) fn next_batch<'a, 'mm>(
    mm: &'a mut MmWriteLocked<'mm>,
    plan: &CheckedPlan,
    part: Range<usize>,
    moved: bool,
    buffer: &'a mut Buffer,
) -> Option<Batch<'a, 'mm>> {
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
            if has_room_for_huge_page(&vma)
                || plan.move_kind(&vma) != kind
                || vma.is_relocated() != moved
            {
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

    let is_relocated = first.is_relocated();
    // INVARIANT: The VMAs were found in `mm`, which is borrowed since, and the others were added to
    // the first as `Vmas` requires. The caller knows what has moved.
    let vmas = Vmas::new(mm, &mut buffer.vmas[..count], segment, moved);

    match kind {
        MoveKind::Relocate if is_relocated == moved => Some(Batch::Relocate(vmas)),
        // It has not moved, or cannot move back.
        MoveKind::Relocate => None,
        MoveKind::Copy(_) => Some(Batch::Copy(vmas)),
    }
}

/// Returns whether a huge page that is mapped by a PMD fits into the VMA.
#[inline]
fn has_room_for_huge_page(vma: &LinkedVma<'_>) -> bool {
    const SIZE: usize = bindings::PMD_SIZE;
    let Range { start, end } = vma.linked();

    (start.wrapping_add(SIZE - 1) & !(SIZE - 1)).wrapping_add(SIZE) <= end
}
