// SPDX-License-Identifier: GPL-2.0

//! A source that stays mapped when its pages have moved.
//!
//! C headers: `mm/internal.h`

use super::Transfer;
use crate::{bindings, error::Result, mm::LockedMm, prelude::*, types::Opaque};
use core::ops::Range;

/// Empty mappings for a source that stays. They are made when those that they are like leave it,
/// and take their places when the move is over. Wraps a list of `struct vm_area_struct`.
pub(super) struct Twins(KBox<Opaque<bindings::list_head>>);

impl Twins {
    pub(super) fn new() -> Result<Self> {
        let list = KBox::new(Opaque::<bindings::list_head>::uninit(), GFP_KERNEL)?;
        let head = list.get();

        // SAFETY: The memory is ours, and stays where it is while the list is used.
        unsafe {
            (*head).next = head;
            (*head).prev = head;
        }
        Ok(Twins(list))
    }

    /// What C takes.
    pub(super) fn as_raw(&self) -> *mut bindings::list_head {
        self.0.get()
    }

    pub(super) fn is_empty(&self) -> bool {
        let head = self.0.get();

        // SAFETY: The list has been initialised, and nobody else uses it.
        unsafe { (*head).next == head }
    }
}

impl Drop for Twins {
    fn drop(&mut self) {
        // SAFETY: What is in the list was made by `mremap_make_twins()`, and is used nowhere else.
        unsafe { bindings::mremap_free_twins(self.0.get()) };
    }
}

/// A source whose pages have gone, and that stays mapped. There is no way back.
///
/// # Invariants
///
/// What the source has below `emptied` was finished, what it has from there on was not. No mapping
/// lies on both sides of it, but at the end of what got across.
pub struct Left<'a> {
    transfer: Transfer<'a>,
    emptied: usize,
}

impl<'a> Left<'a> {
    pub(super) fn new(transfer: Transfer<'a>) -> Self {
        // INVARIANT: There is nothing below the source.
        Left {
            emptied: transfer.source.start,
            transfer,
        }
    }

    /// The address space, to look at.
    pub fn mm(&self) -> &LockedMm {
        self.transfer.mm
    }

    /// Has a mapping left whose place nothing has taken yet?
    fn has_twins(&self) -> bool {
        let twins = self.transfer.twins.as_ref();

        twins.is_some_and(|twins| !twins.is_empty())
    }

    /// Merges the mappings that have arrived in `range` (bytes), each as if it arrived now: with
    /// what is before it, and the last with what follows. What is around the range counts if it
    /// may.
    ///
    /// Does nothing before the source has been left empty. Where memory is short they stay as they
    /// are. C function: `vma_merge_copies()`.
    pub fn merge(&mut self, range: Range<usize>, with_prev: bool, with_next: bool) {
        // What has left may be merged away, and must not be listed then.
        if self.has_twins() {
            return;
        }
        let destination = self.transfer.destination_of(&self.transfer.source);
        let starts = self.mm().vma_at(range.start);
        let ends = self.mm().vma_at(range.end.wrapping_sub(1));

        if starts.is_some_and(|vma| vma.start() == range.start)
            && ends.is_some_and(|vma| vma.end() == range.end)
            && destination.start <= range.start
            && range.end <= destination.end
        {
            self.transfer.merge(range, with_prev, with_next);
        }
    }

    /// Finishes what is mapped in the source below `until` (bytes) and was not finished yet: it
    /// counts again, and is unlocked. Where a mapping has left, there is an empty one then. A
    /// mapping of the source is finished as a whole; what has not got across is left alone.
    ///
    /// A mapping that has lost all of its pages is then as one that never had any. Not so if it is
    /// not `all` that there was of it when they went, but the destination has cut it since.
    ///
    /// Committed memory is charged for by the caller. C function: `mremap_leave_empty()`.
    pub fn leave_empty(&mut self, until: usize, all: bool) {
        let until = self.end_of_mapping(until.min(self.transfer.across));
        let range = self.emptied..until;

        if range.is_empty() {
            return;
        }
        // INVARIANT: It is finished now.
        self.emptied = until;
        if all {
            self.empty(range, true);
            return;
        }
        let mut from = range.start;
        while let Some(entry) = self.mm().vmas(from..until).next() {
            let part = from.max(entry.listed().start)..until.min(entry.listed().end);
            // One that takes the place of another never had a page.
            let all = entry.is_elsewhere();

            from = part.end;
            self.empty(part, all);
        }
    }

    /// Returns where the mapping ends that lies on both sides of an address of the source, as far
    /// as it got across, or that address.
    fn end_of_mapping(&self, addr: usize) -> usize {
        let across = self.transfer.across;

        if addr <= self.emptied || addr == across {
            return addr;
        }
        let mut entries = self.mm().vmas(addr - 1..addr);
        entries
            .next()
            .map_or(addr, |entry| entry.listed().end.clamp(addr, across))
    }

    /// As [`Left::leave_empty()`], of a range that got across and was not finished.
    fn empty(&mut self, range: Range<usize>, all: bool) {
        let Some(twins) = &self.transfer.twins else {
            return;
        };

        // SAFETY: The address space is locked. All pages of the range have gone, and it was not
        // finished before. A twin was made for each mapping that has left.
        unsafe {
            bindings::mremap_leave_empty(
                self.transfer.mm.as_ptr(),
                range.start as _,
                range.end as _,
                twins.as_raw(),
                all,
            )
        };
    }

    /// Finishes what was not: no mapping stays listed where it is not, and each counts.
    pub(super) fn finish(&mut self) {
        self.leave_empty(self.transfer.across, true);
        self.transfer.mm.validate();
    }
}
