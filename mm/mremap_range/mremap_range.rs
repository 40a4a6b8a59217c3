// SPDX-License-Identifier: GPL-2.0

//! Moves of a range of VMAs by one `mremap()`.
//!
//! The only entry is [`mremap_move_range()`]. See `Documentation/mm/mremap_range.rst`.
//!
//! C header: `mm/mremap.h`

#![deny(unsafe_code)]

mod batch;
mod dontunmap;
#[allow(unsafe_code)]
mod ffi;
mod linked;
mod plan;
mod range_move;
mod space;

use core::ptr::NonNull;
use ffi::Placeholders;
use kernel::{
    bindings,
    ffi::c_int,
    mm::{
        MmWriteLocked,
        UnmapEvents, //
    },
    page::PAGE_SIZE,
    prelude::*,
};
use plan::Request;
use range_move::{
    RangeMove,
    Tally, //
};

/// Moves a range, all of it or none.
fn move_range(
    mm: &mut MmWriteLocked<'_>,
    request: Request,
    events: &mut UnmapEvents<'_>,
    placeholders: Option<Placeholders<'_>>,
    tally: &mut Tally,
) -> Result {
    let mut range_move = RangeMove::new(mm, request, placeholders, tally)?;

    range_move.unmerge_ksm()?;
    range_move.split_ends()?;
    range_move.unmap_destination(events)?;
    range_move.move_vmas()?;
    if request.dontunmap() {
        dontunmap::complete(range_move);
    } else {
        range_move.complete();
    }
    Ok(())
}

/// Moves a range of VMAs in `mm`, the address space of the current task.
///
/// Returns 0 or a negative errno, and sets the outcome in `range`. The errno is [`EINVAL`] if
/// source and destination are not whole pages, wrap, or overlap.
///
/// # Safety
///
/// - `mm` is the address space of the current task, and its mmap lock is held for writing by that
///   task and stays so.
/// - `range` is initialised and valid, and used by nothing else meanwhile.
/// - `range->uf_unmap` is an initialised list head, used by nothing else meanwhile and given to
///   `userfaultfd_unmap_complete()` afterwards.
/// - `range->placeholders` is an initialised list head, and empty.
#[allow(unsafe_code)]
#[no_mangle]
pub unsafe extern "C" fn mremap_move_range(
    mm: *mut bindings::mm_struct,
    range: *mut bindings::mremap_range,
) -> c_int {
    // SAFETY: `range` is valid and used by nothing else by the requirements of this function.
    let range = unsafe { &mut *range };
    let Some(request) = Request::new(
        range.addr,
        range.new_addr,
        range.len,
        range.dontunmap,
        PAGE_SIZE,
    ) else {
        return EINVAL.to_errno();
    };
    let Some(list) = NonNull::new(range.uf_unmap) else {
        return EINVAL.to_errno();
    };
    // SAFETY: The list is initialised and used by nothing else by the requirements of this
    // function, and `events` does not outlive it.
    let mut events = unsafe { UnmapEvents::from_raw(list) };
    // SAFETY: `mm` is valid, has users and is locked by the requirements of this function, and its
    // VMAs are used through this value only until the function returns.
    let mut mm = unsafe { MmWriteLocked::from_raw(mm) };
    // SAFETY: The list is initialised, empty and used by nothing else by the requirements of this
    // function, and the value does not outlive it.
    let placeholders = (range.dontunmap)
        .then(|| unsafe { Placeholders::from_raw((&mut range.placeholders).into()) });
    let mut tally = Tally::default();

    let result = move_range(&mut mm, request, &mut events, placeholders, &mut tally);

    range.relocated = tally.relocated;
    range.copied = tally.copied;
    range.aborted = tally.aborted;
    range.rest_before = tally.rest_before;
    range.rest_after = tally.rest_after;
    result.map_or_else(Error::to_errno, |()| 0)
}
