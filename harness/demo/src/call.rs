// SPDX-License-Identifier: GPL-2.0

//! The system calls of the demonstration, at addresses that nothing in this program refers to.

use anyhow::{
    ensure,
    Context,
    Result, //
};
use std::{
    fs,
    io, //
};

/// Moves memory. Fails with the errno of the call.
pub fn mremap(old: usize, len: usize, new: usize) -> io::Result<()> {
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: Nothing in this program refers to memory in either range but by address.
    let ret = unsafe { libc::mremap(old as *mut _, len, len, flags, new) };

    if ret == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Seals mapped memory: it can be neither moved nor unmapped from here on.
pub fn seal(start: usize, len: usize) -> Result<()> {
    // SAFETY: It changes what may be done to memory, not the memory.
    let ret = unsafe { libc::syscall(libc::SYS_mseal, start, len, 0_usize) };

    ensure!(ret == 0, "mseal: {}", io::Error::last_os_error());
    Ok(())
}

/// How many moves of several mappings the kernel has made in one step, of all processes.
pub fn range_moves() -> Result<u64> {
    let text = fs::read_to_string("/proc/vmstat")?;
    let count = |line: &str| line.strip_prefix("mremap_range ")?.parse().ok();

    text.lines()
        .find_map(count)
        .context("/proc/vmstat does not count moves of several mappings")
}
