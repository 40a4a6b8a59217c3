// SPDX-License-Identifier: GPL-2.0

//! C functions and fields, with the requirements of each: all of the unsafe code, except for the
//! entry from C.
//!
//! What a function here changes may depend on what has been done before. It then takes a value
//! that only the code makes which has done that: the VMAs of a batch, a [`Split`], a [`Vacated`] or
//! [`Emptied`] range, or a [`Merge`].
//!
//! C headers: `mm/mremap.h`, [`include/linux/mm.h`](srctree/include/linux/mm.h),
//! [`include/linux/rmap.h`](srctree/include/linux/rmap.h), and those that
//! [`rust/helpers/mremap.c`](srctree/rust/helpers/mremap.c) includes

use super::{
    batch::vmas::{
        CopyVma,
        RelocateVmas, //
    },
    linked::LinkedVma,
    plan::Segment,
    range_move::moved::{
        Emptied,
        Merge,
        Vacated, //
    },
};
use core::{
    marker::PhantomData,
    ops::Range,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    bindings,
    error::to_result,
    mm::{
        virt::{
            flags,
            vm_flags_t,
            VmaRef, //
        },
        MmWriteLocked, //
    },
    prelude::*,
};

// What an address space and its limits are.

/// Returns the first address after user space, in bytes.
pub(crate) fn task_size() -> usize {
    // SAFETY: An FFI call without requirements.
    unsafe { bindings::TASK_SIZE() }
}

/// Returns whether the address space may have so many more VMAs: `peak` while the destination is
/// unmapped, and `added - removed` after the move.
///
/// C function: `mremap_may_add_vmas()`.
pub(crate) fn may_add_vmas(
    mm: &MmWriteLocked<'_>,
    peak: usize,
    added: usize,
    removed: usize,
) -> bool {
    // SAFETY: The address space is valid and locked by the type invariants.
    unsafe { bindings::mremap_may_add_vmas(mm.as_raw(), peak, added, removed) }
}

/// Returns whether the address space of the current task may grow by `pages`, and its data, if
/// any is added, by `data` pages. Numbers may wrap: it shrinks by so many then.
///
/// C function: `mremap_may_expand()`.
pub(crate) fn may_expand(mm: &MmWriteLocked<'_>, pages: usize, data: Option<usize>) -> bool {
    // SAFETY: The address space is valid and locked by the type invariants.
    unsafe {
        bindings::mremap_may_expand(mm.as_raw(), pages, data.is_some(), data.unwrap_or_default())
    }
}

/// Returns whether page tables can move as a whole.
pub(crate) fn moves_tables() -> bool {
    // SAFETY: An FFI call without requirements.
    unsafe { bindings::mremap_moves_tables() }
}

// What a VMA is.

/// Returns whether VMAs with these flags count for `RLIMIT_DATA`.
pub(crate) fn is_data_mapping(flags: vm_flags_t) -> bool {
    // SAFETY: An FFI call without requirements.
    unsafe { bindings::is_data_mapping(flags) }
}

/// Returns the size of the pages of a VMA in bytes: of hugetlb, that of its huge pages.
pub(crate) fn vma_kernel_pagesize(vma: &VmaRef) -> usize {
    // SAFETY: The VMA is valid by the type invariants.
    unsafe { bindings::vma_kernel_pagesize(vma.as_ptr()) }
}

/// Returns whether the memory of a VMA is anonymous.
#[inline]
pub(crate) fn vma_is_anonymous(vma: &LinkedVma<'_>) -> bool {
    // SAFETY: The VMA is valid and does not change by the type invariants.
    unsafe { (*vma.as_ptr()).vm_ops.is_null() }
}

/// Returns whether a VMA has a file.
#[inline]
pub(crate) fn has_file(vma: &LinkedVma<'_>) -> bool {
    // SAFETY: The VMA is valid and does not change by the type invariants.
    unsafe { !(*vma.as_ptr()).vm_file.is_null() }
}

/// Returns whether a VMA is anonymous and never had a page.
#[inline]
pub(crate) fn is_unfaulted(vma: &LinkedVma<'_>) -> bool {
    // SAFETY: The VMA is valid and does not change by the type invariants.
    vma_is_anonymous(vma) && unsafe { (*vma.as_ptr()).anon_vma.is_null() }
}

