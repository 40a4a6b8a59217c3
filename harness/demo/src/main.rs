// SPDX-License-Identifier: GPL-2.0

//! Moves a region of a thousand mappings by one `mremap()`, and shows it.
//!
//! It runs in a guest. Lines for the user start with a bar, so that they are told from the
//! kernel's own messages on the same console.

mod call;
mod refusal;
mod region;
mod say;
mod strip;

use anyhow::{
    bail,
    ensure,
    Result, //
};
use call::{
    mremap,
    range_moves, //
};
use region::Region;
use say::say;
use std::time::Instant;

/// Where the region is, and where it goes.
const OLD: usize = 0x1_0000_0000;
const NEW: usize = 0x2_0000_0000;

/// Says how much of the region has arrived, and expects all of it.
fn look(region: &Region, count: usize, how: &str) -> Result<()> {
    let len = region.len();
    let left = strip::mappings(OLD..OLD + len)?.len();
    let arrived = strip::mappings(NEW..NEW + len)?.len();
    let wrong = region.count_wrong(NEW);

    say!("{arrived} mappings arrived{how}, {left} were left behind");
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

/// Moves the region by one call, which the kernel has to count as a move in one step: one after the
/// other they would arrive as well.
fn show(region: &Region) -> Result<()> {
    let len = region.len();
    let count = strip::mappings(OLD..OLD + len)?.len();

    say!(
        "a region of {count} mappings, {} pages:",
        len / region::page()
    );
    say!("");
    strip::draw(OLD..OLD + len)?;
    let before = range_moves()?;
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
    ensure!(
        range_moves()? > before,
        "the kernel does not count it as a move in one step"
    );
    look(region, count, "")
}

/// Makes the same call where moves of several mappings are turned off: it is refused, or the base
/// kernel's own way to move them is taken.
fn show_off(region: &Region) -> Result<()> {
    let len = region.len();
    let count = strip::mappings(OLD..OLD + len)?.len();
    let before = range_moves()?;
    let moved = mremap(OLD, len, NEW);

    say!("");
    say!("the same call with mremap_range=off on the kernel command line:");
    match moved {
        Err(error) => {
            say!("  mremap({OLD:#x}, {len:#x}, {len:#x}, MAYMOVE | FIXED, {NEW:#x}) = {error}");
            ensure!(
                error.raw_os_error() == Some(libc::EFAULT),
                "expected EFAULT"
            );
            Ok(())
        }
        Ok(()) => {
            say!("  mremap({OLD:#x}, {len:#x}, {len:#x}, MAYMOVE | FIXED, {NEW:#x}) = {NEW:#x}");
            ensure!(
                range_moves()? == before,
                "the kernel counts it as a move in one step"
            );
            look(region, count, ", one after the other")
        }
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let region = Region::make(OLD)?;

    match words[..] {
        [] => show(&region),
        ["off"] => show_off(&region),
        ["refused"] => refusal::show(&region, false),
        ["refused", "off"] => refusal::show(&region, true),
        _ => bail!("usage: demo [refused] [off]"),
    }
}
