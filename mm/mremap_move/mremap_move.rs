// SPDX-License-Identifier: GPL-2.0

//! Moving a range of several mappings by one `mremap()`.
//!
//! [`plan`] decides, without changing anything, whether a range can move and what that takes.
//! [`commit`] carries it out, all of it or nothing. The only way in is [`mremap_move_range()`].
//!
//! See `Documentation/mm/mremap_move.rst`.

mod commit;
mod plan;
mod space;

use core::ptr::NonNull;
use kernel::{
    bindings::{self, mremap_tally as Tally},
    ffi::c_ulong,
    mm::{LockedMm, UnmapEvents},
    prelude::*,
};
use plan::{Refusal, Request};
use space::View;

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

/// Plans, checks and carries out one move.
fn move_range(
    mm: &mut LockedMm,
    request: Request,
    events: &mut UnmapEvents,
    tally: &mut Tally,
) -> Result {
    let plan = {
        let view = View::new(mm, request.keep_source);
        plan::plan(&view, request, kernel::page::PAGE_SIZE)?
    };

    commit::commit(mm, &plan, events, tally)
}

/// Moves a range of mappings in `mm`, the address space of the current task.
///
/// Returns the address of the destination, or a negative errno, and adds to the tally.
///
/// # Safety
///
/// - `mm` is valid, and its mmap lock is held for writing by the current task and stays so.
/// - `call` points to an initialised call that nobody else uses meanwhile, whose parameters were
///   checked: it is a move of whole pages between ranges that neither wrap nor overlap.
/// - `tally` is initialised, and nobody else uses it meanwhile.
#[no_mangle]
pub unsafe extern "C" fn mremap_move_range(
    mm: *mut bindings::mm_struct,
    call: *mut bindings::mremap_call,
    tally: *mut Tally,
) -> c_ulong {
    // SAFETY: `call` is valid and nobody else uses it. The list is a field of it, and its user
    // outlives this function.
    let (request, mut events) = unsafe {
        let request = Request {
            old: (*call).addr,
            new: (*call).new_addr,
            len: (*call).old_len,
            keep_source: (*call).flags & bindings::MREMAP_DONTUNMAP as c_ulong != 0,
        };
        let list = NonNull::from(&mut (*call).uf_unmap_early);

        (request, UnmapEvents::from_raw(list))
    };
    // SAFETY: The lock is held, and nothing else uses the mappings until this function returns.
    let mm = unsafe { LockedMm::from_raw(mm) };
    // SAFETY: By the requirements of this function.
    let tally = unsafe { &mut *tally };

    match move_range(mm, request, &mut events, tally) {
        Ok(()) => request.new,
        Err(error) => error.to_errno() as c_ulong,
    }
}
