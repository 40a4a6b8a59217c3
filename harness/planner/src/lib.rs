// SPDX-License-Identifier: GPL-2.0

//! The planner of the kernel, built from the same file, and what must hold of it for any layout.

#![cfg(test)]

#[path = "../../../mm/mremap_range/plan.rs"]
mod plan;

mod layout;
mod properties;
mod refusals;
mod requests;
mod rounded;
