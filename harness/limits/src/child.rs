//! Processes: one for each check, and those that a check needs.

use anyhow::{bail, ensure, Context, Result};
use mem::checked;
use std::{
    io::{pipe, Read, Write},
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    time::{Duration, Instant},
};

/// How many seconds a check may take.
const LIMIT: u32 = 600;

/// A process that was forked, and is killed when it is dropped.
pub struct Child(libc::pid_t);

impl Child {
    /// Forks. This program has one thread when it does, so that the child may do anything.
    pub fn fork(run: impl FnOnce() -> i32) -> Result<Self> {
        // SAFETY: There is no other thread that holds a lock.
        match checked(unsafe { libc::fork() }).context("fork")? {
            0 => {
                let status = run();
                // SAFETY: Ends the child without running what the parent registered for its end.
                unsafe { libc::_exit(status) }
            }
            pid => Ok(Child(pid as libc::pid_t)),
        }
    }

    /// Takes charge of a child that was made in another way.
    pub fn adopt(pid: libc::pid_t) -> Self {
        Child(pid)
    }

    /// Waits for its end.
    pub fn wait(self) -> Result<ExitStatus> {
        let mut status = 0;

        // SAFETY: `status` is ours.
        let waited = checked(unsafe { libc::waitpid(self.0, &mut status, 0) });
        std::mem::forget(self);
        waited.context("waitpid")?;
        Ok(ExitStatus::from_raw(status))
    }

    /// Kills it, and returns how long it took to die.
    pub fn kill(self) -> Result<Duration> {
        let start = Instant::now();

        // SAFETY: It has not been waited for, so that the number is still its own.
        checked(unsafe { libc::kill(self.0, libc::SIGKILL) }).context("kill")?;
        let status = self.wait()?;
        ensure!(
            status.signal() == Some(libc::SIGKILL),
            "a killed process ended with {status}"
        );
        Ok(start.elapsed())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // SAFETY: As in `kill()`.
        unsafe {
            libc::kill(self.0, libc::SIGKILL);
            libc::waitpid(self.0, std::ptr::null_mut(), 0);
        }
    }
}

/// Runs a check in a process of its own, with an address space that it may fill.
pub fn run(check: fn() -> Result<()>) -> Result<()> {
    let (mut reader, mut writer) = pipe()?;
    let child = Child::fork(|| {
        // SAFETY: A call without requirements.
        unsafe { libc::alarm(LIMIT) };
        match check() {
            Ok(()) => 0,
            Err(error) => {
                // A message that cannot be written is missing from the report, no more.
                let _ = write!(writer, "{error:#}");
                1
            }
        }
    })?;
    drop(writer);

    let mut message = String::new();
    reader.read_to_string(&mut message)?;
    let status = child.wait()?;
    match (status.signal(), status.success()) {
        (Some(libc::SIGALRM), _) => bail!("not done after {LIMIT} s"),
        (Some(signal), _) => bail!("killed by signal {signal}"),
        (None, false) => bail!("{message}"),
        (None, true) => Ok(()),
    }
}
