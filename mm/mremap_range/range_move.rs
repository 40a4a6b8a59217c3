// SPDX-License-Identifier: GPL-2.0

//! A move under way.
//!
//! ```text
//!   new: plan, check, charge    may fail, nothing is lost
//!   unmerge_ksm, split_ends     may fail, nothing is lost
//!   unmap_destination           may fail; what was mapped there is lost
//!   move_vmas                   may fail, and is rolled back
//!   complete                    does not fail
//! ```
//!
//! Nothing merges until nothing can fail, so that what is rolled back is what has moved.

pub(crate) mod moved;

use super::{
    batch::{
        next_batch,
        vmas::Batch,
        Buffer,
        FEW_VMAS, //
    },
    ffi::{
        self,
        Charge,
        Placeholders,
        Split, //
    },
    linked::linked_vmas,
    plan::{
        plan,
        CheckedPlan,
        Refusal,
        Request,
        Segment, //
    },
};
use core::ops::Range;
use kernel::{
    current,
    mm::{
        virt::flags,
        MmWriteLocked,
        UnmapEvents, //
    },
    page::PAGE_SIZE,
    prelude::*,
    task::cond_resched,
};
use moved::{
    Emptied,
    Merge,
    Vacated, //
};

/// What has become of the VMAs of a move.
#[derive(Default)]
pub(crate) struct Tally {
    /// How many were relocated.
    pub(crate) relocated: usize,
    /// How many were copied.
    pub(crate) copied: usize,
    /// The move had begun when it failed, and was rolled back.
    pub(crate) aborted: bool,
    /// A VMA was split at the start of the source, and its first part is still there.
    pub(crate) rest_before: bool,
    /// A VMA was split at the end of the source, and its last part is still there.
    pub(crate) rest_after: bool,
}

impl From<Refusal<Error>> for Error {
    fn from(refusal: Refusal<Error>) -> Error {
        match refusal {
            Refusal::NothingMapped => EFAULT,
            Refusal::RoundedUp => EINVAL,
            Refusal::Segment { error, .. } => error,
            Refusal::Destination { error, .. } => error,
            Refusal::Totals(error) => error,
        }
    }
}

/// How far a move has got: the last step done of those that come before VMAs move.
#[derive(PartialEq, Eq)]
enum Step {
    Planned,
    Split,
    Unmapped,
}

/// A move under way. Dropping it rolls back, until it is completed.
///
/// # Invariants
///
/// - `plan` was made of `mm`, which has been borrowed mutably since.
/// - What the source has below `moved` is at the destination: relocated, with its pages, or copied,
///   with the pages at the copy. What it has from there on is where it was.
/// - From `Step::Unmapped` on, nothing is linked at the destination under a segment except for what
///   the source has below `linked`, or copies of that.
/// - If `copies` is not set, nothing was copied.
pub(crate) struct RangeMove<'a, 'mm> {
    mm: &'a mut MmWriteLocked<'mm>,
    plan: CheckedPlan,
    charge: Charge,
    buffer: Buffer,
    /// With `MREMAP_DONTUNMAP`.
    placeholders: Option<Placeholders<'a>>,
    /// Where the VMA was split that lies across the start of the source, and across its end.
    splits: [Option<Split>; 2],
    step: Step,
    linked: usize,
    moved: usize,
    copies: bool,
    completed: bool,
    tally: &'a mut Tally,
}

