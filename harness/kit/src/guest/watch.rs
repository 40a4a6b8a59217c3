// SPDX-License-Identifier: GPL-2.0

//! Running a guest to its end, and finding out whether all went well.

use super::{
    initramfs::END,
    trouble::trouble, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use rustix::process::Pid;
use std::{
    fs,
    io::{
        BufRead,
        BufReader, //
    },
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{
        Child,
        Command,
        Stdio, //
    },
    time::{
        Duration,
        Instant, //
    }, //
};
use wait_timeout::ChildExt;

/// A guest that runs. One that is dropped is killed.
pub struct Running {
    child: Child,
    name: String,
    console: PathBuf,
    start: Instant,
    limit: Duration,
}

impl Running {
    /// Starts a guest, which may run at most for `limit`. What it says goes to a file.
    pub fn start(
        mut command: Command,
        name: &str,
        console: PathBuf,
        limit: Duration,
    ) -> Result<Self> {
        let log = fs::File::create(&console)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Of its own, so that all processes of a User Mode Linux can be killed.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot run {:?}", command.get_program()))?;

        Ok(Running {
            child,
            name: name.to_owned(),
            console,
            start: Instant::now(),
            limit,
        })
    }

    /// Waits until it ends, or kills it when its time is over. Returns the console, and whether it
    /// ended. Meanwhile lines that begin with a bar may be shown.
    pub fn wait(&mut self, show: bool) -> Result<(String, bool)> {
        let mut tail = BufReader::new(fs::File::open(&self.console)?);
        let mut line = Vec::new();

        let ended = loop {
            let pause = Duration::from_millis(500);
            let ended = self.child.wait_timeout(pause)?.is_some();
            while show && tail.read_until(b'\n', &mut line)? > 0 {
                if !line.ends_with(b"\n") {
                    break;
                }
                if let Some(text) = String::from_utf8_lossy(&line).strip_prefix('|') {
                    println!("{}", text.trim_end());
                }
                line.clear();
            }
            if ended || self.start.elapsed() > self.limit {
                break ended;
            }
        };
        if !ended {
            self.kill()?;
        }
        let text = String::from_utf8_lossy(&fs::read(&self.console)?).replace('\r', "");
        Ok((text, ended))
    }

    fn kill(&mut self) -> Result<()> {
        let group = Pid::from_child(&self.child);

        rustix::process::kill_process_group(group, rustix::process::Signal::KILL)?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until it ends, and returns its console. Fails if it hangs, does not reach its end, or if
    /// its kernel complains.
    pub fn end(mut self, show: bool) -> Result<String> {
        let (console, ended) = self.wait(show)?;
        let (name, file) = (&self.name, self.console.display());
        let last = || {
            let lines: Vec<&str> = console.lines().collect();
            lines[lines.len().saturating_sub(30)..].join("\n  ")
        };

        let complaints = trouble(&console);
        ensure!(
            complaints.is_empty(),
            "the kernel complained in guest {name}:\n  {}\n  the whole console is {file}",
            complaints.join("\n  "),
        );
        ensure!(
            ended,
            "guest {name} hung and was killed after {} s:\n  {}\n  the whole console is {file}",
            self.limit.as_secs(),
            last(),
        );
        ensure!(
            console.contains(END),
            "guest {name} ended before its time:\n  {}\n  the whole console is {file}",
            last(),
        );
        Ok(console)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Nobody is left to tell.
            let _ = self.kill();
        }
    }
}
