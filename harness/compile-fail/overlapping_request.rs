// SPDX-License-Identifier: GPL-2.0

//! error: E0451
//!
//! A request is checked when it is made: nothing moves a range over itself.

use crate::plan::Request;

/// Makes a request whose ends overlap.
pub fn overlapping(old: usize) -> Request {
    Request {
        old,
        new: old + 0x1000,
        len: 0x2000,
        dontunmap: false,
    }
}
