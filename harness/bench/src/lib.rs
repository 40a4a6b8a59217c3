// SPDX-License-Identifier: GPL-2.0

//! What moves cost: the cases that are measured, and what is said of them.

pub mod case;
pub mod cases;
pub mod figure;
pub mod line;
pub mod results;
