// SPDX-License-Identifier: GPL-2.0

//! Moves under way, and the way back.
//!
//! C headers: `mm/mremap.h`, `mm/vma.h`, `mm/internal.h`

use super::{
    checks::whole_pages,
    group::{stays_alone, Group, GROUP_MAX, RMAP_HOLD_BYTES},
    left::Twins,
    steps::tell_owner,
    Left,
};
use crate::{
    bindings,
    error::{code::*, to_result, Error, Result},
    mm::{flags, Entry, LockedMm, UnmapEvents},
    page::PAGE_SIZE,
    task::cond_resched,
};
use core::{cell::Cell, ops::Range};

/// A move of mappings from one range of addresses, the source, to another of the same length, the
/// destination.
///
/// [`LockedMm::transfer()`] begins it and ends it. Mappings go across one after the other, each to
/// the same offset, in one of two [`Way`]s. Nothing merges before the move is over, so that what
/// has to be taken back is what was brought.
///
/// # Invariants
///
/// - The address space is that of the current task. Source and destination are whole pages and do
///   not overlap; the destination ends where user space does, or before.
/// - What the source lists below `across` is at the destination, with its pages; its owners were
///   told. What it lists from there on is where it was.
/// - What the source lists below `listed` is listed at the destination, the mapping or its copy;
///   these are `runs` runs with `copies` copies in them.
/// - `group` has room for as many as a group may have, which does not change: taking back finds the
///   same groups again. Its elements are used by the function that puts them there.
/// - Where a group ends because a mapping that follows is to be copied, that is the one at
///   `to_copy`, so that it is.
/// - A mapping is split at the addresses in `cuts` that was one when the move began.
pub struct Transfer<'a> {
    pub(super) mm: &'a mut LockedMm,
    pub(super) source: Range<usize>,
    new: usize,
    /// The mappings of the source stay, or others like them.
    pub(super) twins: Option<Twins>,
    cuts: [Option<usize>; 2],
    pub(super) across: usize,
    listed: usize,
    runs: usize,
    /// Where the first run starts.
    first: usize,
    copies: usize,
    to_copy: Option<usize>,
    /// Why a mapping did not get across, after which nothing else may.
    failed: Option<Error>,
    group: Group,
}

/// How a mapping gets to the destination.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As it is. Until the move is over the address space lists it at both places.
    Relocate,
    /// Another mapping is made there and the pages move to it.
    Copy,
}

/// What has got to the destination at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Brought {
    /// How it got there.
    pub way: Way,
    /// How many mappings of the source it was.
    pub mappings: usize,
}

