//! What a move costs. On an emulated CPU that counts instructions, a nanosecond of the guest's
//! clock is one instruction.

use crate::{mremap, region::page, NEW, OLD};
use anyhow::{ensure, Result};
use std::time::{Duration, Instant};

/// How many mappings are moved, of a page each.
const SEGMENTS: usize = 1000;

/// Maps a page for each segment, alternately writable and read-only, all written to.
fn make(start: usize) -> Result<()> {
    let len = SEGMENTS * page();
    // SAFETY: The range is nobody else's, and nothing is replaced.
    let ret = unsafe {
        libc::mmap(
            start as *mut _,
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE,
            -1,
            0,
        )
    };
    ensure!(ret as usize == start, "mmap failed");

    for number in 0..SEGMENTS {
        let addr = start + number * page();
        // SAFETY: The page was just mapped, and may be written; nobody does so afterwards.
        let ret = unsafe {
            (addr as *mut usize).write(number);
            match number % 2 {
                0 => libc::mprotect(addr as *mut _, page(), libc::PROT_READ),
                _ => 0,
            }
        };
        ensure!(ret == 0, "mprotect failed");
    }
    Ok(())
}

/// Moves there and back, and returns how many nanoseconds each segment took, there.
///
/// What the kernel frees of the last move when nobody waits for it must not be counted.
fn measure(by: fn() -> Result<()>) -> Result<f64> {
    std::thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    by()?;
    let took = start.elapsed();

    mremap(NEW, SEGMENTS * page(), OLD)?;
    Ok(took.as_nanos() as f64 / SEGMENTS as f64)
}

fn one_call() -> Result<()> {
    Ok(mremap(OLD, SEGMENTS * page(), NEW)?)
}

fn a_call_each() -> Result<()> {
    for number in 0..SEGMENTS {
        let offset = number * page();
        mremap(OLD + offset, page(), NEW + offset)?;
    }
    Ok(())
}

/// Prints the cost of both ways, three times.
pub fn run() -> Result<()> {
    make(OLD)?;
    for _ in 0..3 {
        let (each, one) = (measure(a_call_each)?, measure(one_call)?);
        println!(
            "| {SEGMENTS} segments of a page: {each:.0} instructions each by a call for each, \
             {one:.0} by one call: {:.2} times less",
            each / one
        );
    }
    Ok(())
}
