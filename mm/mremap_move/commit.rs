// SPDX-License-Identifier: GPL-2.0

//! Carrying out a move.
//!
//! ```text
//!   charge, unmerge KSM, split      may fail, nothing lost
//!   unmap the destination's runs    may fail; what was unmapped there is gone
//!   for each segment: copy its mapping, move its page tables, tell its owner
//!   retire the source               the last thing that may fail
//!   merge the copies                nothing to lose any more
//! ```
//!
//! A failure anywhere takes everything back that came before it, but for what was mapped at the
//! destination. Nothing merges until nothing can fail, so that what is taken back is still what
//! was brought. Taking back does not fail.

use super::{
    plan::{CheckedPlan, Segment},
    space::View,
};
use kernel::{
    current,
    mm::{flags, Charge, LockedMm, UnmapEvents},
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

    // The destination is not lost to a task that has been killed already.
    if current!().fatal_signal_pending() {
        return Err(EINTR);
    }
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
/// At their new place they may meet other pages that KSM merged there, by the address. Pages that
/// were parted for nothing, since the move fails, have the same bytes; KSM will find them again.
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

/// A segment, and where it is in its run.
struct Place {
    segment: Segment,
    is_first: bool,
    is_last: bool,
}

/// A move under way. Dropping it takes the move back, until [`Transfer::finish_source()`].
struct Transfer<'a> {
    mm: &'a mut LockedMm,
    plan: &'a CheckedPlan,
    /// The source below this address is across: pages, page tables, and its owners were told.
    across: usize,
    /// The source below this address has copies at the destination.
    copied: usize,
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
            armed: true,
        }
    }

    fn view(&self) -> View<'_> {
        View::new(self.mm, self.plan.request().keep_source)
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

    /// Splits the mappings at the ends of the source.
    ///
    /// A mapping that stays is split only if it is locked, as only the part that loses its pages
    /// is unlocked. One that tracks its memory type is split by `retire()`, which knows what is
    /// left of it then.
    fn split_ends(&mut self) -> Result {
        let keep_source = self.plan.request().keep_source;

        for cut in self.cuts().into_iter().flatten() {
            let found = self.mm.vma_at(cut).map_or(0, |vma| vma.flags());
            let now = if keep_source {
                found & flags::LOCKED != 0
            } else {
                found & flags::PFNMAP == 0
            };
            if now {
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

        self.mm.copy(old, len, new)?;
        self.copied = old + len;

        let moved = self.mm.move_page_tables(old, new, len);
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

    /// Moves the page tables of a segment back to where they were.
    ///
    /// That needs no memory, as the old tables are still there. But khugepaged may have freed one
    /// meanwhile, of a file mapping whose pages are all in the page cache. If there is no memory
    /// for another, what is left at the copy is unmapped with it, and found in the page cache.
    fn move_back(&mut self, segment: &Segment) {
        let Segment { old, new, len } = *segment;

        self.mm.move_page_tables_back(old, new, len);
    }

    /// Unmaps the source or leaves it empty. Then there is no way back, and the copies merge.
    fn finish_source(mut self) -> Result {
        let source = self.plan.request().source();

        if self.plan.request().keep_source {
            self.leave_source();
        } else {
            self.mm.retire(source, self.plan.request().new)?;
        }
        self.armed = false;
        Ok(())
    }

    /// Finishes a source that stays mapped, and merges the copies.
    ///
    /// Each copy merges as in a sequence of moves: when the source before it is empty, and the
    /// source behind it is as it was. Locked copies wait until all of the source is unlocked, or
    /// they would be unlocked with a mapping of it that they had merged with.
    fn leave_source(&mut self) {
        self.each_segment(|this, place| {
            if !this.is_locked(place.segment.new) {
                this.merge(place);
            }
            this.mm.leave_empty(place.segment.source());
        });
        self.each_segment(|this, place| {
            if this.is_locked(place.segment.new) {
                this.merge(place);
            }
        });
    }

    fn is_locked(&self, addr: usize) -> bool {
        self.mm
            .vma_at(addr)
            .is_some_and(|vma| vma.flags() & flags::LOCKED != 0)
    }

    /// Merges the copy of a segment whose source stays with what is around it, but not with its
    /// source, nor with what was one mapping with that when the move began. A locked mapping was
    /// split then: what was cut off it is another one.
    fn merge(&mut self, place: &Place) {
        let copy = place.segment.destination();
        let was = if self.is_locked(copy.start) {
            place.segment.source()
        } else {
            self.plan.mapping_of(&place.segment)
        };
        let is = self
            .mm
            .vma_at(place.segment.old)
            .map_or(0..0, |vma| vma.start()..vma.end());
        let (below, above) = (copy.start.wrapping_sub(1), copy.end);
        let with_prev = !is.contains(&below) && !(place.is_first && was.contains(&below));
        let with_next = place.is_last && !is.contains(&above) && !was.contains(&above);

        self.mm.merge_copy(copy, with_prev, with_next);
    }

    /// Calls `act` for each segment in ascending order.
    fn each_segment(&mut self, mut act: impl FnMut(&mut Self, &Place)) {
        let mut end = None;
        let mut next = self
            .plan
            .segment_from(&self.view(), self.plan.request().old);

        while let Some(segment) = next {
            let is_first = end != Some(segment.old);
            let from = segment.source().end;
            next = self.plan.segment_from(&self.view(), from);
            end = Some(from);
            let place = Place {
                segment,
                is_first,
                is_last: next.map_or(true, |next| next.old != from),
            };
            act(self, &place);
        }
    }

    /// Brings back what is across, last segment first, unmaps the copies, makes mappings whole that
    /// were split, and tells the owners.
    fn take_back(&mut self) {
        let start = self.plan.request().old;
        let told = self.across;

        while let Some(vma) = self.mm.last_vma_below(self.across) {
            let Some(segment) = self.plan.segment_of(&vma, self.across) else {
                break;
            };
            self.move_back(&segment);
            self.across = segment.old;
            cond_resched();
        }

        let mut from = start;
        while let Some(run) = self.plan.run_from(&self.view(), from, self.copied) {
            self.mm.discard(run.destination());
            from = run.source().end;
        }

        for cut in self.cuts().into_iter().flatten() {
            self.mm.unsplit_at(cut);
        }

        let mut next = start;
        while let Some(segment) = self.plan.segment_from(&self.view(), next) {
            if segment.old >= told {
                break;
            }
            // The owner agreed to the new place, and had agreed to the old one before.
            let _ = self.mm.tell_owner(segment.old);
            next = segment.source().end;
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
