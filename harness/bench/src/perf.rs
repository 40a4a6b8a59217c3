// SPDX-License-Identifier: GPL-2.0

//! Samples of where the CPU is, by a timer of the kernel's perf events.

use anyhow::{
    Context,
    Result, //
};
use mem::{
    checked,
    perf::{
        Event,
        DATA_HEAD,
        DATA_TAIL, //
    },
    PAGE, //
};
use std::{
    os::fd::{
        AsRawFd,
        OwnedFd, //
    },
    ptr,
    sync::atomic::{
        fence,
        Ordering, //
    }, //
};

const COUNT_SW_CPU_CLOCK: u64 = 0;
const SAMPLE_IP: u64 = 1;
const FLAG_DISABLED: u64 = 1;
const FLAG_EXCLUDE_HV: u64 = 1 << 6;
const RECORD_SAMPLE: u32 = 9;
const IOC_ENABLE: libc::c_ulong = 0x2400;
const IOC_DISABLE: libc::c_ulong = 0x2401;

/// How many bytes the ring has, a power of two. The page of its ends comes before it.
const RING: usize = 128 * PAGE;

/// A timer that samples this process.
pub struct Sampler {
    event: OwnedFd,
    ring: *mut u8,
}

impl Sampler {
    /// Samples every so many nanoseconds, once it is started.
    pub fn new(period: u64) -> Result<Self> {
        let event = Event {
            config: COUNT_SW_CPU_CLOCK,
            sample_period: period,
            sample_type: SAMPLE_IP,
            flags: FLAG_DISABLED | FLAG_EXCLUDE_HV,
        };
        let event = event.open().context("perf_event_open")?;
        // SAFETY: The mapping is new, at an address that the kernel chooses.
        let ring = unsafe {
            libc::mmap(
                ptr::null_mut(),
                PAGE + RING,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                event.as_raw_fd(),
                0,
            )
        };
        checked(ring as i64).context("mmap of the ring of perf")?;
        Ok(Sampler {
            event,
            ring: ring.cast(),
        })
    }

    fn control(&self, request: libc::c_ulong) -> Result<()> {
        // SAFETY: A call without requirements.
        checked(unsafe { libc::ioctl(self.event.as_raw_fd(), request, 0) })
            .context("ioctl of a perf event")?;
        Ok(())
    }

    pub fn start(&self) -> Result<()> {
        self.control(IOC_ENABLE)
    }

    pub fn stop(&self) -> Result<()> {
        self.control(IOC_DISABLE)
    }

    /// A word of the ring's memory.
    fn word(&self, offset: usize) -> *mut u64 {
        assert!(offset < PAGE + RING);
        // SAFETY: The word is in the mapping.
        unsafe { self.ring.cast::<u64>().add(offset / size_of::<u64>()) }
    }

    fn read(&self, offset: usize) -> u64 {
        // SAFETY: It is mapped, aligned, and changed by the kernel only.
        unsafe { self.word(offset).read_volatile() }
    }

    /// Takes the addresses of the samples out of the ring.
    pub fn take(&self) -> Vec<u64> {
        let (head, mut tail) = (self.read(DATA_HEAD), self.read(DATA_TAIL));
        let mut found = Vec::new();

        fence(Ordering::Acquire);
        while tail < head {
            // A record starts with its type, 32 bits, then 16 of no interest, then its size.
            let at = |offset: u64| PAGE + ((tail + offset) % RING as u64) as usize;
            let header = self.read(at(0));
            if header as u32 == RECORD_SAMPLE {
                found.push(self.read(at(8)));
            }
            tail += header >> 48;
        }
        fence(Ordering::Release);
        // SAFETY: As in `read()`; the kernel reads it.
        unsafe { self.word(DATA_TAIL).write_volatile(tail) };
        found
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        // SAFETY: The mapping is ours, and nobody refers to it any more.
        unsafe { libc::munmap(self.ring.cast(), PAGE + RING) };
    }
}
