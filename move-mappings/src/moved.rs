// SPDX-License-Identifier: GPL-2.0

//! What came of a move.

/// How a range was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// One call moved all of it, in one step under the lock of the address space. Where there is
    /// but one mapping, this is so on every kernel.
    OneCall,
    /// Several mappings were moved one after another. Other threads may have seen some of them at the new
    /// place and the others at the old one.
    ByMapping {
        /// How many mappings had a call of their own.
        calls: usize,
    },
}
