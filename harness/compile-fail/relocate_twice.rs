// SPDX-License-Identifier: GPL-2.0

//! error: E0382
//!
//! VMAs are relocated once: from then on they are linked at both places.

use crate::{
    batch::vmas::RelocateVmas,
    ffi, //
};
use kernel::prelude::*;

/// Relocates what has been relocated.
pub fn twice(vmas: RelocateVmas<'_, '_>) -> Result {
    ffi::relocate(vmas, None)?;
    ffi::relocate(vmas, None)
}
