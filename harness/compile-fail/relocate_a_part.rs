// SPDX-License-Identifier: GPL-2.0

//! error: E0308
//!
//! A VMA of which a part moves is copied: all of it would be relocated.

use crate::{
    batch::vmas::CopyVma,
    ffi, //
};
use kernel::prelude::*;

/// Relocates what is to be copied.
pub fn part(vma: CopyVma<'_, '_>) -> Result {
    ffi::relocate(vma, None)
}
