// SPDX-License-Identifier: GPL-2.0

//! Moves a region of a thousand mappings by one `mremap()`, and shows it.
//!
//! It runs in a guest. Lines for the user start with a bar, so that they are told from the
//! kernel's own messages on the same console.

mod region;
mod strip;

use anyhow::{
    ensure,
    Result, //
};
use region::Region;
use std::time::Instant;

/// Where the region is, and where it goes.
const OLD: usize = 0x1_0000_0000;
const NEW: usize = 0x2_0000_0000;

macro_rules! say {
    ($($text:tt)*) => { println!("| {}", format_args!($($text)*)) };
}

/// Moves memory. Fails with the errno of the call.
fn mremap(old: usize, len: usize, new: usize) -> std::io::Result<()> {
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: Nothing in this program refers to memory in either range but by address.
    let ret = unsafe { libc::mremap(old as *mut _, len, len, flags, new) };

    if ret == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error());
    }
    Ok(())
}

fn main() -> Result<()> {
    let region = Region::make(OLD)?;
    let len = region.len();
    let count = strip::mappings(OLD..OLD + len)?.len();

    if std::env::args().nth(1).as_deref() == Some("off") {
        let error = mremap(OLD, len, NEW).expect_err("the feature is turned off");
        say!("");
        say!("the same call with mremap_range=off on the kernel command line:");
        say!("  mremap({OLD:#x}, {len:#x}, {len:#x}, MAYMOVE | FIXED, {NEW:#x}) = {error}");
        ensure!(
            error.raw_os_error() == Some(libc::EFAULT),
            "expected EFAULT"
        );
        return Ok(());
    }

    say!(
        "a region of {count} mappings, {} pages:",
        len / region::page()
    );
    say!("");
    strip::draw(OLD..OLD + len)?;
    let start = Instant::now();
    mremap(OLD, len, NEW)?;
    let took = start.elapsed();
    say!("");
    say!("mremap({OLD:#x}, {len:#x}, {len:#x}, MAYMOVE | FIXED, {NEW:#x})");
    say!(
        "  = {NEW:#x}, in {} us of the guest's time",
        took.as_micros()
    );
    say!("");
    strip::draw(NEW..NEW + len)?;
    say!("");
    let left = strip::mappings(OLD..OLD + len)?.len();
    let arrived = strip::mappings(NEW..NEW + len)?.len();
    let wrong = region.count_wrong(NEW);
    say!("{arrived} mappings arrived, {left} were left behind");
    say!(
        "{} pages carry the bytes that were written to them, {wrong} do not",
        region.pages() - wrong
    );
    ensure!(
        left == 0 && arrived == count && wrong == 0,
        "the move went wrong"
    );
    Ok(())
}
