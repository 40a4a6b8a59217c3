// SPDX-License-Identifier: GPL-2.0

//! A userfaultfd, by which a thread of ours fills missing pages, and is told of moves.

use anyhow::{
    Context,
    Result, //
};
use mem::{
    checked,
    PAGE, //
};
use std::{
    io,
    os::fd::{
        AsRawFd,
        FromRawFd,
        OwnedFd, //
    },
    sync::{
        atomic::{
            AtomicBool,
            AtomicU64,
            Ordering, //
        },
        Mutex, //
    },
    thread,
    time::{
        Duration,
        Instant, //
    }, //
};

/// Requests of `<linux/userfaultfd.h>`, and the events that are asked for.
const API: libc::Ioctl = 0xc018_aa3f_u32 as _;
const REGISTER: libc::Ioctl = 0xc020_aa00_u32 as _;
const UNREGISTER: libc::Ioctl = 0x8010_aa01_u32 as _;
const WAKE: libc::Ioctl = 0x8010_aa02_u32 as _;
const COPY: libc::Ioctl = 0xc028_aa03_u32 as _;
const VERSION: u64 = 0xaa;
const EVENT_REMAP: u64 = 1 << 2;
const MODE_MISSING: u64 = 1;

/// Kinds of messages.
const PAGE_FAULT: u64 = 0x12;
const REMAP: u64 = 0x14;

/// How long the other thread may take for what it has been told.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a page is filled with, in every word: where it is.
pub fn filling(addr: usize) -> u64 {
    0xFD << 56 | (addr / PAGE) as u64
}

/// A userfaultfd, of a thread that fills pages and one that has them guarded.
pub struct Guard {
    fd: OwnedFd,
    stop: AtomicBool,
    filled: AtomicU64,
    /// The move that was told of last: from, to, length.
    moved: Mutex<Option<[usize; 3]>>,
}

impl Guard {
    /// Fails if the kernel has no userfaultfd.
    pub fn open() -> io::Result<Self> {
        let flags = libc::O_CLOEXEC | libc::O_NONBLOCK;
        // SAFETY: A call without requirements.
        let fd = checked(unsafe { libc::syscall(libc::SYS_userfaultfd, flags) })?;
        let guard = Guard {
            // SAFETY: It was just opened and is nobody else's.
            fd: unsafe { OwnedFd::from_raw_fd(fd as i32) },
            stop: AtomicBool::new(false),
            filled: AtomicU64::new(0),
            moved: Mutex::new(None),
        };

        guard.request(API, [VERSION, EVENT_REMAP, 0])?;
        Ok(guard)
    }

    /// Makes a request, of numbers which the kernel may change.
    fn request<const N: usize>(&self, request: libc::Ioctl, numbers: [u64; N]) -> io::Result<()> {
        let mut numbers = numbers;

        // SAFETY: There are as many numbers as the request has. It changes only memory that nobody
        // has a reference to.
        checked(unsafe { libc::ioctl(self.fd.as_raw_fd(), request, &mut numbers) }).map(drop)
    }

    /// Has the missing pages of mappings filled from here on.
    pub fn register(&self, addr: usize, len: usize) -> Result<()> {
        self.request(REGISTER, [addr as u64, len as u64, MODE_MISSING, 0])
            .context("UFFDIO_REGISTER")
    }

    /// Leaves them alone again.
    pub fn unregister(&self, addr: usize, len: usize) -> Result<()> {
        self.request(UNREGISTER, [addr as u64, len as u64])
            .context("UFFDIO_UNREGISTER")
    }

    /// Fills a page. While a move has not been told of yet, who waits for the page has to ask again.
    fn fill(&self, addr: usize) -> io::Result<()> {
        let page = [filling(addr); PAGE / size_of::<u64>()];
        let (to, from, len) = (addr as u64, page.as_ptr() as u64, PAGE as u64);

        match self.request(COPY, [to, from, len, 0, 0]) {
            Ok(()) => {
                self.filled.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(_) => self.request(WAKE, [to, len]),
        }
    }

    /// Takes a message, if there is one: its kind and what it says.
    fn message(&self) -> Option<[u64; 4]> {
        let mut message = [0_u64; 4];
        let mut poll = libc::pollfd {
            fd: self.fd.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: `poll` and `message` are ours, and as long as is said.
        let len = unsafe {
            libc::poll(&mut poll, 1, 10);
            libc::read(
                self.fd.as_raw_fd(),
                message.as_mut_ptr().cast(),
                size_of_val(&message),
            )
        };
        (len == size_of_val(&message) as isize).then_some(message)
    }

    /// Fills pages until it is told to stop.
    pub fn work(&self) -> io::Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            match self.message() {
                Some([kind, _, addr, _]) if kind & 0xff == PAGE_FAULT => {
                    self.fill(addr as usize / PAGE * PAGE)?;
                }
                Some([kind, from, to, len]) if kind & 0xff == REMAP => {
                    *self.moved.lock().unwrap() = Some([from, to, len].map(|word| word as usize));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The move that the other thread was told of. It may still be about to write that down.
    pub fn told(&self) -> Option<[usize; 3]> {
        let start = Instant::now();

        loop {
            let told = self.moved.lock().unwrap().take();
            if told.is_some() || start.elapsed() > PATIENCE {
                return told;
            }
            thread::sleep(Duration::from_micros(100));
        }
    }

    /// How many pages were filled.
    pub fn filled(&self) -> u64 {
        self.filled.load(Ordering::Relaxed)
    }

    /// Ends the thread that fills pages.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
