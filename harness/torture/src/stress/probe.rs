// SPDX-License-Identifier: GPL-2.0

//! Uprobes, by tracefs.

use anyhow::{
    Context,
    Result, //
};
use std::{
    fs::{
        self,
        File, //
    },
    io::{
        self,
        Write, //
    },
    os::fd::{
        AsFd,
        AsRawFd, //
    },
    path::{
        Path,
        PathBuf, //
    },
    process, //
};

/// Where tracefs may be mounted. The second place mounts it by itself.
const TRACEFS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// A probe at a place of a file, in all processes that map it. Dropping it removes it.
pub struct Probe {
    tracefs: PathBuf,
    /// The name of its event. There is one at a time with this name.
    name: String,
}

impl Probe {
    /// Makes a probe. It does nothing before it is enabled.
    pub fn make(file: &File, offset: usize) -> Result<Self> {
        let tracefs = TRACEFS
            .iter()
            .map(Path::new)
            .find(|path| path.join("uprobe_events").exists())
            .with_context(|| format!("no uprobes at {}", TRACEFS.join(" or ")))?;
        let probe = Probe {
            tracefs: tracefs.to_owned(),
            name: format!("stress/code_{}", process::id()),
        };
        let fd = file.as_fd().as_raw_fd();

        probe
            .command(&format!(
                "p:{} /proc/{}/fd/{fd}:{offset:#x}",
                probe.name,
                process::id()
            ))
            .context("making a uprobe")?;
        Ok(probe)
    }

    fn command(&self, command: &str) -> io::Result<()> {
        File::options()
            .append(true)
            .open(self.tracefs.join("uprobe_events"))?
            .write_all(command.as_bytes())
    }

    fn set(&self, value: &str) -> io::Result<()> {
        fs::write(
            self.tracefs.join("events").join(&self.name).join("enable"),
            value,
        )
    }

    /// Puts breakpoints where the place is mapped. When it returns, they are there.
    pub fn enable(&self) -> io::Result<()> {
        self.set("1")
    }

    /// Takes the breakpoints away. When it returns, they are gone.
    pub fn disable(&self) -> io::Result<()> {
        self.set("0")
    }

    /// How often it was hit.
    pub fn hits(&self) -> Result<u64> {
        let profile = fs::read_to_string(self.tracefs.join("uprobe_profile"))?;
        let event = self.name.rsplit('/').next();

        // A line has the file, the event without its group, and the number.
        profile
            .lines()
            .map(|line| line.split_whitespace().rev())
            .find_map(|mut words| {
                let hits = words.next()?;
                (words.next() == event).then(|| hits.parse().ok())?
            })
            .context("uprobe_profile does not have the event")
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // An event that stays behind does no harm, except for its name.
        let _ = self.disable();
        let _ = self.command(&format!("-:{}", self.name));
    }
}
