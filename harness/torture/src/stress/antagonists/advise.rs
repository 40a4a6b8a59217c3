// SPDX-License-Identifier: GPL-2.0

//! Advice that keeps the contents of memory, by `madvise()` and by `process_madvise()`.

use super::Antagonist;
use crate::stress::{
    kind::Kind,
    region::Region,
    scene::Scene, //
};
use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};
use mem::{
    checked,
    sys::{
        self,
        Source, //
    },
    FIELD,
    PAGE, //
};
use rand::{
    rngs::ChaCha8Rng,
    seq::IndexedRandom,
    RngExt, //
};
use std::{
    io,
    os::fd::{
        AsRawFd,
        FromRawFd,
        OwnedFd, //
    }, //
};

/// What advice is given to.
#[derive(Clone, Copy)]
enum To {
    /// Any addresses of a region.
    Any,
    /// A unit of a kind.
    Unit(Kind),
}

/// Advice, and what it is given to.
const ADVICE: [(i32, To); 20] = [
    (libc::MADV_NORMAL, To::Any),
    (libc::MADV_RANDOM, To::Any),
    (libc::MADV_SEQUENTIAL, To::Any),
    (libc::MADV_WILLNEED, To::Any),
    (libc::MADV_COLD, To::Any),
    (libc::MADV_PAGEOUT, To::Any),
    (libc::MADV_DONTDUMP, To::Any),
    (libc::MADV_DODUMP, To::Any),
    (libc::MADV_POPULATE_READ, To::Any),
    (libc::MADV_POPULATE_WRITE, To::Any),
    (libc::MADV_NOHUGEPAGE, To::Unit(Kind::Huge)),
    (libc::MADV_HUGEPAGE, To::Unit(Kind::Huge)),
    (libc::MADV_COLLAPSE, To::Unit(Kind::Huge)),
    (libc::MADV_COLLAPSE, To::Unit(Kind::MemfdShared)),
    (libc::MADV_DONTNEED, To::Unit(Kind::Shared)),
    (libc::MADV_DONTNEED, To::Unit(Kind::Tmpfs)),
    (libc::MADV_DONTFORK, To::Unit(Kind::NoFork)),
    (libc::MADV_DOFORK, To::Unit(Kind::NoFork)),
    (libc::MADV_WIPEONFORK, To::Unit(Kind::NoFork)),
    (libc::MADV_KEEPONFORK, To::Unit(Kind::NoFork)),
];

/// Advice that may be given to another process.
const ADVICE_FOR_OTHERS: [i32; 4] = [
    libc::MADV_COLD,
    libc::MADV_PAGEOUT,
    libc::MADV_WILLNEED,
    libc::MADV_COLLAPSE,
];

/// What advice may fail with: nothing is mapped there, what is there is locked or otherwise not
/// fit for it, memory is short, somebody else uses the page.
const ALLOWED: [i32; 6] = [
    libc::ENOMEM,
    libc::EINVAL,
    libc::EAGAIN,
    libc::EBUSY,
    libc::EFAULT,
    libc::EINTR,
];

/// May advice fail so?
pub(super) fn may_fail_with(error: &io::Error) -> bool {
    error
        .raw_os_error()
        .is_some_and(|errno| ALLOWED.contains(&errno))
}

fn allow(advice: i32, result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if !may_fail_with(&error) => {
            Err(error).with_context(|| format!("advice {advice}"))
        }
        _ => Ok(()),
    }
}

/// Does the kernel know some advice? Tried on a page of its own.
fn known(advice: i32) -> Result<bool> {
    let at = FIELD.end - PAGE;

    sys::map(at, PAGE, Source::Anonymous)?;
    let result = sys::advise(at, PAGE, advice);
    sys::unmap(at, PAGE)?;
    Ok(match result {
        // It does not collapse a single page.
        Err(error) => advice == libc::MADV_COLLAPSE || error.raw_os_error() != Some(libc::EINVAL),
        Ok(()) => true,
    })
}

fn any_range(region: &Region, to: To, rng: &mut ChaCha8Rng) -> Option<(usize, usize)> {
    match to {
        To::Any => Some(region.any_range(16, rng)),
        To::Unit(kind) => region.any_unit(kind, rng),
    }
}

struct Own<'a> {
    scene: &'a Scene,
    advice: Vec<(i32, To)>,
}

/// Advises ourselves.
pub fn make_own(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let mut advice = Vec::new();

    for (number, to) in ADVICE {
        if known(number)? {
            advice.push((number, to));
        }
    }
    ensure!(!advice.is_empty(), "the kernel knows no advice");
    Ok(Box::new(Own { scene, advice }))
}

impl Antagonist for Own<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let (advice, to) = *self.advice.choose(rng).unwrap();
        let region = self.scene.any_region(rng);

        match any_range(region, to, rng) {
            Some((addr, len)) => allow(advice, sys::advise(addr, len, advice)),
            None => Ok(()),
        }
    }
}

struct Process<'a> {
    scene: &'a Scene,
    pidfd: OwnedFd,
}

/// What names this process to `process_madvise()`. Fails if the kernel does not have that.
pub(super) fn pidfd_of_this_process() -> Result<OwnedFd> {
    // SAFETY: Calls without requirements.
    let fd = checked(unsafe { libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0) })
        .context("pidfd_open")?;
    // SAFETY: It was just opened and is nobody else's.
    let pidfd = unsafe { OwnedFd::from_raw_fd(fd as i32) };

    match process_madvise(&pidfd, &[], libc::MADV_COLD) {
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => bail!("no process_madvise()"),
        _ => Ok(pidfd),
    }
}

/// Advises ourselves by the call that is meant for other processes.
pub fn make_process(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    Ok(Box::new(Process {
        scene,
        pidfd: pidfd_of_this_process()?,
    }))
}

pub(super) fn process_madvise(
    pidfd: &OwnedFd,
    ranges: &[libc::iovec],
    advice: i32,
) -> io::Result<()> {
    // SAFETY: The ranges are ours, and what they name is memory of regions, whose contents this
    // advice keeps. That is so in a child, too: the process that is named has them.
    checked(unsafe {
        libc::syscall(
            libc::SYS_process_madvise,
            pidfd.as_raw_fd(),
            ranges.as_ptr(),
            ranges.len(),
            advice,
            0,
        )
    })
    .map(drop)
}

impl Antagonist for Process<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let advice = *ADVICE_FOR_OTHERS.choose(rng).unwrap();
        let ranges: Vec<libc::iovec> = (0..rng.random_range(1..8))
            .map(|_| {
                let (addr, len) = self.scene.any_region(rng).any_range(16, rng);
                libc::iovec {
                    iov_base: addr as *mut _,
                    iov_len: len,
                }
            })
            .collect();

        allow(advice, process_madvise(&self.pidfd, &ranges, advice))
    }
}