/// Returns whether a VMA has a `vm_ops->open()`, `close()` or `mremap()`.
#[inline]
pub(crate) fn has_hooks(vma: &VmaRef) -> bool {
    // SAFETY: The VMA is valid by the type invariants, and so are its operations if it has any.
    let ops = unsafe { (*vma.as_ptr()).vm_ops.as_ref() };

    ops.is_some_and(|ops| ops.open.is_some() || ops.close.is_some() || ops.mremap.is_some())
}

/// Returns whether a VMA is an attach of System V shared memory.
///
/// C function: `vma_is_shm()`.
#[inline]
pub(crate) fn is_shm(vma: &LinkedVma<'_>) -> bool {
    // Most have no hooks, so nothing is called for them.
    //
    // SAFETY: The VMA is valid and does not change by the type invariants.
    has_hooks(vma) && unsafe { bindings::vma_is_shm(vma.as_ptr()) }
}

/// What finds the pages of a VMA and is locked while they move: a file, an anonymous memory's root
/// `anon_vma`, both or neither. The pointers are compared only.
#[derive(Clone, Copy)]
pub(crate) struct Rmap {
    file: *const bindings::address_space,
    root: *const bindings::anon_vma,
}

impl Rmap {
    /// Returns what finds the pages of both VMAs, if that is one file and one root at most.
    #[inline]
    pub(crate) fn join(self, other: Rmap) -> Option<Rmap> {
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

/// Returns what finds the pages of a VMA.
#[inline]
pub(crate) fn rmap(vma: &LinkedVma<'_>) -> Rmap {
    let vma = vma.as_ptr();

    // SAFETY: The VMA is valid and does not change by the type invariants, and it holds a reference
    // to its file and its `anon_vma`. Others may change these two, so no Rust reference is made to
    // them; the fields that are read stay as they are.
    unsafe {
        let (file, anon_vma) = ((*vma).vm_file, (*vma).anon_vma);

        Rmap {
            file: if file.is_null() {
                ptr::null()
            } else {
                (*file).f_mapping
            },
            root: if anon_vma.is_null() {
                ptr::null()
            } else {
                (*anon_vma).root
            },
        }
    }
}

/// What is equal of VMAs that can merge, of what `is_mergeable_vma()` compares first. The pointer
/// is compared only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct MergeKey {
    flags: usize,
    file: *const bindings::file,
}

/// Returns what is equal of VMAs that can merge.
#[inline]
pub(crate) fn merge_key(vma: &LinkedVma<'_>) -> MergeKey {
    MergeKey {
        flags: vma.flags() & !flags::IGNORE_MERGE,
        // SAFETY: The VMA is valid and does not change by the type invariants.
        file: unsafe { (*vma.as_ptr()).vm_file },
    }
}

// What may be done.

/// Checks whether a segment of a VMA may move.
///
/// C function: `mremap_check_move()`, which has the errnos.
pub(crate) fn check_move(vma: &LinkedVma<'_>, segment: &Segment, dontunmap: bool) -> Result {
    let Range { start, .. } = segment.source();
    let new = segment.destination().start;

    // SAFETY: The VMA is valid and its address space locked by the type invariants.
    to_result(unsafe {
        bindings::mremap_check_move(vma.as_ptr(), start, segment.len(), new, dontunmap)
    })
}

/// Checks whether what a VMA has of `range` (bytes) may be unmapped.
///
/// C function: `mremap_check_unmap()`, which has the errnos.
pub(crate) fn check_unmap(vma: &LinkedVma<'_>, range: &Range<usize>) -> Result {
    let start = range.start.max(vma.start());
    let end = range.end.min(vma.end());

    // SAFETY: The VMA is valid and its address space locked by the type invariants, and the range
    // lies in the VMA.
    to_result(unsafe { bindings::mremap_check_unmap(vma.as_ptr(), start, end) })
}

// What fails without a loss.

/// Committed memory that has been charged for. Dropping it uncharges.
///
/// # Invariants
///
/// `pages` have been charged for, and are uncharged by nothing else.
#[must_use = "a charge that is not used is uncharged immediately"]
pub(crate) struct Charge {
    pages: usize,
}

impl Charge {
    /// Charges for nothing.
    pub(crate) fn none() -> Self {
        // INVARIANT: It has no pages.
        Charge { pages: 0 }
    }

