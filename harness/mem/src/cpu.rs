// SPDX-License-Identifier: GPL-2.0

//! Where threads run.

use crate::checked;
use std::io;

/// Keeps the calling thread, and what it starts from here on, on one CPU.
pub fn stay_on(cpu: usize) -> io::Result<()> {
    // SAFETY: All zeroes is an empty set, to which the CPU is added.
    let ret = unsafe {
        let mut cpus: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut cpus);
        libc::sched_setaffinity(0, size_of_val(&cpus), &cpus)
    };
    checked(ret).map(drop)
}
