// SPDX-License-Identifier: GPL-2.0

//! error: E0451
//!
//! Only the planner makes a plan that can be carried out: nothing moves a VMA that it refuses,
//! such as one that is sealed, or with `MREMAP_DONTUNMAP` one that has `VM_DONTEXPAND`.

use crate::plan::{
    CheckedPlan,
    Request,
    Totals, //
};

/// Makes a plan that nothing has checked.
pub fn unchecked(request: Request) -> CheckedPlan {
    CheckedPlan {
        request,
        totals: Totals::default(),
        ends: [0..0, 0..0],
        only_run: None,
        last_end: 0,
    }
}
