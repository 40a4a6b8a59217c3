// SPDX-License-Identifier: GPL-2.0

//! What a run has left behind in the machine.

use layout::counter;
use std::fs;

/// Counts of pages in use, by the file that has them. The second is there if cgroup2 is mounted
/// with the memory controller.
const COUNTS: [(&str, &[&str]); 2] = [
    (
        "/proc/vmstat",
        &[
            "nr_page_table_pages",
            "nr_anon_pages",
            "nr_mapped",
            "nr_shmem",
            "nr_mlock",
        ],
    ),
    (
        "/sys/fs/cgroup/memory.stat",
        &["anon", "file", "shmem", "pagetables"],
    ),
];

/// Reading it brings the counts of all CPUs together.
const REFRESH: &str = "/proc/sys/vm/stat_refresh";

/// What the machine has in use that should not grow: names and counts.
pub struct InUse(Vec<(String, i64)>);

impl InUse {
    pub fn now() -> Self {
        // Who may not refresh them has to do with what there is.
        let _ = fs::read(REFRESH);
        let mut all = Vec::new();

        for (file, names) in COUNTS {
            let text = fs::read_to_string(file).unwrap_or_default();
            let counts = names.iter().filter_map(|name| {
                counter(&text, name).map(|count| (format!("{name} of {file}"), count))
            });
            all.extend(counts);
        }
        let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
        all.push((
            "System V segments".to_owned(),
            segments.lines().count() as i64,
        ));
        InUse(all)
    }

    /// What there is far more of than before, given how many layouts were moved meanwhile.
    ///
    /// A leak in one layout of four shows. Less than that is what machines do by themselves.
    pub fn growth(&self, before: &InUse, layouts: usize) -> Vec<String> {
        let pages = 512 + layouts as i64 / 4;

        self.0
            .iter()
            .zip(&before.0)
            .filter_map(|((name, now), (_, then))| {
                // The counts of a cgroup are in bytes.
                let unit = if name.contains("cgroup") { 4096 } else { 1 };
                let grown = (now - then) / unit;
                (grown > pages).then(|| format!("{name} has grown by {grown} pages"))
            })
            .collect()
    }
}
