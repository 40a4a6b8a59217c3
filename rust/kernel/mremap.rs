// SPDX-License-Identifier: GPL-2.0

//! Moves of mappings, several of them as one.
//!
//! [`LockedMm::transfer()`](crate::mm::LockedMm::transfer) begins a move and ends it. In between
//! there is a [`Transfer`], which takes mappings across one after the other, and takes everything
//! back when one of them fails.
//!
//! C headers: `mm/mremap.h`, `mm/vma.h`, `mm/internal.h`

mod checks;
mod group;
mod left;
mod rmap;
mod steps;
mod transfer;

pub use checks::moves_tables;
pub use group::{RMAP_HOLD_BYTES, RMAP_HOLD_TABLES};
pub use left::Left;
pub use transfer::{Brought, Transfer, Way};
