// SPDX-License-Identifier: GPL-2.0

//! What has moved, for the functions that complete a move or roll it back. Only the parent module
//! makes these values, which knows what has moved.

use core::ops::Range;

/// A run whose VMAs have their pages at another place.
///
/// # Invariants
///
/// Each VMA that is linked in `range` has been relocated, is one whose pages have moved to a copy,
/// or is a copy whose pages have moved back. Without `copies` all have been relocated. No VMA lies
/// across an end of `range`.
pub(crate) struct Vacated {
    range: Range<usize>,
    copies: bool,
}

impl Vacated {
    pub(super) fn new(range: Range<usize>, copies: bool) -> Self {
        Vacated { range, copies }
    }

    /// Returns its addresses.
    pub(crate) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Returns whether there may be VMAs in it that have not been relocated.
    pub(crate) fn copies(&self) -> bool {
        self.copies
    }
}

/// A part of a source that stays mapped with `MREMAP_DONTUNMAP`, and is to be completed.
///
/// # Invariants
///
/// Each VMA that is linked in `range` has been relocated, or its pages in `range` have moved to a
/// copy. No part of `range` is complete, and the move has charged for it.
pub(crate) struct Emptied {
    range: Range<usize>,
}

impl Emptied {
    pub(super) fn new(range: Range<usize>) -> Self {
        Emptied { range }
    }

    /// Returns its addresses.
    pub(crate) fn range(&self) -> Range<usize> {
        self.range.clone()
    }
}

/// VMAs that have moved, and are to merge.
///
/// # Invariants
///
/// `range` consists of whole VMAs that have moved there. They, and the VMAs that they are to merge
/// with, are linked at one place only.
pub(crate) struct Merge {
    range: Range<usize>,
    with_prev: bool,
    with_next: bool,
}

impl Merge {
    pub(super) fn new(range: Range<usize>, with_prev: bool, with_next: bool) -> Self {
        Merge {
            range,
            with_prev,
            with_next,
        }
    }

    /// Returns their addresses.
    pub(crate) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Returns whether the first merges with the VMA before it.
    pub(crate) fn with_prev(&self) -> bool {
        self.with_prev
    }

    /// Returns whether the last merges with the VMA after it.
    pub(crate) fn with_next(&self) -> bool {
        self.with_next
    }
}
