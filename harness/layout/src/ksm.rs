// SPDX-License-Identifier: GPL-2.0

//! Letting KSM merge pages.

use anyhow::{
    ensure,
    Context,
    Result, //
};
use std::{
    fs,
    thread::sleep,
    time::{
        Duration,
        Instant, //
    }, //
};

const KSM: &str = "/sys/kernel/mm/ksm";

/// How KSM is to work: at once, without leaving out what it could not merge before.
const SETTINGS: [(&str, &str); 3] = [
    ("sleep_millisecs", "0"),
    ("pages_to_scan", "100000"),
    ("smart_scan", "0"),
];

/// After so many scans equal pages are merged: the first may be half of one, the second sees that
/// pages do not change, the third merges them.
const SCANS: u64 = 3;

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn set(name: &str, value: &str) -> Result<()> {
    let path = format!("{KSM}/{name}");
    fs::write(&path, value).context(path)
}

fn scans() -> Result<u64> {
    let path = format!("{KSM}/full_scans");
    let text = fs::read_to_string(&path).context(path)?;
    Ok(text.trim().parse()?)
}

/// Lets KSM work until equal pages are merged. It does not work before or after that.
pub fn merge() -> Result<()> {
    for (name, value) in SETTINGS {
        set(name, value)?;
    }
    let first = scans()?;

    set("run", "1")?;
    let waited = wait_for(first + SCANS);
    set("run", "0")?;
    waited
}

/// Waits until KSM has made so many scans.
fn wait_for(count: u64) -> Result<()> {
    let start = Instant::now();

    while scans()? < count {
        ensure!(start.elapsed() < PATIENCE, "KSM does not get on");
        sleep(Duration::from_millis(1));
    }
    Ok(())
}
