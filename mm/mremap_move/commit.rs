// SPDX-License-Identifier: GPL-2.0

//! Carrying out a move.
//!
//! ```text
//!   charge, unmerge KSM, split      may fail, nothing lost
//!   unmap the destination's runs    may fail; what was unmapped there is gone
//!   for each segment: copy its mapping, move its page tables, tell its owner
//!   retire the source               the last thing that may fail
//! ```
//!
//! A failure anywhere takes everything back that came before it, but for what was mapped at the
//! destination.

use super::{
    plan::{CheckedPlan, Segment},
    space::View,
};
use kernel::{
    current,
    mm::{flags, Charge, LockedMm, RmapLocks, SourceFate, UnmapEvents, VmaRef},
    prelude::*,
    task::cond_resched,
};

/// Carries out a checked move in the address space of the current task.
///
/// Fails with [`ENOMEM`] or [`EINTR`], or as the owner of a mapping wishes; then the source is as
/// it was.
pub(crate) fn commit(mm: &mut LockedMm, plan: &CheckedPlan, events: &mut UnmapEvents) -> Result {
    let charge = charge(mm, plan)?;
    unmerge_ksm(mm, plan)?;

    let mut transfer = Transfer::new(mm, plan);
    transfer.split_ends()?;
    transfer.clear_destination(events)?;
    transfer.bring_all()?;
    transfer.finish_source()?;

    charge.keep();
    Ok(())
}

/// Charges for the mappings that there will be more of.
fn charge(mm: &LockedMm, plan: &CheckedPlan) -> Result<Charge> {
    let totals = plan.totals();

    if totals.keep_source {
        Charge::new(mm, totals.moved.charged, totals.unmapped.charged)
    } else {
        Charge::new(mm, 0, 0)
    }
}

/// Parts pages that KSM has merged.
///
/// At their new place they may meet other pages that KSM merged there, by the address.
fn unmerge_ksm(mm: &LockedMm, plan: &CheckedPlan) -> Result {
    let source = plan.request().source();

    for vma in mm.vmas(source.clone()) {
        if vma.flags() & flags::MERGEABLE == 0 {
            continue;
        }
        if let Some(segment) = plan.segment_of(&vma, source.end) {
            mm.unmerge_ksm(segment.source())?;
        }
    }
    Ok(())
}

/// A move under way. Dropping it takes the move back, until [`Transfer::finish_source()`].
struct Transfer<'a> {
    mm: &'a mut LockedMm,
    plan: &'a CheckedPlan,
    /// The source below this address is across: pages, page tables, and its owners were told.
    across: usize,
    /// The source below this address has copies at the destination.
    copied: usize,
    /// The last segment that went across never had an anonymous page.
    untouched: bool,
    /// Some pages could not be moved back.
    stranded: bool,
    /// The move can be taken back.
    armed: bool,
}

impl<'a> Transfer<'a> {
    fn new(mm: &'a mut LockedMm, plan: &'a CheckedPlan) -> Self {
        let start = plan.request().old;

        Transfer {
            mm,
            plan,
            across: start,
            copied: start,
            untouched: false,
            stranded: false,
            armed: true,
        }
    }