impl<'a, 'mm> RangeMove<'a, 'mm> {
    /// Plans and checks a move, and charges for the VMAs that it adds.
    ///
    /// With `MREMAP_DONTUNMAP`, there is a list for `placeholders`. Fails as the checks do, see
    /// `Documentation/userspace-api/mremap_range.rst`, with [`ENOMEM`], and with [`EINVAL`] if
    /// there is a list without that flag, or none with it.
    pub(crate) fn new(
        mm: &'a mut MmWriteLocked<'mm>,
        request: Request,
        placeholders: Option<Placeholders<'a>>,
        tally: &'a mut Tally,
    ) -> Result<Self> {
        if placeholders.is_some() != request.dontunmap() {
            return Err(EINVAL);
        }
        let plan = plan(&*mm, request, PAGE_SIZE)?;
        let Range { start, .. } = plan.request().source();
        let totals = *plan.totals();
        let charge = if placeholders.is_some() {
            let (moved, unmapped) = (totals.moved.accounted, totals.unmapped.accounted);

            Charge::new(mm, moved, unmapped, totals.most_accounted)?
        } else {
            Charge::none()
        };

        // INVARIANT: `plan` has just been made of `mm`, which is borrowed from now on. Nothing has
        // moved.
        Ok(RangeMove {
            mm,
            plan,
            charge,
            buffer: Buffer::new(totals.segments)?,
            placeholders,
            splits: [None, None],
            step: Step::Planned,
            linked: start,
            moved: start,
            copies: false,
            completed: false,
            tally,
        })
    }

