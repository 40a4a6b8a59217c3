// SPDX-License-Identifier: GPL-2.0

//! What the kernel counts late, and how it comes to count it at once.

use crate::{
    arena::PAGE,
    sys, //
};
use mem::cpu;
use std::{
    fs::{
        File,
        OpenOptions, //
    },
    io::{
        Result,
        Write, //
    },
    thread::{
        available_parallelism,
        yield_now, //
    }, //
};

/// Writing to it waits until RCU has freed what was handed to it. Only root may.
const RCU_BARRIER: &str = "/sys/module/rcutree/parameters/do_rcu_barrier";

/// So many changes in a memory cgroup a CPU keeps to itself, and so many for each CPU have to come
/// together before a reader of memory.stat sees any (`memcg_vmstats_needs_flush()`).
const KEPT: usize = 64;

/// How many task switches free page tables on a kernel for one CPU: two, and some to be sure.
const SWITCHES: usize = 8;

/// Makes the kernel count what it has put off.
pub struct Late {
    barrier: Option<File>,
    /// Memory that is touched for nothing but to be counted.
    scratch: Option<Vec<u8>>,
}

impl Late {
    /// What this takes is allocated here, not when something is measured. `group` says whether there
    /// is a memory cgroup to look at.
    pub fn new(group: bool) -> Self {
        let cpus = available_parallelism().map_or(1, usize::from);
        // Each page is counted when it is touched and when it is given back, except those at the
        // ends, which stay.
        let scratch = group.then(|| vec![0; (2 * KEPT * cpus + 4) * PAGE]);

        Late {
            barrier: OpenOptions::new().write(true).open(RCU_BARRIER).ok(),
            scratch,
        }
    }

    /// Waits until page tables that are not used any more are no longer counted. Kernels that walk
    /// them without locks free them by RCU, and an idle CPU keeps the top one of a process that has
    /// ended. Without the right to wait, they differ in the end.
    pub fn free_tables(&mut self) {
        let _ = cpu::visit_all();
        match &mut self.barrier {
            Some(barrier) => {
                let _ = barrier.write_all(b"1");
            }
            // Kernels for one CPU have another RCU: a task switch ends what it waits for, and a
            // thread of the kernel then frees.
            None => (0..SWITCHES).for_each(|_| yield_now()),
        }
    }

    /// Makes the next reader of memory.stat see all that has changed in the cgroup, by so many
    /// changes more.
    pub fn count_group(&mut self) -> Result<()> {
        let Some(scratch) = &mut self.scratch else {
            return Ok(());
        };

        for page in scratch.chunks_mut(PAGE) {
            page[0] = 1;
        }
        // A page table that nothing is left in would be freed.
        let end = scratch.len() - PAGE;
        sys::give_back(&mut scratch[PAGE..end])
    }
}