    /// Charges for `pages`, of which `freed` are about to be uncharged by something else.
    ///
    /// The difference is checked in requests of `at_once` pages or, if that is more, of 4096, as
    /// the default heuristic judges each request by itself. Fails with [`ENOMEM`] if the system
    /// does not allow one of them. C functions: `security_vm_enough_memory_mm()`,
    /// `vm_acct_memory()`.
    pub(crate) fn new(
        mm: &MmWriteLocked<'_>,
        pages: usize,
        freed: usize,
        at_once: usize,
    ) -> Result<Self> {
        // Requests for fewer pages cost more, and are no more likely to be allowed.
        const FEW_PAGES: usize = 4096;
        let at_once = at_once.max(FEW_PAGES);
        let checked = pages.saturating_sub(freed);
        let mut charge = Charge::none();

        while charge.pages < checked {
            let part = at_once.min(checked - charge.pages);

            // SAFETY: The address space is valid by the type invariants.
            let err = unsafe { bindings::security_vm_enough_memory_mm(mm.as_raw(), part as isize) };
            if err != 0 {
                return Err(ENOMEM);
            }
            // INVARIANT: `part` pages have just been charged for.
            charge.pages += part;
        }

        if pages != checked {
            // SAFETY: An FFI call without requirements.
            unsafe { bindings::vm_acct_memory((pages - checked) as isize) };
        }
        // INVARIANT: `checked` pages and the rest have been charged for.
        charge.pages = pages;
        Ok(charge)
    }

    /// Leaves the charge to the VMAs that it is for, which uncharge when they are unmapped.
    pub(crate) fn keep(&mut self) {
        // INVARIANT: Nothing is left to be uncharged by this.
        self.pages = 0;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.pages != 0 {
            // SAFETY: So many pages have been charged for by the type invariants.
            unsafe { bindings::vm_unacct_memory(self.pages as isize) };
        }
    }
}

/// Gives the VMA a copy of its own of each page in a segment that KSM has merged.
///
/// Sleeps. Fails with [`ENOMEM`], or with [`ERESTARTSYS`] on a signal; the pages that were copied
/// by then stay so. C function: `mremap_unmerge_ksm()`.
pub(crate) fn unmerge_ksm(vma: &LinkedVma<'_>, segment: &Segment) -> Result {
    let start = segment.source().start.max(vma.start());
    let end = segment.source().end.min(vma.end());

    // SAFETY: The VMA is valid and its address space locked for writing by the type invariants of
    // `LinkedVma`, and the range lies in the VMA.
    to_result(unsafe { bindings::mremap_unmerge_ksm(vma.as_ptr(), start, end) })
}

/// An address at which a VMA has been split.
///
/// # Invariants
///
/// A VMA has been split there, and that has not been undone.
pub(crate) struct Split(usize);

/// Splits the VMA at `addr` (bytes).
///
/// Fails with [`EINVAL`] if no VMA starts before `addr` and ends after it, with [`ENOMEM`], with
/// [`EINTR`] if the task is killed, and as `vm_ops->may_split()` does. Does not check the number of
/// VMAs. C function: `mremap_split()`.
pub(crate) fn split(mm: &mut MmWriteLocked<'_>, addr: usize) -> Result<Split> {
    // SAFETY: The address space is valid and locked by the type invariants, and borrowed mutably.
    to_result(unsafe { bindings::mremap_split(mm.as_raw(), addr) })?;
    // INVARIANT: It has just been split.
    Ok(Split(addr))
}

/// Undoes a split, if what was one VMA is adjacent again.
///
/// C function: `mremap_unsplit()`.
pub(crate) fn unsplit(mm: &mut MmWriteLocked<'_>, split: Split) {
    // SAFETY: The address space is valid and locked by the type invariants, and borrowed mutably.
    // At the address a VMA was split by the type invariants.
    unsafe { bindings::mremap_unsplit(mm.as_raw(), split.0) };
}

// The move, forth and back.

/// VMAs without pages that take the places of relocated ones when `MREMAP_DONTUNMAP` completes.
/// Wraps a list of `struct vm_area_struct`. Dropping it frees those that have not been linked.
///
/// # Invariants
///
/// The list is initialised, used by nothing else during `'a`, and holds placeholders that are
/// linked nowhere else.
pub(crate) struct Placeholders<'a>(NonNull<bindings::list_head>, PhantomData<&'a mut ()>);

