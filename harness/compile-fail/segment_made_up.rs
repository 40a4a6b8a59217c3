// SPDX-License-Identifier: GPL-2.0

//! error: E0451
//!
//! Only the planner makes segments: nothing merges VMAs that do not move, such as one that is
//! mapped under a hole.

use crate::{
    plan::Segment,
    range_move::RangeMove, //
};

/// Merges whatever is mapped at `new` (bytes) with the VMAs around it.
pub fn merge(range_move: &mut RangeMove<'_, '_>, new: usize) {
    let segment = Segment {
        old: 0,
        new,
        len: 0x1000,
    };

    range_move.merge(&segment, true, true);
}
