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

/// A guest whose kernel has complained, and that says nothing for so long, is stuck. It has failed
/// already, so its whole time is not waited for.
const SILENCE: Duration = Duration::from_secs(60);

/// A guest that says more than that, in bytes, will not come to an end: no test says a tenth of it.
const FLOOD: u64 = 64 << 20;

/// A guest that runs. One that is dropped is killed.
pub struct Running {
    child: Child,
    name: String,
    console: PathBuf,
    start: Instant,
    limit: Duration,
    silence: Duration,
    flood: u64,
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
            silence: SILENCE,
            flood: FLOOD,
        })
    }

    /// Waits until it ends, or kills it when its time is over or it says too much. Returns the
    /// console, and whether it ended. Meanwhile lines that begin with a bar may be shown.
    pub fn wait(&mut self, show: bool) -> Result<(String, bool)> {
        let mut tail = BufReader::new(fs::File::open(&self.console)?);
        let mut line = Vec::new();
        let mut length = 0;
        let mut heard = Instant::now();

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

            let now = self.length()?;
            if now > self.flood {
                break false;
            }
            if now != length {
                (length, heard) = (now, Instant::now());
            } else if heard.elapsed() > self.silence {
                if !trouble(&self.said()?).is_empty() {
                    break false;
                }
                heard = Instant::now();
            }
        };
        if !ended {
            self.kill()?;
        }
        Ok((self.said()?, ended))
    }

    /// The console up to now.
    fn said(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(&self.console)?).replace('\r', ""))
    }

    /// How much it has said, in bytes.
    fn length(&self) -> Result<u64> {
        Ok(fs::metadata(&self.console)?.len())
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
        let too_much = self.length()? > self.flood;
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
            "guest {name} {} and was killed after {} s:\n  {}\n  the whole console is {file}",
            if too_much { "said too much" } else { "hung" },
            self.start.elapsed().as_secs(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Repository;

    /// Starts a shell in place of a machine, for a minute at most.
    fn start(script: &str, name: &str) -> (Repository, Running) {
        let repository = Repository::new(name);
        let console = repository.0.top.join("console");
        let mut shell = Command::new("sh");

        fs::create_dir_all(&repository.0.top).unwrap();
        shell.args(["-c", script]);
        let running = Running::start(shell, name, console, Duration::from_secs(60)).unwrap();
        (repository, running)
    }

    #[test]
    fn a_guest_that_complains_and_falls_silent_is_killed() {
        let (_repository, mut running) = start("echo Oops; sleep 60", "stuck");
        running.silence = Duration::from_secs(1);
        let (text, ended) = running.wait(false).unwrap();

        assert_eq!((text.as_str(), ended), ("Oops\n", false));
        assert!(running.start.elapsed() < running.limit);
    }

    #[test]
    fn a_guest_that_says_too_much_is_killed() {
        let (_repository, mut running) = start("seq 1000; sleep 60", "flood");
        running.flood = 1000;
        let error = running.end(false).unwrap_err().to_string();

        assert!(error.starts_with("guest flood said too much and was killed"));
    }

    #[test]
    fn a_guest_that_is_only_silent_may_go_on() {
        let (_repository, mut running) = start("echo fine; sleep 3; echo end", "silent");
        running.silence = Duration::from_secs(1);
        let (text, ended) = running.wait(false).unwrap();

        assert_eq!((text.as_str(), ended), ("fine\nend\n", true));
    }
}