impl Placeholders<'_> {
    /// Wraps a list.
    ///
    /// # Safety
    ///
    /// The list is initialised and empty, and used by nothing else as long as the value lives.
    pub(crate) unsafe fn from_raw(list: NonNull<bindings::list_head>) -> Self {
        // INVARIANT: By the requirements of this function. It holds none.
        Placeholders(list, PhantomData)
    }

    /// Returns whether none is left to be linked.
    pub(crate) fn is_empty(&self) -> bool {
        let head = self.as_raw();

        // SAFETY: The list is initialised by the type invariants.
        unsafe { (*head).next == head }
    }

    fn as_raw(&self) -> *mut bindings::list_head {
        self.0.as_ptr()
    }
}

impl Drop for Placeholders<'_> {
    fn drop(&mut self) {
        if !self.is_empty() {
            // SAFETY: What the list holds is linked nowhere else by the type invariants.
            unsafe { bindings::mremap_free_placeholders(self.as_raw()) };
        }
    }
}

/// Relocates VMAs, and adds a placeholder for each if there is a list.
///
/// Takes the locks of the reverse mapping; sleeps. Fails with [`ENOMEM`], with [`EINTR`] if the
/// task is killed, with [`EEXIST`] if something is mapped at the destination, and with [`EINVAL`]
/// if they have been relocated; then nothing has moved. C function: `mremap_relocate()`.
pub(crate) fn relocate(
    vmas: RelocateVmas<'_, '_>,
    placeholders: Option<&mut Placeholders<'_>>,
) -> Result {
    let new = vmas.segment().destination().start;
    let list = placeholders.map_or(ptr::null_mut(), |placeholders| placeholders.as_raw());

    if vmas.moved() {
        return Err(EINVAL);
    }
    let (vmas, count) = vmas.into_raw();
    // SAFETY: By the type invariants of `Vmas` these are adjacent, valid VMAs of an address space
    // that is locked and borrowed mutably, and were checked. By those of `RelocateVmas` they can be
    // relocated, have one rmap, and have not been. By the type invariants of `Request` the
    // destination is no part of the source. The list, if any, is initialised by the type
    // invariants.
    to_result(unsafe { bindings::mremap_relocate(vmas, count, new, list) })
}

/// Relocates VMAs back to where they were.
///
/// Does not fail, unless a page table is missing, which would be a bug: then it warns, the VMAs
/// stay at the destination with their pages, are no longer linked at the source, and this returns
/// `false`. C function: `mremap_relocate_back()`.
pub(crate) fn relocate_back(vmas: RelocateVmas<'_, '_>) -> bool {
    let old = vmas.segment().source().start;

    if !vmas.moved() {
        return true;
    }
    let (vmas, count) = vmas.into_raw();
    // SAFETY: As in `relocate()`, and by the type invariants of `RelocateVmas` they have been
    // relocated, so that they are still linked where they were.
    unsafe { bindings::mremap_relocate_back(vmas, count, old) }
}

/// Copies a VMA, and moves the pages of its segment to the copy, which is not charged for.
///
/// Sleeps. Fails with [`ENOMEM`], also if something is mapped at the destination, with [`EINTR`] if
/// the task is killed, and as `vm_ops->mremap()` does; then the pages are where they were, but
/// there may be a copy. Fails with [`EINVAL`] if it has been copied. C function: `mremap_copy()`.
pub(crate) fn copy(vma: CopyVma<'_, '_>) -> Result {
    let (from, to) = (vma.segment().source(), vma.segment().destination());

    if vma.moved() {
        return Err(EINVAL);
    }
    let vma = vma.into_raw();
    // SAFETY: By the type invariants of `CopyVma` and `Vmas` this is a valid VMA of an address
    // space that is locked and borrowed mutably, and the segment is a part of it that was checked
    // and has not moved. By the type invariants of `Request` the destination is no part of the
    // source.
    to_result(unsafe { bindings::mremap_copy(vma, from.start, from.len(), to.start) })
}

