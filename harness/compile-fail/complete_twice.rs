// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//!
//! A move completes once: what it has charged for is not left to two sets of VMAs.

use crate::{
    dontunmap,
    range_move::RangeMove, //
};

/// Completes a move that is complete.
pub fn twice(range_move: RangeMove<'_, '_>) {
    dontunmap::complete(range_move);
    dontunmap::complete(range_move);
}
