// SPDX-License-Identifier: GPL-2.0

//! System calls.
//!
//! Those that take ranges of addresses are used on the arena alone. No Rust object lives there, and
//! what lies there is only read and written by address. That makes each of them safe.

use crate::arena::PAGE;
use std::{
    ffi::CStr,
    io::{
        Error,
        Result, //
    },
    ops::Range,
    os::fd::{
        AsRawFd,
        FromRawFd,
        OwnedFd,
        RawFd, //
    },
    ptr, //
};

/// The number of `mseal()`, which `libc` does not know everywhere.
const SYS_MSEAL: libc::c_long = 462;
const MLOCK_ONFAULT: libc::c_uint = 1;

/// `UFFDIO_API` and `UFFDIO_REGISTER` of `<linux/userfaultfd.h>`, and what they take.
const UFFDIO_API: libc::Ioctl = 0xc018_aa3f_u32 as _;
const UFFDIO_REGISTER: libc::Ioctl = 0xc020_aa00_u32 as _;
const UFFD_API: u64 = 0xaa;
const UFFD_USER_MODE_ONLY: libc::c_int = 1;
const UFFDIO_REGISTER_MODE_MISSING: u64 = 1;

fn done(ret: libc::c_long) -> Result<()> {
    match ret {
        -1 => Err(Error::last_os_error()),
        _ => Ok(()),
    }
}

fn owned(fd: libc::c_int) -> Result<OwnedFd> {
    done(fd.into())?;
    // SAFETY: The descriptor was just made, and is nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Maps a range, where nothing may be mapped yet.
pub fn map(range: &Range<usize>, prot: i32, flags: i32, fd: RawFd, offset: usize) -> Result<()> {
    let flags = flags | libc::MAP_FIXED_NOREPLACE;
    // SAFETY: See above; nothing is replaced.
    let ret = unsafe { libc::mmap(range.start as _, range.len(), prot, flags, fd, offset as _) };
    match ret as usize {
        start if start == range.start => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}

pub fn unmap(range: &Range<usize>) -> Result<()> {
    // SAFETY: See above.
    done(unsafe { libc::munmap(range.start as _, range.len()) }.into())
}

pub fn protect(range: &Range<usize>, prot: i32) -> Result<()> {
    // SAFETY: See above.
    done(unsafe { libc::mprotect(range.start as _, range.len(), prot) }.into())
}

pub fn advise(range: &Range<usize>, advice: i32) -> Result<()> {
    // SAFETY: See above.
    done(unsafe { libc::madvise(range.start as _, range.len(), advice) }.into())
}

/// Gives back the whole pages of some memory of a Rust object. They read as zeros then.
pub fn give_back(memory: &mut [u8]) -> Result<()> {
    let range = memory.as_mut_ptr_range();
    let start = (range.start as usize).next_multiple_of(PAGE);
    let len = (range.end as usize - start) / PAGE * PAGE;
    // SAFETY: The pages are within `memory`, which nobody else refers to, and zeros are bytes.
    done(unsafe { libc::madvise(start as _, len, libc::MADV_DONTNEED) }.into())
}

pub fn lock(range: &Range<usize>, on_fault: bool) -> Result<()> {
    let flags = if on_fault { MLOCK_ONFAULT } else { 0 };
    // SAFETY: See above.
    done(unsafe { libc::mlock2(range.start as _, range.len(), flags) }.into())
}

pub fn seal(range: &Range<usize>) -> Result<()> {
    // SAFETY: See above.
    done(unsafe { libc::syscall(SYS_MSEAL, range.start, range.len(), 0) })
}

pub fn name(range: &Range<usize>, name: &CStr) -> Result<()> {
    // SAFETY: See above; the name is a string.
    done(
        unsafe {
            libc::prctl(
                libc::PR_SET_VMA,
                libc::PR_SET_VMA_ANON_NAME,
                range.start,
                range.len(),
                name.as_ptr(),
            )
        }
        .into(),
    )
}

/// Moves a range. This is the call that everything here is about.
pub fn mremap(source: &Range<usize>, to: usize, keep: bool) -> Result<()> {
    let keep = if keep { libc::MREMAP_DONTUNMAP } else { 0 };
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED | keep;
    let len = source.len();
    // SAFETY: See above.
    let ret = unsafe { libc::syscall(libc::SYS_mremap, source.start, len, len, flags, to) };
    done(ret)
}

/// A file in memory.
pub fn memfd(name: &CStr) -> Result<OwnedFd> {
    // SAFETY: The name is a string.
    owned(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) })
}

