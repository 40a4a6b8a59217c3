// SPDX-License-Identifier: GPL-2.0

//! What antagonists get done, by the kernel's own counts or by theirs: one that acts may get nowhere.

use crate::say::say;
use anyhow::{
    Context,
    Result, //
};
use layout::counter;
use std::{
    fs,
    sync::atomic::{
        AtomicU64,
        Ordering, //
    }, //
};

/// An antagonist, a count that grows when it gets somewhere, and the file that has the count.
///
/// Pages that `madvise()` collapses are counted as well, but it may need more luck than a short run
/// on a slow machine has.
const COUNTS: [(&str, &str, &str); 5] = [
    ("reclaim", "pswpout", "/proc/vmstat"),
    ("migrate", "pgmigrate_success", "/proc/vmstat"),
    ("ksm", "cow_ksm", "/proc/vmstat"),
    ("offline", "HardwareCorrupted", "/proc/meminfo"),
    (COLLAPSES, "thp_collapse_alloc", "/proc/vmstat"),
];
const COLLAPSES: &str = "madvise";

/// The counts at one time.
pub struct Effects([i64; COUNTS.len()]);

impl Effects {
    pub fn now() -> Result<Self> {
        let mut counts = [0; COUNTS.len()];

        for (number, (_, name, file)) in counts.iter_mut().zip(COUNTS) {
            let text = fs::read_to_string(file).context(file)?;
            // A kernel may lack what counts, and then also what is counted.
            *number = counter(&text, name).unwrap_or(0);
        }
        Ok(Effects(counts))
    }

    /// Tells what has grown since `before`. Returns the antagonists among `names` that got nowhere.
    pub fn idle(&self, before: &Effects, names: &[&str]) -> Vec<&'static str> {
        let mut idle = Vec::new();

        for (index, (antagonist, name, _)) in COUNTS.into_iter().enumerate() {
            let grown = (self.0[index] - before.0[index]).max(0);
            if names.contains(&antagonist) {
                say!("{antagonist:16} {name} has grown by {grown}");
                if grown == 0 && antagonist != COLLAPSES {
                    idle.push(antagonist);
                }
            }
        }
        idle
    }
}

/// Antagonists that count themselves what they get done, and what that is.
const OWN: [(&str, &str); 9] = [
    ("procmap_query", "walks judged"),
    ("coredump", "core files read"),
    ("collapse", "ranges collapsed"),
    ("seal", "moves refused"),
    ("uprobe", "hits"),
    ("perf", "mappings reported"),
    ("futex", "waiters woken"),
    ("io_uring", "transfers"),
    ("userfaultfd", "pages filled"),
];

/// What antagonists have counted.
#[derive(Default)]
pub struct Gains([AtomicU64; OWN.len()]);

impl Gains {
    /// Counts what an antagonist got done.
    pub fn add(&self, name: &str, count: u64) {
        let index = OWN.iter().position(|(antagonist, _)| *antagonist == name);

        self.0[index.expect("an antagonist that counts")].fetch_add(count, Ordering::Relaxed);
    }

    /// Tells what was counted. Returns the antagonists among `names` that got nowhere.
    pub fn idle(&self, names: &[&str]) -> Vec<&'static str> {
        let mut idle = Vec::new();

        for ((antagonist, what), count) in OWN.into_iter().zip(&self.0) {
            let count = count.load(Ordering::Relaxed);
            if names.contains(&antagonist) {
                say!("{antagonist:16} {count} {what}");
                if count == 0 {
                    idle.push(antagonist);
                }
            }
        }
        idle
    }
}
