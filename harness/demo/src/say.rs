// SPDX-License-Identifier: GPL-2.0

//! Lines for people to read. Each begins with a bar, by which others find them on a console.

/// Prints such a line.
macro_rules! say {
    ($($text:tt)*) => { println!("| {}", format_args!($($text)*)) };
}

pub(crate) use say;
