// SPDX-License-Identifier: GPL-2.0

//! error: E0451
//!
//! Only a move says which runs are vacated: nothing unlinks VMAs that still have their pages.

use crate::{
    ffi,
    range_move::moved::Vacated, //
};
use kernel::mm::MmWriteLocked;

/// Unlinks whatever is mapped at `addr` (bytes).
pub fn unlink(mm: &mut MmWriteLocked<'_>, addr: usize) {
    ffi::unlink_range(
        mm,
        Vacated {
            range: addr..addr + 0x1000,
            copies: false,
        },
    );
}