    fn view(&self) -> View<'_> {
        View::new(self.mm, self.plan.request().keep_source)
    }

    fn fate(&self) -> SourceFate {
        if self.plan.request().keep_source {
            SourceFate::Kept
        } else {
            SourceFate::Unmapped
        }
    }

    /// Addresses at which the move splits a mapping of the source.
    fn cuts(&self) -> [Option<usize>; 2] {
        let source = self.plan.request().source();
        let totals = self.plan.totals();

        [
            totals.cuts_first.then_some(source.start),
            totals.cuts_last.then_some(source.end),
        ]
    }

    /// Splits the mappings at the ends of the source that must not be split later.
    ///
    /// Of a locked mapping that stays, only the part that loses its pages is unlocked. A split of
    /// a file mapping sets breakpoints (uprobes) in it again: when its pages have gone, that would
    /// fill what they may have to come back to. Others are split when they are unmapped.
    fn split_ends(&mut self) -> Result {
        let now = |fate: SourceFate, vma: &VmaRef| match fate {
            SourceFate::Kept => vma.flags() & flags::LOCKED != 0,
            SourceFate::Unmapped => vma.has_file() && vma.flags() & flags::PFNMAP == 0,
        };

        for cut in self.cuts().into_iter().flatten() {
            if self.mm.vma_at(cut).is_some_and(|vma| now(self.fate(), vma)) {
                self.mm.split_at(cut)?;
            }
        }
        Ok(())
    }

    /// Unmaps what the runs go over.
    fn clear_destination(&mut self, events: &mut UnmapEvents) -> Result {
        let end = self.plan.request().source().end;
        let mut from = self.plan.request().old;

        while let Some(run) = self.plan.run_from(&self.view(), from, end) {
            self.mm.unmap(run.destination(), events)?;
            from = run.source().end;
        }
        Ok(())
    }

    /// Brings all segments across, in address order.
    fn bring_all(&mut self) -> Result {
        while let Some(segment) = self.plan.segment_from(&self.view(), self.across) {
            if current!().fatal_signal_pending() {
                return Err(EINTR);
            }
            cond_resched();
            self.bring(&segment)?;
            self.across = segment.source().end;
        }
        Ok(())
    }

    /// Brings one segment across, or none of it.
    fn bring(&mut self, segment: &Segment) -> Result {
        let Segment { old, new, len } = *segment;
        let apart = self.neighbour_to_avoid(segment);

        self.untouched = self.mm.vma_at(old).is_some_and(|vma| !vma.has_anon_vma());
        let locks = self.mm.copy(old, len, new, self.fate(), apart)?;
        self.copied = old + len;

        let moved = self.mm.move_page_tables(old, new, len, locks);
        let result = if moved < len {
            Err(ENOMEM)
        } else {
            self.mm.tell_owner(new)
        };
        if result.is_err() && moved != 0 {
            self.move_back(&Segment {
                len: moved,
                ..*segment
            });
        }
        result
    }

    /// An address in a mapping of the source that the copy of a segment must not merge with.
    ///
    /// By the time that the last segment arrives just below the source, the first one would be
    /// gone from there or empty: only `leave_source()` may merge them. A locked mapping that stays
    /// is to be unlocked, but not the copy that arrives just above it.
    fn neighbour_to_avoid(&self, segment: &Segment) -> Option<usize> {
        let source = self.plan.request().source();
        let locked = |vma: &VmaRef| vma.flags() & flags::LOCKED != 0;

        if segment.destination().end == source.start {
            return Some(source.start);
        }
        if self.fate() == SourceFate::Kept
            && segment.new == source.end
            && self.mm.vma_at(segment.old).is_some_and(locked)
        {
            return Some(source.end - 1);
        }
        None
    }

    /// Moves the page tables of a segment back to where they were.
    fn move_back(&mut self, segment: &Segment) {
        let Segment { old, new, len } = *segment;

        if self.mm.move_page_tables(new, old, len, RmapLocks::Take) < len {
            self.stranded = true;
        }
    }

    /// Unmaps the source or leaves it empty. Then there is no way back.
    fn finish_source(mut self) -> Result {
        let source = self.plan.request().source();

        match self.fate() {
            SourceFate::Unmapped => self.mm.retire(source)?,
            SourceFate::Kept => self.leave_source(),
        }
        self.armed = false;
        Ok(())
    }

    /// Finishes a source that stays mapped.
    fn leave_source(&mut self) {
        let request = self.plan.request();
        let mut from = request.old;

        while let Some(segment) = self.plan.segment_from(&self.view(), from) {
            self.mm.leave_empty(segment.source());
            from = segment.source().end;
        }
        // See `neighbour_to_avoid()`. A copy with pages of its own would not have merged.
        if request.new + request.len == request.old && self.untouched {
            self.mm.join_at(request.old);
        }
    }

    /// Brings back what is across, last segment first, and unmaps the copies.
    ///
    /// Page tables go back to where their tables still are. Should one of those be gone, and no
    /// memory for another, the copies stay: pages must not be lost. Unmapping the copies may need
    /// memory as well: where there is none they stay, empty and charged for, as after a failed
    /// move of one mapping.
    fn take_back(&mut self) {
        let start = self.plan.request().old;

        while let Some(vma) = self.mm.last_vma_below(self.across) {
            let Some(segment) = self.plan.segment_of(&vma, self.across) else {
                break;
            };
            self.move_back(&segment);
            // The owner agreed to the new place, and had agreed to the old one before.
            let _ = self.mm.tell_owner(segment.old);
            self.across = segment.old;
        }

        let mut from = start;
        while let Some(run) = self.plan.run_from(&self.view(), from, self.copied) {
            if self.stranded || self.mm.retire(run.destination()).is_err() {
                self.mm.charge_copies(run.destination());
            }
            from = run.source().end;
        }

        for cut in self.cuts().into_iter().flatten() {
            self.mm.join_at(cut);
        }
    }
}

impl Drop for Transfer<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.take_back();
        }
    }
}
