// SPDX-License-Identifier: GPL-2.0

//! perf events of software.

use crate::checked;
use std::{
    io,
    os::fd::{
        FromRawFd,
        OwnedFd, //
    }, //
};

/// Where the page before a buffer, `struct perf_event_mmap_page`, says up to where it was written,
/// and up to where it was read. Neither number ever starts again.
pub const DATA_HEAD: usize = 1024;
/// See there.
pub const DATA_TAIL: usize = 1032;

/// The first fields of `struct perf_event_attr`, of its first published version. Those behind are
/// zero for a kernel that knows more.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    config1: u64,
}

const SIZE_VER0: u32 = 64;
const _: () = assert!(size_of::<Attributes>() == SIZE_VER0 as usize);

const TYPE_SOFTWARE: u32 = 1;

/// What an event counts and reports.
#[derive(Clone, Copy, Default)]
pub struct Event {
    /// `PERF_COUNT_SW_*`
    pub config: u64,
    /// After how many of these it takes a sample, if it does.
    pub sample_period: u64,
    /// `PERF_SAMPLE_*`
    pub sample_type: u64,
    /// The bits of `struct perf_event_attr` that begin with `disabled`.
    pub flags: u64,
}

impl Event {
    /// Makes an event of the calling thread, on any CPU.
    pub fn open(self) -> io::Result<OwnedFd> {
        let attributes = Attributes {
            kind: TYPE_SOFTWARE,
            size: SIZE_VER0,
            config: self.config,
            sample_period: self.sample_period,
            sample_type: self.sample_type,
            flags: self.flags,
            ..Attributes::default()
        };
        // SAFETY: The kernel reads as many bytes as `size` says. What it returns is ours alone.
        unsafe {
            let (this, any_cpu, no_group) = (0, -1, -1);
            let ret = libc::syscall(
                libc::SYS_perf_event_open,
                &attributes,
                this,
                any_cpu,
                no_group,
                0,
            );
            Ok(OwnedFd::from_raw_fd(checked(ret)? as i32))
        }
    }
}
