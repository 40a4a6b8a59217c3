//! What antagonists get done, by the kernel's own counts: one that acts may get nowhere.

use anyhow::{Context, Result};
use std::fs;

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
pub struct Effects([u64; COUNTS.len()]);

fn count(name: &str, file: &'static str) -> Result<u64> {
    let text = fs::read_to_string(file).context(file)?;

    // A kernel may lack what counts, and then also what is counted.
    Ok(text
        .lines()
        .filter_map(|line| line.split_once([':', ' ']))
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| value.split_whitespace().next()?.parse().ok())
        .unwrap_or(0))
}

impl Effects {
    pub fn now() -> Result<Self> {
        let mut counts = [0; COUNTS.len()];

        for (number, (_, name, file)) in counts.iter_mut().zip(COUNTS) {
            *number = count(name, file)?;
        }
        Ok(Effects(counts))
    }

    /// Tells what has grown since `before`. Returns the antagonists among `names` that got nowhere.
    pub fn idle(&self, before: &Effects, names: &[&str]) -> Vec<&'static str> {
        let mut idle = Vec::new();

        for (index, (antagonist, name, _)) in COUNTS.into_iter().enumerate() {
            let grown = self.0[index].saturating_sub(before.0[index]);
            if names.contains(&antagonist) {
                println!("| {antagonist:16} {name} has grown by {grown}");
                if grown == 0 && antagonist != COLLAPSES {
                    idle.push(antagonist);
                }
            }
        }
        idle
    }
}