/// Moves the pages of a segment back from the copy of its VMA. The copy stays.
///
/// Sleeps. Does not fail. C function: `mremap_copy_back()`.
pub(crate) fn copy_back(vma: CopyVma<'_, '_>) {
    let (from, to) = (vma.segment().source(), vma.segment().destination());

    if !vma.moved() {
        return;
    }
    let vma = vma.into_raw();
    // SAFETY: As in `copy()`, and by the type invariants of `CopyVma` the pages are at a copy.
    unsafe { bindings::mremap_copy_back(vma, from.start, from.len(), to.start) };
}

/// Calls the hook of a VMA that has been copied, and is where it was again.
///
/// C function: `mremap_call_hook()`.
pub(crate) fn call_mremap_hook(vma: &LinkedVma<'_>) {
    // SAFETY: The VMA is valid and its address space locked for writing by the type invariants of
    // `LinkedVma`.
    //
    // An error is ignored: nothing is left to be done about it, and the VMA was here before.
    let _ = unsafe { bindings::mremap_call_hook(vma.as_ptr()) };
}

// The end of a move. None of it fails.

/// Notes that an attach of System V shared memory has moved.
///
/// C function: `shm_vma_moved()`.
pub(crate) fn shm_moved(vma: &LinkedVma<'_>) {
    if is_shm(vma) {
        // SAFETY: The VMA is valid by the type invariants, and has just been found to be an attach.
        unsafe { bindings::shm_vma_moved(vma.as_ptr()) };
    }
}

/// Unlinks a run, frees its page tables, and unmaps the VMAs in it that have been copied or are
/// copies.
///
/// C function: `mremap_unlink_range()`.
pub(crate) fn unlink_range(mm: &mut MmWriteLocked<'_>, run: Vacated) {
    let Range { start, end } = run.range();

    // SAFETY: The address space is valid and locked by the type invariants, and borrowed mutably.
    // By the type invariants of `Vacated` the VMAs in the range have their pages at another place,
    // and none lies across its ends.
    unsafe { bindings::mremap_unlink_range(mm.as_raw(), start, end, run.copies()) };
}

/// Completes what stays of the VMAs of a source: puts placeholders in the place of those that have
/// been relocated, counts all of them, and unlocks them. With `all`, VMAs in the range have lost
/// all of their pages, and not been split since.
///
/// C function: `mremap_complete_dontunmap()`.
pub(crate) fn complete_dontunmap(
    mm: &mut MmWriteLocked<'_>,
    part: Emptied,
    placeholders: &mut Placeholders<'_>,
    all: bool,
) {
    let Range { start, end } = part.range();

    // SAFETY: The address space is valid and locked by the type invariants, and borrowed mutably.
    // All pages of the range have moved, and it is not complete, by the type invariants of
    // `Emptied`. The list is initialised by the type invariants.
    unsafe {
        bindings::mremap_complete_dontunmap(mm.as_raw(), start, end, placeholders.as_raw(), all)
    };
}

/// Merges VMAs that have moved with what is around them. Where memory is short they stay as they
/// are.
///
/// C function: `mremap_merge()`.
pub(crate) fn merge(mm: &mut MmWriteLocked<'_>, merge: &Merge) {
    let Range { start, end } = merge.range();

    // SAFETY: The address space is valid and locked by the type invariants, and borrowed mutably.
    // By the type invariants of `Merge` these are whole VMAs, each linked once.
    unsafe {
        bindings::mremap_merge(
            mm.as_raw(),
            start,
            end,
            merge.with_prev(),
            merge.with_next(),
        )
    };
}

/// Validates the maple tree, in a kernel that is configured to.
///
/// C function: `validate_mm()`.
pub(crate) fn validate_mm(mm: &MmWriteLocked<'_>) {
    // SAFETY: The address space is valid and locked by the type invariants.
    unsafe { bindings::validate_mm(mm.as_raw()) };
}
