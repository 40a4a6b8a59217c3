// SPDX-License-Identifier: GPL-2.0

//! Processes that a program makes.

use anyhow::{
    ensure,
    Context,
    Result, //
};
use mem::checked;
use std::{
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    time::{
        Duration,
        Instant, //
    }, //
};

/// A process that was forked, and is killed when it is dropped.
pub struct Child {
    pid: libc::pid_t,
    /// How it ended. From then on the number is not its own any more.
    ended: Option<ExitStatus>,
}

impl Child {
    /// Forks. Where other threads may hold locks, the child takes none and allocates nothing, or it
    /// may wait for ever. Its status is what it returns.
    pub fn fork(run: impl FnOnce() -> i32) -> Result<Self> {
        // SAFETY: The child has memory of its own, in which nobody else changes anything.
        match checked(unsafe { libc::fork() }).context("fork")? {
            0 => {
                let status = run();
                // SAFETY: Ends the child without running what the parent registered for its end.
                unsafe { libc::_exit(status) }
            }
            pid => Ok(Child::adopt(pid as libc::pid_t)),
        }
    }

    /// Takes charge of a child that was made in another way.
    pub fn adopt(pid: libc::pid_t) -> Self {
        Child { pid, ended: None }
    }

    /// Waits, with flags of `waitpid()`.
    fn look(&mut self, flags: i32) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            let mut status = 0;
            // SAFETY: `status` is ours.
            let pid = checked(unsafe { libc::waitpid(self.pid, &mut status, flags) });
            let ended = pid.context("waitpid")? != 0;
            self.ended = ended.then(|| ExitStatus::from_raw(status));
        }
        Ok(self.ended)
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.look(libc::WNOHANG)
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Result<ExitStatus> {
        self.look(0)?.context("a process that has not ended")
    }

    /// Kills it, and returns how long it took to die.
    pub fn kill(self) -> Result<Duration> {
        let start = Instant::now();

        ensure!(self.ended.is_none(), "it has ended before");
        // SAFETY: It has not been waited for, so that the number is still its own.
        checked(unsafe { libc::kill(self.pid, libc::SIGKILL) }).context("kill")?;
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
        if self.ended.is_none() {
            // SAFETY: As in `kill()`.
            unsafe {
                libc::kill(self.pid, libc::SIGKILL);
                libc::waitpid(self.pid, std::ptr::null_mut(), 0);
            }
        }
    }
}