/// Attaches a System V segment of its own, which goes with its last mapping.
pub fn attach_shm(range: &Range<usize>) -> Result<()> {
    // SAFETY: See above. The segment is marked as gone at once, so that a crash leaves none.
    unsafe {
        let id = libc::shmget(libc::IPC_PRIVATE, range.len(), libc::IPC_CREAT | 0o600);
        done(id.into())?;
        let at = libc::shmat(id, range.start as _, 0);
        let result = match at as usize {
            start if start == range.start => Ok(()),
            _ => Err(Error::last_os_error()),
        };
        libc::shmctl(id, libc::IPC_RMID, ptr::null_mut());
        result
    }
}

/// A userfaultfd that waits for pages that are missing in a range.
pub fn watch(range: &Range<usize>) -> Result<OwnedFd> {
    let flags = libc::O_CLOEXEC | UFFD_USER_MODE_ONLY;
    // SAFETY: A call without requirements.
    let fd = owned(unsafe { libc::syscall(libc::SYS_userfaultfd, flags) } as i32)?;
    let mut api = [UFFD_API, 0, 0];
    let mut register = [
        range.start as u64,
        range.len() as u64,
        UFFDIO_REGISTER_MODE_MISSING,
        0,
    ];
    // SAFETY: The structures have the fields and the size that the calls expect.
    unsafe {
        done(libc::ioctl(fd.as_raw_fd(), UFFDIO_API, &mut api).into())?;
        done(libc::ioctl(fd.as_raw_fd(), UFFDIO_REGISTER, &mut register).into())?;
    }
    Ok(fd)
}

/// Gives up the right to map low addresses, and keeps that to look at oneself.
pub fn become_nobody() -> Result<()> {
    // SAFETY: Calls without requirements.
    unsafe {
        done(libc::setresuid(65534, 65534, 65534).into())?;
        done(libc::prctl(libc::PR_SET_DUMPABLE, 1).into())
    }
}

/// What is written to the second can be read from the first.
pub fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let mut fds = [-1; 2];
    // SAFETY: There is place for two descriptors.
    done(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) }.into())?;
    Ok((owned(fds[0])?, owned(fds[1])?))
}

/// Forks. There is one thread, so the child may do anything. Returns its id, or 0 in the child.
pub fn fork() -> Result<libc::pid_t> {
    // SAFETY: See above.
    let pid = unsafe { libc::fork() };
    done(pid.into())?;
    if pid == 0 {
        // SAFETY: A call without requirements. Who loses its parent ends, so that none are left
        // behind.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    }
    Ok(pid)
}

/// Waits for a child. Returns its status as `waitpid()` gives it.
pub fn wait(pid: libc::pid_t) -> Result<libc::c_int> {
    let mut status = 0;
    loop {
        // SAFETY: The status is a place for one.
        match done(unsafe { libc::waitpid(pid, &mut status, 0) }.into()) {
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => continue,
            result => return result.map(|()| status),
        }
    }
}

/// Ends the process after some time.
pub fn alarm(seconds: u32) {
    // SAFETY: A call without requirements.
    unsafe { libc::alarm(seconds) };
}

/// Ends the process, as if it were never forked: nothing is flushed or freed.
pub fn exit(code: i32) -> ! {
    // SAFETY: A call without requirements.
    unsafe { libc::_exit(code) }
}
