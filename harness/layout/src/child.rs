// SPDX-License-Identifier: GPL-2.0

//! Doing something in a process of its own.

use crate::{
    sys,
    wire::Wire, //
};
use anyhow::Result;
use std::{
    fs::File,
    io::{
        self,
        Read,
        Write, //
    },
    os::unix::process::parent_id,
    time::Duration, //
};

/// How a child ended that did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was killed by a signal, `SIGALRM` if it took too long.
    Killed(i32),
    /// It could not.
    Failed(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Killed(libc::SIGALRM) => write!(f, "hangs"),
            Failure::Killed(signal) => write!(f, "is killed by signal {signal}"),
            Failure::Failed(why) => write!(f, "fails: {why}"),
        }
    }
}

/// Does something in a child, which ends after some seconds in any case.
///
/// The outer result is that of making a child, the inner one its own.
pub fn in_child<T: Wire>(
    seconds: u32,
    job: impl FnOnce() -> Result<T>,
) -> io::Result<Result<T, Failure>> {
    let (reader, writer) = sys::pipe()?;
    let pid = sys::fork()?;
    if pid == 0 {
        sys::alarm(seconds);
        drop(reader);
        until_asleep(parent_id());
        work(File::from(writer), job);
    }

    drop(writer);
    let mut bytes = Vec::new();
    File::from(reader).read_to_end(&mut bytes)?;
    let status = sys::wait(pid)?;

    if libc::WIFSIGNALED(status) {
        return Ok(Err(Failure::Killed(libc::WTERMSIG(status))));
    }
    let result = Result::<T, String>::get(&mut bytes.as_slice());
    Ok(result
        .unwrap_or_else(|error| Err(format!("{error}; status {status:#x}")))
        .map_err(Failure::Failed))
}

/// Waits until another process, which was made by a fork or made this one, sleeps. Until then it goes
/// on writing to pages that both have since the fork, each of which is copied: memory that would count
/// as that of a move.
pub fn until_asleep(pid: u32) {
    let stat = format!("/proc/{pid}/stat");
    let sleeps = || {
        std::fs::read_to_string(&stat).is_ok_and(|line| {
            line.rsplit_once(") ")
                .is_some_and(|(_, rest)| rest.starts_with('S'))
        })
    };

    for _ in 0..1000 {
        if sleeps() {
            return;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// What the child does.
fn work<T: Wire>(mut out: File, job: impl FnOnce() -> Result<T>) -> ! {
    let result = job().map_err(|error| format!("{error:#}"));
    let mut bytes = Vec::new();
    result.put(&mut bytes);
    let sent = out.write_all(&bytes);
    sys::exit(sent.is_err().into())
}

impl<T: Wire> Wire for Result<T, String> {
    fn put(&self, out: &mut Vec<u8>) {
        u64::from(self.is_ok()).put(out);
        match self {
            Ok(value) => value.put(out),
            Err(error) => error.put(out),
        }
    }

    fn get(from: &mut &[u8]) -> Result<Self> {
        Ok(match u64::get(from)? {
            1 => Ok(T::get(from)?),
            _ => Err(String::get(from)?),
        })
    }
}
