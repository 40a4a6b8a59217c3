// SPDX-License-Identifier: GPL-2.0

//! A memory cgroup for this process, joined before it has memory to charge.

use anyhow::{
    ensure,
    Context,
    Result, //
};
use std::{
    fs,
    io,
    path::{
        Path,
        PathBuf, //
    },
    process, //
};

/// Where cgroup2 is mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// A group that this process is alone in. Dropping it leaves and removes the group.
pub struct Cgroup {
    path: PathBuf,
    /// How many bytes were charged when everything was set up.
    pub charged: u64,
}

impl Cgroup {
    /// Makes a group and joins it.
    pub fn join() -> Result<Self> {
        let controllers = fs::read_to_string(format!("{ROOT}/cgroup.controllers"))
            .with_context(|| format!("no cgroup2 at {ROOT}"))?;

        ensure!(controllers.contains("memory"), "no memory cgroups");
        fs::write(format!("{ROOT}/cgroup.subtree_control"), "+memory")
            .with_context(|| format!("{ROOT}/cgroup.subtree_control"))?;

        let group = Path::new(ROOT).join(format!("stress-{}", process::id()));
        fs::create_dir(&group).with_context(|| group.display().to_string())?;
        let cgroup = Cgroup {
            path: group,
            charged: 0,
        };
        cgroup.write("cgroup.procs", process::id())?;
        Ok(cgroup)
    }

    /// Takes down what is charged by now.
    pub fn set_up(&mut self) -> Result<()> {
        self.charged = self.read("memory.current")?;
        Ok(())
    }

    /// Reads a file of one number.
    pub fn read(&self, file: &str) -> Result<u64> {
        let text = fs::read_to_string(self.path.join(file)).with_context(|| file.to_owned())?;

        Ok(text.trim().parse()?)
    }

    /// Writes a file.
    pub fn write(&self, file: &str, value: impl ToString) -> io::Result<()> {
        fs::write(self.path.join(file), value.to_string())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // What fails here leaves an empty group behind, which does no harm.
        let _ = fs::write(format!("{ROOT}/cgroup.procs"), process::id().to_string());
        let _ = fs::remove_dir(&self.path);
    }
}