    /// Returns the address space, to look at.
    pub(super) fn mm(&self) -> &MmWriteLocked<'mm> {
        self.mm
    }

    /// Returns the plan.
    pub(super) fn plan(&self) -> &CheckedPlan {
        &self.plan
    }

    /// Unmerges the pages that KSM has merged: where they go there may be pages that KSM found by
    /// their address.
    ///
    /// If the move fails later they stay unmerged, and charged to the process. Fails with
    /// [`ENOMEM`], with [`ERESTARTSYS`] on a signal, or with [`EINTR`] if the task is killed.
    pub(crate) fn unmerge_ksm(&mut self) -> Result {
        if self.plan.totals().ksm_mergeable != 0 {
            for vma in linked_vmas(self.mm, self.plan.request().source()) {
                if vma.flags() & flags::MERGEABLE == 0 {
                    continue;
                }
                if let Some(segment) = self.plan.segment(&vma) {
                    ffi::unmerge_ksm(&vma, &segment)?;
                }
            }
        }
        // A task that has been killed does not lose its destination.
        check_killed()
    }

    /// Splits the VMAs that lie across the ends of the source.
    ///
    /// With `MREMAP_DONTUNMAP`, a VMA is split only if it is locked, as the part that loses its
    /// pages is unlocked. Fails with [`ENOMEM`], with [`EINTR`] if the task is killed, as
    /// `vm_ops->may_split()` does, and with [`EINVAL`] out of order.
    pub(crate) fn split_ends(&mut self) -> Result {
        if self.step != Step::Planned {
            return Err(EINVAL);
        }
        let dontunmap = self.plan.request().dontunmap();
        let Range { start, end } = self.plan.request().source();
        let totals = self.plan.totals();
        let ends = [(totals.splits_first, start), (totals.splits_last, end)];

        self.tally.aborted = true;
        for (split, (splits, at)) in self.splits.iter_mut().zip(ends) {
            if splits && (!dontunmap || is_locked(self.mm, at)) {
                *split = Some(ffi::split(self.mm, at)?);
            }
        }
        self.step = Step::Split;
        Ok(())
    }

    /// Unmaps the destination of each run. That is not rolled back.
    ///
    /// Fails as [`MmWriteLocked::munmap()`], and with [`EINVAL`] out of order.
    pub(crate) fn unmap_destination(&mut self, events: &mut UnmapEvents<'_>) -> Result {
        if self.step != Step::Split {
            return Err(EINVAL);
        }
        let Range { start, end } = self.plan.request().source();

        if self.plan.totals().unmapped.all != 0 {
            let mut from = start;

            while let Some(run) = self.plan.next_run(&*self.mm, from..end) {
                self.mm.munmap(run.destination(), events)?;
                from = run.source().end;
            }
        }
        // INVARIANT: Nothing is left there under a segment.
        self.step = Step::Unmapped;
        Ok(())
    }

    /// Moves the VMAs of the source, in address order.
    ///
    /// Fails with [`ENOMEM`], as `vm_ops->mremap()` does, with [`EINTR`] if the task is killed,
    /// and with [`EINVAL`] out of order. It would be a bug if something is mapped at the
    /// destination, or a VMA of the source is missing: [`EEXIST`] and [`EFAULT`].
    pub(crate) fn move_vmas(&mut self) -> Result {
        if self.step != Step::Unmapped {
            return Err(EINVAL);
        }
        let end = self.plan.last_end();

        while self.moved < end {
            self.move_batch()?;
            if self.moved < end {
                check_killed()?;
                cond_resched();
            }
        }
        Ok(())
    }

    /// Moves the next batch.
    fn move_batch(&mut self) -> Result {
        let part = self.moved..self.plan.request().source().end;
        let batch = next_batch(self.mm, &self.plan, part, false, &mut self.buffer).ok_or(EFAULT)?;
        let end = batch.segment().source().end;

        match batch {
            Batch::Relocate(vmas) => {
                let count = vmas.count();

                ffi::relocate(vmas, self.placeholders.as_mut())?;
                self.tally.relocated += count;
            }
            Batch::Copy(vma) => {
                // What is linked at the destination is unlinked when the move is rolled back.
                if !vma.destination_is_free() {
                    return Err(EEXIST);
                }
                // INVARIANT: There may be a copy, even if its pages do not move.
                self.linked = end;
                self.copies = true;
                ffi::copy(vma)?;
                self.tally.copied += 1;
            }
        }
        // INVARIANT: They are linked at the destination.
        self.linked = end;
        // INVARIANT: All of it has moved.
        self.moved = end;
        Ok(())
    }

    /// Completes a move: the source is unlinked, and what has moved merges.
    pub(crate) fn complete(mut self) {
        let source = self.plan.request().source();
        let mut from = source.start;

        while let Some(run) = self.plan.next_run(&*self.mm, from..self.moved) {
            from = run.source().end;
            // INVARIANT: What has moved is at the destination, and VMAs were split where the source
            // ends. From here on the source has less than the invariants say, and nothing looks at
            // it again.
            ffi::unlink_range(self.mm, Vacated::new(run.source(), self.copies));
            self.note_shm(&run);
            self.merge(&run, true, true);
        }
        self.tally_rests();
        self.finish();
    }

    /// Notes that System V shared memory of a run has moved, for `shmctl(IPC_STAT)`.
    fn note_shm(&self, run: &Segment) {
        if self.plan.totals().shm != 0 {
            // What was copied as it is long is noted twice, which makes no difference.
            for vma in linked_vmas(self.mm, run.destination()) {
                ffi::shm_moved(&vma);
            }
        }
    }

    /// Notes what is left of the VMAs that were split, outside of the source.
    fn tally_rests(&mut self) {
        let Range { start, end } = self.plan.request().source();
        let [first, last] = &self.splits;

        self.tally.rest_before =
            first.is_some() && self.plan.keeps_remainder(start.wrapping_sub(1));
        self.tally.rest_after = last.is_some() && self.plan.keeps_remainder(end);
    }

    /// Merges the VMAs of a segment or run that has moved, with the VMAs before and after it if it
    /// may. Does nothing while placeholders are missing.
    pub(super) fn merge(&mut self, moved: &Segment, with_prev: bool, with_next: bool) {
        let source = self.plan.request().source();
        let Range { start, end } = moved.destination();
        // VMAs of the source stay with `MREMAP_DONTUNMAP`. Otherwise they may still be linked
        // there, but are to be unlinked.
        let (with_prev, with_next) = match &self.placeholders {
            Some(placeholders) if !placeholders.is_empty() => return,
            Some(_) => (with_prev, with_next),
            None => (
                with_prev && !source.contains(&start.wrapping_sub(1)),
                with_next && !source.contains(&end),
            ),
        };
        let each =
            self.copies || !self.buffer.none_mergeable() || self.plan.totals().segments <= FEW_VMAS;
        // Otherwise only the first and the last can merge, with the VMAs around.
        let first = (!each).then(|| self.mm.vma_lookup(start)).flatten();
        let first_end = first.map_or(end, |vma| vma.end());

        // INVARIANT: A relocated VMA is linked twice only while its placeholder is missing, or in
        // the source, which is not merged with.
        if first_end >= end {
            ffi::merge(self.mm, &Merge::new(start..end, with_prev, with_next));
            return;
        }
        let last_start = self.mm.vma_lookup(end - 1).map_or(start, |vma| vma.start());

        ffi::merge(self.mm, &Merge::new(start..first_end, with_prev, false));
        ffi::merge(self.mm, &Merge::new(last_start..end, false, with_next));
    }

    /// Leaves the charge to the VMAs. The move is not rolled back any more.
    pub(super) fn finish(&mut self) {
        self.charge.keep();
        self.completed = true;
        self.tally.aborted = false;
        ffi::validate_mm(self.mm);
    }

    /// Completes a part of the source with `MREMAP_DONTUNMAP`, each part once.
    ///
    /// With `all`, VMAs in it have lost all of their pages, and were not split since.
    pub(super) fn complete_source(&mut self, range: Range<usize>, all: bool) {
        let range = range.start..range.end.min(self.moved);

        if range.is_empty() {
            return;
        }
        if let Some(placeholders) = &mut self.placeholders {
            // INVARIANT: All of it has moved, and `Dontunmap` completes each address once.
            ffi::complete_dontunmap(self.mm, Emptied::new(range), placeholders, all);
        }
    }

    /// Rolls back: moves the VMAs back, unlinks the destination, undoes splits, and calls the hooks
    /// of the VMAs that had been copied.
    ///
    /// Does not fail. Should a page table be missing that VMAs were relocated from, which would be
    /// a bug, they stay at the destination with their pages. A copy may leave pages of a file
    /// behind, whose page table khugepaged freed because they are in the page cache. They are
    /// unmapped, and found in the page cache.
    fn roll_back(&mut self) {
        let source = self.plan.request().source();
        let moved = source.start..self.moved;
        let mut from = moved.start;

        while let Some(batch) =
            next_batch(self.mm, &self.plan, from..moved.end, true, &mut self.buffer)
        {
            from = batch.segment().source().end;
            match batch {
                Batch::Copy(vma) => ffi::copy_back(vma),
                Batch::Relocate(vmas) => {
                    if !ffi::relocate_back(vmas) {
                        self.plan.look_for_runs();
                    }
                }
            }
            cond_resched();
        }
        // INVARIANT: All that the source still has is where it was.
        self.moved = source.start;

        from = source.start;
        while let Some(run) = self.plan.next_run(&*self.mm, from..self.linked) {
            from = run.source().end;
            // INVARIANT: What the source has is back, or was not to move, and its run is what is
            // linked at the destination of it. What could not move back is not in the source.
            ffi::unlink_range(self.mm, Vacated::new(run.destination(), self.copies));
        }
        self.linked = source.start;

        for split in self.splits.iter_mut().filter_map(Option::take) {
            ffi::unsplit(self.mm, split);
        }
        ffi::validate_mm(self.mm);

        if self.copies {
            for vma in linked_vmas(self.mm, moved) {
                ffi::call_mremap_hook(&vma);
            }
        }
    }
}

impl Drop for RangeMove<'_, '_> {
    fn drop(&mut self) {
        if !self.completed {
            self.roll_back();
        }
    }
}

/// Returns whether the VMA at `addr` (bytes) is locked in memory.
pub(super) fn is_locked(mm: &MmWriteLocked<'_>, addr: usize) -> bool {
    mm.vma_lookup(addr)
        .is_some_and(|vma| vma.flags() & flags::LOCKED != 0)
}

/// Fails with [`EINTR`] if the current task has been killed.
fn check_killed() -> Result {
    if current!().fatal_signal_pending() {
        return Err(EINTR);
    }
    Ok(())
}
