// SPDX-License-Identifier: GPL-2.0

//! An io_uring whose memory is a part of the field, and may move: the kernel has pinned its pages.
//!
//! ```text
//!   [entries][rings]      a page each
//! ```

use anyhow::{
    anyhow,
    ensure,
    Context,
    Result, //
};
use mem::{
    checked,
    peek::{
        self,
        peek,
        poke,
        Fault, //
    },
    PAGE, //
};
use std::{
    fs::File,
    io,
    ops::Range,
    os::fd::{
        AsRawFd,
        FromRawFd,
        OwnedFd, //
    },
    ptr, //
};

/// How many pages its memory has.
pub const PAGES: usize = 2;

/// How many entries it has, and how large one is, and what tells of the end of a transfer.
const ENTRIES: u32 = 4;
const ENTRY: usize = 64;
const COMPLETION: usize = 16;

/// Its memory is ours; an entry's place says which one it is.
const NO_MMAP: u32 = 1 << 14;
const NO_SQARRAY: u32 = 1 << 16;

const REGISTER_BUFFERS: u32 = 0;
const ENTER_GETEVENTS: u32 = 1;
/// A flag of an entry, which is left to a thread of the kernel then.
const ASYNC: u64 = 1 << 4;

/// What is transferred.
#[derive(Clone, Copy, Debug)]
pub enum Operation {
    /// From a file to a registered buffer.
    ReadFixed = 4,
    /// From a registered buffer to a file.
    WriteFixed = 5,
    /// From a file to any memory.
    Read = 22,
}

/// A transfer of a word.
#[derive(Clone, Copy)]
pub struct Transfer<'a> {
    pub operation: Operation,
    /// Is it made by another thread?
    pub apart: bool,
    pub file: &'a File,
    pub offset: usize,
    pub addr: usize,
    /// The number of the buffer, for those that are registered.
    pub buffer: usize,
}

/// `struct io_sqring_offsets` and `struct io_cqring_offsets`, as far as they are alike.
#[repr(C)]
#[derive(Default)]
struct Offsets {
    head: u32,
    tail: u32,
    mask: u32,
    entries: u32,
    errors: u32,
    /// For completions, where they are.
    list: u32,
    others: [u32; 2],
    user_addr: u64,
}

/// `struct io_uring_params`.
#[repr(C)]
#[derive(Default)]
struct Parameters {
    entries: [u32; 2],
    flags: u32,
    others: [u32; 7],
    submissions: Offsets,
    completions: Offsets,
}

/// An io_uring that makes one transfer at a time.
pub struct Ring {
    fd: OwnedFd,
    parameters: Parameters,
}

fn fault(fault: Fault) -> anyhow::Error {
    anyhow!("the memory of an io_uring: {fault:?}")
}

/// Reads half of a word.
fn half(addr: usize) -> Result<u32> {
    let shift = addr % size_of::<u64>() * 8;

    Ok((peek(addr & !7).map_err(fault)? >> shift) as u32)
}

/// Writes half of a word, of which the kernel leaves the other one alone at the moment.
fn set_half(addr: usize, value: u32) -> Result<()> {
    let shift = addr % size_of::<u64>() * 8;
    let others = peek(addr & !7).map_err(fault)? & !(u64::from(u32::MAX) << shift);

    poke(addr & !7, others | u64::from(value) << shift).map_err(fault)
}

impl Ring {
    /// Makes one of memory that is mapped, at an address. Fails if the kernel cannot do that, which
    /// is possible since Linux 6.6.
    pub fn make(at: usize) -> io::Result<Self> {
        let mut parameters = Parameters {
            flags: NO_MMAP | NO_SQARRAY,
            ..Parameters::default()
        };
        parameters.submissions.user_addr = at as u64;
        parameters.completions.user_addr = (at + PAGE) as u64;
        // SAFETY: Nobody has a reference to the memory, and the parameters are ours.
        let fd =
            checked(unsafe { libc::syscall(libc::SYS_io_uring_setup, ENTRIES, &mut parameters) })?;

        Ok(Ring {
            // SAFETY: It was just opened and is nobody else's.
            fd: unsafe { OwnedFd::from_raw_fd(fd as i32) },
            parameters,
        })
    }

    /// Registers buffers. They go by their addresses of now from here on.
    pub fn register(&self, buffers: impl IntoIterator<Item = Range<usize>>) -> io::Result<()> {
        let buffers: Vec<libc::iovec> = buffers
            .into_iter()
            .map(|buffer| libc::iovec {
                iov_base: buffer.start as *mut _,
                iov_len: buffer.len(),
            })
            .collect();
        // SAFETY: Nobody has a reference to the memory of the buffers.
        checked(unsafe {
            libc::syscall(
                libc::SYS_io_uring_register,
                self.fd.as_raw_fd(),
                REGISTER_BUFFERS,
                buffers.as_ptr(),
                buffers.len(),
            )
        })
        .map(drop)
    }

    fn enter(&self, submit: u32, wait: u32) -> io::Result<usize> {
        // SAFETY: What entries name is memory that nobody has a reference to.
        checked(unsafe {
            libc::syscall(
                libc::SYS_io_uring_enter,
                self.fd.as_raw_fd(),
                submit,
                wait,
                ENTER_GETEVENTS,
                ptr::null::<libc::c_void>(),
                0,
            )
        })
    }

    /// Hands in a transfer. The memory is at an address now.
    pub fn submit(&self, at: usize, transfer: Transfer<'_>) -> Result<()> {
        let tail = at + PAGE + self.parameters.submissions.tail as usize;
        let number = half(tail)?;
        let entry = at + (number % ENTRIES) as usize * ENTRY;
        let flags = if transfer.apart { ASYNC } else { 0 };
        // The fields of `struct io_uring_sqe`.
        let words = [
            transfer.operation as u64 | flags << 8 | (transfer.file.as_raw_fd() as u64) << 32,
            transfer.offset as u64,
            transfer.addr as u64,
            size_of::<u64>() as u64,
            u64::from(number),
            transfer.buffer as u64,
            0,
            0,
        ];

        for (index, word) in words.into_iter().enumerate() {
            poke(peek::word(entry, index), word).map_err(fault)?;
        }
        set_half(tail, number.wrapping_add(1))?;
        let taken = self.enter(1, 0).context("io_uring_enter")?;
        ensure!(taken == 1, "an io_uring took {taken} entries, not one");
        Ok(())
    }

    /// Waits for the transfer that was handed in, and returns its result. The memory is at an
    /// address now, which may be another one than before.
    pub fn wait(&self, at: usize) -> Result<i32> {
        let rings = at + PAGE;
        let offsets = &self.parameters.completions;
        let head = half(rings + offsets.head as usize)?;

        while half(rings + offsets.tail as usize)? == head {
            match self.enter(0, 1) {
                Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
                result => drop(result.context("io_uring_enter")?),
            }
        }
        let index = head & half(rings + offsets.mask as usize)?;
        let completion = rings + offsets.list as usize + index as usize * COMPLETION;
        // The first word says which transfer it is, the second one has the result.
        let result = half(completion + size_of::<u64>())? as i32;
        set_half(rings + offsets.head as usize, head.wrapping_add(1))?;
        Ok(result)
    }
}