impl LockedMm {
    /// Moves `len` bytes of mappings from `old` to `new`.
    ///
    /// `act` brings them across. When it fails, everything that it did with the [`Transfer`] is
    /// taken back, but for what was unmapped. When it succeeds, the source is gone and what has
    /// arrived merges with what is around it; neither fails.
    ///
    /// Fails as `act` does, and with [`EINVAL`] if these are not whole pages, if the ranges
    /// overlap, if the destination goes beyond what user space has, or if it is not the address
    /// space of the current task. Whether mappings may move there is asked before, see
    /// [`LockedMm::check_move()`].
    pub fn transfer(
        &mut self,
        old: usize,
        new: usize,
        len: usize,
        act: impl FnOnce(&mut Transfer<'_>) -> Result,
    ) -> Result {
        let mut transfer = Transfer::new(self, old, new, len, None)?;

        transfer.act(act)?;
        transfer.retire();
        Ok(())
    }

    /// Moves `len` bytes of mappings from `old` to `new`, and leaves mappings without pages behind.
    ///
    /// As [`LockedMm::transfer()`], but `finish` says when the source is finished and what merges.
    /// What it leaves of the source is finished after it.
    pub fn transfer_pages(
        &mut self,
        old: usize,
        new: usize,
        len: usize,
        act: impl FnOnce(&mut Transfer<'_>) -> Result,
        finish: impl FnOnce(&mut Left<'_>),
    ) -> Result {
        let mut transfer = Transfer::new(self, old, new, len, Some(Twins::new()?))?;

        transfer.act(act)?;
        let mut left = Left::new(transfer);
        finish(&mut left);
        left.finish();
        Ok(())
    }
}

impl<'a> Transfer<'a> {
    // Not public: what is brought must not be left half-way, and values may be forgotten.
    fn new(
        mm: &'a mut LockedMm,
        old: usize,
        new: usize,
        len: usize,
        twins: Option<Twins>,
    ) -> Result<Self> {
        if !whole_pages(old, len) || !whole_pages(new, len) || old.abs_diff(new) < len {
            return Err(EINVAL);
        }
        if !mm.is_current() || new + len > LockedMm::user_space_end() {
            return Err(EINVAL);
        }

        // INVARIANT: The addresses were checked. Nothing was listed or brought anywhere yet, and
        // nothing split.
        Ok(Transfer {
            mm,
            source: old..old + len,
            new,
            twins,
            cuts: [None; 2],
            across: old,
            listed: old,
            runs: 0,
            first: old,
            copies: 0,
            to_copy: None,
            failed: None,
            group: Group::new(GROUP_MAX.min(len / PAGE_SIZE))?,
        })
    }

    fn act(&mut self, act: impl FnOnce(&mut Self) -> Result) -> Result {
        // What has failed is not over because `act` does not mind.
        let result = act(self).and(self.failed.map_or(Ok(()), Err));

        if result.is_err() {
            self.take_back();
        }
        result
    }

    /// The address space, to look at.
    pub fn mm(&self) -> &LockedMm {
        self.mm
    }

    /// Where an address of the source goes.
    fn at_destination(&self, addr: usize) -> usize {
        self.new + (addr - self.source.start)
    }

    pub(super) fn destination_of(&self, range: &Range<usize>) -> Range<usize> {
        self.at_destination(range.start)..self.at_destination(range.end)
    }

    /// The first run of what is listed at or above `from`: entries that touch.
    fn run_from(&self, from: usize) -> Option<Range<usize>> {
        let mut parts = self
            .mm
            .vmas(from..self.listed)
            .map(|entry| clip(&self.source, &entry))
            .peekable();
        let mut run = parts.next()?;

        while let Some(next) = parts.next_if(|next| next.start == run.end) {
            run.end = next.end;
        }
        Some(run)
    }

    /// Calls `act` for each run of what is listed. It may clear the run.
    fn each_run(&mut self, mut act: impl FnMut(&mut Self, Range<usize>)) {
        match self.runs {
            0 => {}
            1 => act(self, self.first..self.listed),
            _ => {
                let mut from = self.source.start;

                while let Some(run) = self.run_from(from) {
                    from = run.end;
                    act(self, run);
                }
            }
        }
    }

    /// Notes that what is mapped in `part` is listed at the destination.
    fn note_listed(&mut self, part: &Range<usize>) {
        if self.runs == 0 {
            self.first = part.start;
        }
        if self.runs == 0 || self.listed != part.start {
            self.runs += 1;
        }
        self.listed = part.end;
    }

    /// Splits the mapping at `addr` (bytes), an end of the source that lies inside of it.
    ///
    /// Fails with [`EINVAL`] if it is not, or anything is across already, with [`ENOMEM`], and for
    /// the reasons of `may_split()`. Does not ask whether there may be one more mapping.
    /// C function: `__split_vma()`.
    pub fn split_at(&mut self, addr: usize) -> Result {
        let cut = match addr {
            _ if self.listed != self.source.start => return Err(EINVAL),
            _ if addr == self.source.start => 0,
            _ if addr == self.source.end => 1,
            _ => return Err(EINVAL),
        };

        self.mm.split_at(addr)?;
        self.cuts[cut] = Some(addr);
        Ok(())
    }

    /// Unmaps `range` (bytes), a part of the destination. This is not taken back.
    ///
    /// Fails with [`EINVAL`] if it is not, or anything is across already, and as
    /// [`LockedMm::unmap()`].
    pub fn unmap(&mut self, range: Range<usize>, events: &mut UnmapEvents) -> Result {
        let destination = self.destination_of(&self.source);

        if self.listed != self.source.start
            || range.start < destination.start
            || range.end > destination.end
        {
            return Err(EINVAL);
        }
        self.mm.unmap(range, events)
    }

    /// Puts mappings that can be relocated together into `group`, from the first one at or above
    /// `range.start` on, and returns what they are listed at. If `may` does not want the first one,
    /// the group is empty, and the range is what this one has of the source.
    ///
    /// The mappings of a group touch, and are found by the same [`Rmap`], so that one hold of its
    /// locks is enough for all of them. Page tables are moved as those of one mapping, even if
    /// several have a part of one. Only a huge page has to be known to be of a certain mapping; so
    /// one that has room for it is a group of its own.
    ///
    /// [`Rmap`]: super::rmap::Rmap
    fn gather(
        &mut self,
        range: Range<usize>,
        may: impl Fn(&Entry<'_>) -> bool,
    ) -> Option<(Range<usize>, *mut bindings::vm_area_struct)> {
        let mut entries = self.mm.vmas(range);
        let first = entries.next()?;
        let mut whole = clip(&self.source, &first);
        let mut rmap = first.rmap();

        self.group.clear();
        if !may(&first) {
            return Some((whole, first.as_ptr()));
        }
        self.group.push(&first);
        if stays_alone(&first) {
            return Some((whole, first.as_ptr()));
        }
        for entry in entries {
            let Some(joint) = rmap.join(entry.rmap()) else {
                break;
            };
            if self.group.is_full()
                || whole.len() > RMAP_HOLD_BYTES
                || entry.listed().start != whole.end
                || stays_alone(&entry)
                || !may(&entry)
            {
                break;
            }
            self.group.push(&entry);
            whole.end = entry.listed().end;
            rmap = joint;
        }
        Some((whole, first.as_ptr()))
    }

    /// Takes the mappings of the source across that come next, the `way` that is asked for: one, or
    /// some that can be relocated together. Returns what they were, or nothing if all are across.
    ///
    /// A mapping that cannot be relocated is copied. One that `way` looked at, and wanted to be
    /// copied, is asked about no more: it ended a group. Takes the rmap locks; sleeps. Fails with
    /// [`EEXIST`] if something is mapped where it goes, with [`ENOMEM`], and if the owner does not
    /// agree; with [`EINVAL`] if a mapping that is to be copied has a userfaultfd, was not split
    /// where the source ends, would cut a huge page, or cannot be left behind empty. Then they are
    /// where they were, and the move is to be given up.
    pub fn bring_next(&mut self, way: impl Fn(&Entry<'_>) -> Way) -> Result<Option<Brought>> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.try_bring_next(way);
        self.failed = result.err();
        result
    }

    fn try_bring_next(&mut self, way: impl Fn(&Entry<'_>) -> Way) -> Result<Option<Brought>> {
        let next = self.across..self.source.end;
        let source = self.source.clone();

        let stays = self.twins.is_some();
        let distance = self.new.wrapping_sub(source.start);
        let to_copy = self.to_copy;
        let not_relocated = Cell::new(None);
        let copies = Cell::new(false);

        let Some((whole, first)) = self.gather(next, |entry| {
            let part = clip(&source, entry);

            if to_copy != Some(part.start)
                && way(entry) == Way::Relocate
                && entry.can_relocate()
                && part == entry.listed()
            {
                return true;
            }
            not_relocated.set(Some(part.start));
            // It counts if this is the first one: the group is empty then, and it is copied.
            copies.set(can_copy(entry, &part, distance, stays));
            false
        }) else {
            return Ok(None);
        };
        // INVARIANT: If it is not the first one, it ends the group, and is the next.
        self.to_copy = not_relocated.get();
        // Taking back clears what has been noted as listed there.
        if self.mm.vmas(self.destination_of(&whole)).next().is_some() {
            return Err(EEXIST);
        }
        let brought = if self.group.is_empty() {
            if !copies.get() {
                return Err(EINVAL);
            }
            // SAFETY: The mapping has just been found there.
            unsafe { self.copy(first, &whole)? };
            Brought {
                way: Way::Copy,
                mappings: 1,
            }
        } else {
            self.relocate(&whole)?;
            Brought {
                way: Way::Relocate,
                mappings: self.group.len(),
            }
        };
        self.across = whole.end;
        Ok(Some(brought))
    }

    /// Takes the group, which is all of `whole`, across.
    ///
    /// C functions: `mremap_list_at()`, `mremap_relocate()`.
    fn relocate(&mut self, whole: &Range<usize>) -> Result {
        let new = self.at_destination(whole.start) as crate::ffi::c_ulong;
        let (group, count) = self.group.as_raw();

        if let Some(twins) = &self.twins {
            // SAFETY: The address space is locked and the mappings have just been found in it.
            to_result(unsafe { bindings::mremap_make_twins(group, count, twins.as_raw()) })?;
        }
        // What is listed of them when it fails is found by the addresses of all.
        self.note_listed(whole);
        // SAFETY: The address space is locked, the mappings have just been found in it, can be
        // relocated, and lie in the source, of which no address is one of the destination.
        to_result(unsafe { bindings::mremap_list_at(group, count, new) })?;
        // SAFETY: The same, and they have been listed there. They touch, and have their rmap in
        // common.
        to_result(unsafe { bindings::mremap_relocate(group, count, new) })
    }

    /// Makes a copy of a mapping and takes the pages of a part of it across. The copy has not been
    /// charged for. The source is locked against faults.
    ///
    /// C functions: `copy_vma_apart()`, `mremap_move_tables()`, `vm_ops->mremap()`.
    ///
    /// # Safety
    ///
    /// `vma` is a mapping of the address space, and `part` what it has of the source.
    unsafe fn copy(&mut self, vma: *mut bindings::vm_area_struct, part: &Range<usize>) -> Result {
        let new = self.at_destination(part.start);
        let len = part.len();

        // SAFETY: The address space is locked, and the part lies in the mapping.
        let copy = unsafe {
            bindings::vma_start_write(vma);
            bindings::copy_vma_apart(vma, part.start as _, len as _, new as _)
        };
        if copy.is_null() {
            return Err(ENOMEM);
        }
        self.note_listed(part);
        self.copies += 1;
        self.group.all_differ = false;

        // SAFETY: The same, and the copy is all of its place at the destination, which is no part
        // of the source.
        let moved = unsafe {
            bindings::mremap_move_tables(vma, part.start as _, copy, new as _, len as _, false)
        } as usize;
        let result = if moved < len {
            Err(ENOMEM)
        } else {
            // SAFETY: The copy is valid, and the lock is held.
            unsafe { tell_owner(copy) }
        };
        if result.is_err() && moved != 0 {
            self.mm.move_page_tables_back(new, part.start, moved);
        }
        result
    }

    /// Clears the source, run by run, and merges what has arrived.
    ///
    /// It does not merge with what is listed in the source: of that nothing stays.
    fn retire(&mut self) {
        let copies = self.copies;

        self.each_run(|this, run| {
            let copy = this.destination_of(&run);
            let with_prev = !this.source.contains(&copy.start.wrapping_sub(1));
            let with_next = !this.source.contains(&copy.end);

            this.mm.forget(run, copies);
            this.merge(copy, with_prev, with_next);
        });

        // As after any move of a part of it, what is left of a mapping that tracks its memory type
        // no longer does.
        let destination = self.destination_of(&(self.source.start..self.listed));
        for (cut, left) in self.cuts.into_iter().zip([-1, 0]) {
            // Where the ends touch, what was left has been unmapped, but under a hole.
            let left = cut
                .map(|cut| cut.wrapping_add_signed(left))
                .filter(|addr| !destination.contains(addr));

            if let Some(addr) = left {
                self.mm.untrack(addr);
            }
        }
        self.mm.validate();
    }

    /// Merges what has arrived in a run. If all of it differs, only the ends can merge.
    pub(super) fn merge(&mut self, run: Range<usize>, with_prev: bool, with_next: bool) {
        let first = self.mm.vma_at(run.start).map_or(run.end, |vma| vma.end());

        if !self.group.all_differ || first >= run.end {
            self.mm.merge(run, with_prev, with_next);
            return;
        }
        self.mm.merge(run.start..first, with_prev, false);
        if let Some(last) = self.mm.vma_at(run.end - 1).map(|vma| vma.start()) {
            self.mm.merge(last..run.end, false, with_next);
        }
    }

    /// Lets a group stay where its pages are, at the destination, and warns.
    fn leave_at_destination(&mut self, whole: &Range<usize>) {
        // SAFETY: An FFI call without requirements.
        unsafe { bindings::mremap_warn_left_at_destination() };
        self.mm.forget(whole.clone(), 0);
        // INVARIANT: Nothing is listed in the source that is not to be brought back. The runs are
        // others now, and are looked for if there are several.
        self.runs = usize::MAX;
    }

    /// Brings back what is across, clears the destination, makes mappings whole that were split,
    /// and tells the owners.
    ///
    /// Does not fail. If the C function `mremap_relocate_back()` does, which would be a bug, these
    /// mappings stay at the destination, each with its pages.
    ///
    /// Page tables go to where they were, where the old tables still are. But one may have gone
    /// meanwhile, of the source of a copy: khugepaged frees that of a file mapping whose pages are
    /// all in the page cache, and shared hugetlb mappings may share it and part from it again. If
    /// there is no memory for another, what is left at the copy is unmapped with it, and found in
    /// the page cache.
    fn take_back(&mut self) {
        let told = self.across;
        let mut from = self.source.start;

        while from < told {
            let Some((whole, _)) = self.gather(from..told, |entry| entry.is_elsewhere()) else {
                break;
            };
            if self.group.is_empty() {
                let new = self.at_destination(whole.start);
                self.mm.move_page_tables_back(new, whole.start, whole.len());
            } else {
                let (group, count) = self.group.as_raw();
                // SAFETY: The address space is locked and the mappings have just been found in it,
                // listed where they came from. They are those of a group that was relocated.
                let back =
                    unsafe { bindings::mremap_relocate_back(group, count, whole.start as _) };
                if !back {
                    self.leave_at_destination(&whole);
                }
            }
            from = whole.end;
            cond_resched();
        }
        self.across = self.source.start;

        let copies = self.copies;
        self.each_run(|this, run| {
            this.mm.forget(this.destination_of(&run), copies);
        });

        for cut in self.cuts.iter_mut().filter_map(Option::take) {
            self.mm.unsplit_at(cut);
        }
        self.mm.validate();

        if self.copies == 0 {
            return;
        }
        let mut from = self.source.start;
        while let Some(entry) = self.mm.vmas(from..told).next() {
            from = clip(&self.source, &entry).end;
            // SAFETY: The mapping has just been found, and the lock is held.
            //
            // The owner agreed to the new place, and had agreed to the old one before.
            let _ = unsafe { tell_owner(entry.as_ptr()) };
        }
    }
}

/// Can a part of a mapping be copied to a `distance` (bytes)?
///
/// A source that does not stay is taken out of the tree at the end, mapping by mapping. One that
/// stays must not share with its copy what is given back but once.
fn can_copy(entry: &Entry<'_>, part: &Range<usize>, distance: usize, stays: bool) -> bool {
    let page = entry.kernel_page_size();

    let may_leave = if stays {
        entry.flags() & (flags::DONTEXPAND | flags::PFNMAP) == 0
    } else {
        *part == entry.listed()
    };

    may_leave && (part.start | part.end | distance) & (page - 1) == 0 && !entry.has_userfaultfd()
}

/// What an entry has of the source.
fn clip(source: &Range<usize>, entry: &Entry<'_>) -> Range<usize> {
    let Range { start, end } = entry.listed();

    start.max(source.start)..end.min(source.end)
}
