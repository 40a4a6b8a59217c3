// SPDX-License-Identifier: GPL-2.0

//! Where threads run.

use crate::checked;
use std::io;

fn set(cpus: &libc::cpu_set_t) -> io::Result<()> {
    // SAFETY: The set is ours, and only read.
    checked(unsafe { libc::sched_setaffinity(0, size_of_val(cpus), cpus) }).map(drop)
}

fn only(cpu: usize) -> libc::cpu_set_t {
    // SAFETY: All zeroes is an empty set, to which the CPU is added.
    unsafe {
        let mut cpus: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut cpus);
        cpus
    }
}

/// Keeps the calling thread, and what it starts from here on, on one CPU.
pub fn stay_on(cpu: usize) -> io::Result<()> {
    set(&only(cpu))
}

/// Runs the calling thread on each CPU that it may run on, and leaves it on any of them. A CPU that
/// was idle keeps the address space of the process that ran there last, even if that has ended.
pub fn visit_all() -> io::Result<()> {
    // SAFETY: All zeroes is an empty set, which the kernel fills.
    let allowed = unsafe {
        let mut cpus: libc::cpu_set_t = std::mem::zeroed();
        checked(libc::sched_getaffinity(0, size_of_val(&cpus), &mut cpus))?;
        cpus
    };

    for cpu in 0..libc::CPU_SETSIZE as usize {
        // SAFETY: The number is one that the set has room for.
        if unsafe { libc::CPU_ISSET(cpu, &allowed) } {
            stay_on(cpu)?;
        }
    }
    set(&allowed)
}

#[cfg(test)]
mod tests {
    use super::visit_all;
    use std::thread::available_parallelism;

    #[test]
    fn after_a_visit_it_may_run_where_it_might_before() {
        let before = available_parallelism().unwrap();

        visit_all().unwrap();
        assert_eq!(available_parallelism().unwrap(), before);
    }
}
