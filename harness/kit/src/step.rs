// SPDX-License-Identifier: GPL-2.0

//! Long steps: run a command with its output in a log, and say how it goes.

use crate::paths::Paths;
use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};
use std::{
    fs::File,
    io::{
        BufRead,
        BufReader,
        Seek,
        SeekFrom,
        Write, //
    },
    path::PathBuf,
    process::{
        Command,
        Output,
        Stdio, //
    },
    time::{
        Duration,
        Instant, //
    }, //
};
use wait_timeout::ChildExt;

/// Disk space that a build from nothing takes.
const DISK_NEEDED: u64 = 8 << 30;

/// Keeps others from building in this checkout at the same time, until it is dropped and all commands
/// that were started meanwhile have ended: a build goes on if only this program is killed.
pub fn lock(paths: &Paths) -> Result<File> {
    let path = paths.build.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;

    if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!("another build is at work in this checkout: wait until it has ended");
    }
    // Commands inherit the lock.
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty())?;
    Ok(file)
}

/// Refuses to start what would fill the disk.
pub fn check_disk(paths: &Paths) -> Result<()> {
    let stat = rustix::fs::statvfs(&paths.build)?;
    let free = stat.f_bavail * stat.f_frsize;

    ensure!(
        free >= DISK_NEEDED || paths.checkout.is_dir(),
        "{} has {} MiB free, a build from nothing needs {} MiB: make room",
        paths.build.display(),
        free >> 20,
        DISK_NEEDED >> 20
    );
    Ok(())
}

/// A command that takes a while.
pub struct Step<'a> {
    paths: &'a Paths,
    name: &'a str,
    log: PathBuf,
    /// How many lines it is known to print, if that is not what it printed last time.
    expected: Option<usize>,
}

impl<'a> Step<'a> {
    /// A step called `name`, whose output goes to a log of that name.
    pub fn new(paths: &'a Paths, name: &'a str) -> Self {
        let log = paths.logs.join(format!("{}.log", name.replace(' ', "-")));

        Step {
            paths,
            name,
            log,
            expected: None,
        }
    }

    /// Sets how many lines it will print, if that is known.
    pub fn expect(self, lines: Option<usize>) -> Self {
        Step {
            expected: lines,
            ..self
        }
    }

    /// Runs the command and says every few seconds how many lines it has printed, and for how
    /// long it has been running. Fails if the command does, with the end of its output.
    pub fn run(&self, command: &mut Command) -> Result<()> {
        self.paths.times.of(self.name, || self.watch(command))
    }

    fn watch(&self, command: &mut Command) -> Result<()> {
        let start = Instant::now();
        let log = File::create(&self.log)
            .with_context(|| format!("cannot write {}", self.log.display()))?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot run {:?}", command.get_program()))?;
        let expected = self.expected_lines();
        let mut tail = BufReader::new(File::open(&self.log)?);
        let mut lines = 0;

        let status = loop {
            if let Some(status) = child.wait_timeout(Duration::from_secs(10))? {
                break status;
            }
            let mut line = Vec::new();
            while tail.read_until(b'\n', &mut line)? > 0 {
                lines += 1;
                line.clear();
            }
            let of = expected
                .filter(|&expected| lines <= expected)
                .map_or(String::new(), |n| format!(" of about {n}"));
            println!(
                "  {}: {lines}{of} steps, {} s",
                self.name,
                start.elapsed().as_secs()
            );
        };
        if !status.success() {
            bail!(self.failure()?);
        }
        std::fs::copy(&self.log, self.log.with_extension("last"))?;
        println!("  {}: done in {} s", self.name, start.elapsed().as_secs());
        Ok(())
    }

    /// How many lines the step will print: as it is known, or as many as when it last succeeded.
    fn expected_lines(&self) -> Option<usize> {
        if self.expected.is_some() {
            return self.expected;
        }
        let last = std::fs::read(self.log.with_extension("last")).ok()?;

        Some(last.iter().filter(|byte| **byte == b'\n').count())
    }

    /// What to say of a failure: the first lines that name an error, and the last ones.
    fn failure(&self) -> Result<String> {
        let text = String::from_utf8_lossy(&std::fs::read(&self.log)?).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.len().saturating_sub(4);
        let shown: Vec<&str> = lines[..last]
            .iter()
            .filter(|line| line.contains("error") || line.contains("Error"))
            .take(8)
            .chain(&lines[last..])
            .copied()
            .collect();
        let hint = if text.contains("No space left on device") {
            " (the disk is full: make room and try again)"
        } else {
            ""
        };
        Ok(format!(
            "{} failed{hint}:\n  {}\n  the whole log is {}",
            self.name,
            shown.join("\n  "),
            self.log.display()
        ))
    }
}

/// Runs a short command and returns what it prints. Fails if the command does.
pub fn output(command: &mut Command) -> Result<String> {
    let printed = filter(command, b"")?;

    Ok(String::from_utf8_lossy(&printed).into_owned())
}

/// Runs a short command that reads `input`, and returns what it prints. Fails if the command does.
pub fn filter(command: &mut Command, input: &[u8]) -> Result<Vec<u8>> {
    let out = feed(command, input)?;

    ensure!(
        out.status.success(),
        "{:?} failed: {}",
        command,
        String::from_utf8_lossy(&out.stderr).trim()
    );
    Ok(out.stdout)
}

/// Runs a short command that reads `input`, whether it succeeds or not.
pub fn feed(command: &mut Command, input: &[u8]) -> Result<Output> {
    let mut file = tempfile()?;
    file.write_all(input)?;
    file.seek(SeekFrom::Start(0))?;

    command
        .stdin(file)
        .output()
        .with_context(|| format!("cannot run {:?}", command.get_program()))
}

/// A file without a name.
fn tempfile() -> Result<File> {
    use rustix::fs::{
        open,
        Mode,
        OFlags, //
    };

    Ok(File::from(open(
        std::env::temp_dir(),
        OFlags::TMPFILE | OFlags::RDWR,
        Mode::RUSR | Mode::WUSR,
    )?))
}

#[cfg(test)]
mod tests {
    use super::lock;
    use crate::scratch::Repository;
    use std::{
        fs,
        process::Command,
        thread::sleep,
        time::Duration, //
    };

    #[test]
    fn a_command_that_goes_on_keeps_others_out() {
        let repository = Repository::new("lock");
        fs::create_dir_all(&repository.0.build).unwrap();
        let held = lock(&repository.0).unwrap();
        let mut command = Command::new("sleep").arg("60").spawn().unwrap();

        drop(held);
        assert!(lock(&repository.0).is_err());
        command.kill().unwrap();
        command.wait().unwrap();
        // Commands of other tests have inherited it as well, and end soon.
        for _ in 0..300 {
            if lock(&repository.0).is_ok() {
                return;
            }
            sleep(Duration::from_millis(100));
        }
        panic!("the lock stays");
    }
}
