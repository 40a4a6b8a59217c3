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
        MoveKind,
        Vma, //
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
    prelude::*, //
};
use vmas::{
    Batch,
    CopyVma,
    RelocateVmas,
    Vmas, //
};

/// How many VMAs are relocated at a time: as many as a page table of 4 KiB can map.
const BATCH_MAX: usize = 512;

/// For so many VMAs nothing is allocated, and going over them costs less than looking for the first
/// and the last.
pub(crate) const FEW_VMAS: usize = 8;

/// Memory for a batch, for all of a move.
pub(crate) struct Buffer {
    few: [*mut bindings::vm_area_struct; FEW_VMAS],
    /// None if the few are enough.
    many: Option<KVec<*mut bindings::vm_area_struct>>,
    keys: Keys,
}

/// Whether VMAs that were in any batch can merge, now or later.
struct Keys {
    last: Option<MergeKey>,
    none_mergeable: bool,
}

impl Keys {
    /// Notes a VMA, the next one of a batch.
    #[inline]
    fn note(&mut self, vma: &LinkedVma<'_>) {
        let key = Some(ffi::merge_key(vma));

        // One that is unfaulted gets a page offset by its new address when it is to merge, and can
        // then do so later: when its neighbour is made like it.
        self.none_mergeable &= self.last != key && !ffi::is_unfaulted(vma);
        self.last = key;
    }
}

impl Buffer {
    /// Allocates it for a move of so many VMAs. Fails with [`ENOMEM`].
    pub(crate) fn new(vmas: usize) -> Result<Self> {
        let many = || KVec::from_elem(ptr::null_mut(), BATCH_MAX.min(vmas), GFP_KERNEL);

        Ok(Buffer {
            few: [ptr::null_mut(); FEW_VMAS],
            many: (vmas > FEW_VMAS).then(many).transpose()?,
            keys: Keys {
                last: None,
                none_mergeable: true,
            },
        })
    }

    /// Returns whether none of the VMAs that were in any batch can merge with the one before it,
    /// now or later.
    pub(crate) fn none_mergeable(&self) -> bool {
        self.keys.none_mergeable
    }
}

/// Returns the first batch of what is linked in `part`, addresses of the source.
///
/// `moved`: whether all of `part` has moved, or nothing of it. A rollback gets the same batches as
/// the move: they follow from the plan and the VMAs, which do not change.
pub(crate) fn next_batch<'a, 'mm>(
    mm: &'a mut MmWriteLocked<'mm>,
    plan: &CheckedPlan,
    part: Range<usize>,
    moved: bool,
    buffer: &'a mut Buffer,
) -> Option<Batch<'a, 'mm>> {
    let Buffer { few, many, keys } = buffer;
    let buffer: &mut [_] = match many {
        Some(many) => many,
        None => few,
    };
    let mut vmas = linked_vmas(mm, part);
    let first = vmas.next()?;
    let mut segment = plan.segment(&first)?;
    let mut rmap = ffi::rmap(&first);
    let kind = plan.move_kind(&first);
    let mut count = 1;

    keys.note(&first);
    buffer[0] = first.as_ptr();
    // One of hugetlb has a lock of its own, which is taken before those of the reverse mapping.
    if kind == MoveKind::Relocate && !first.is_hugetlb() {
        while count < buffer.len() {
            let Some(vma) = vmas.next() else { break };
            let Some(joint) = rmap.join(ffi::rmap(&vma)) else {
                break;
            };
            if plan.move_kind(&vma) != kind || vma.is_relocated() != moved {
                break;
            }
            let Some(next) = plan.segment(&vma) else {
                break;
            };
            if segment.len() + next.len() > RMAP_HOLD_BYTES || !segment.append(&next) {
                break;
            }
            rmap = joint;
            keys.note(&vma);
            buffer[count] = vma.as_ptr();
            count += 1;
        }
    }

    let is_relocated = first.is_relocated();
    // INVARIANT: The VMAs were found in `mm`, which is borrowed since, and the others were added to
    // the first as `Vmas` requires. The caller knows what has moved.
    let vmas = Vmas::new(mm, &mut buffer[..count], segment, moved);

    match kind {
        // INVARIANT: The loop takes what is of the same kind and rmap, and has been relocated or
        // not as the first. A VMA that is relocated moves as a whole.
        MoveKind::Relocate if is_relocated == moved => {
            Some(Batch::Relocate(RelocateVmas::new(vmas)))
        }
        // It has not moved, or cannot move back.
        MoveKind::Relocate => None,
        // INVARIANT: The loop is for VMAs that are relocated, so this is one VMA.
        MoveKind::Copy(_) => Some(Batch::Copy(CopyVma::new(vmas))),
    }
}
