// SPDX-License-Identifier: GPL-2.0

//! Reading what a process can find out about its arena, without sense made of it.
//!
//! A child captures, its parent makes sense of it: so a child allocates little.

use crate::{
    arena::{
        self,
        PAGE, //
    },
    page,
    pagemap::present_or_swapped,
    smaps::{
        self,
        Entry, //
    },
    sys, //
};
use anyhow::{
    Context,
    Result, //
};
use std::{
    fs::{
        self,
        File, //
    },
    os::unix::fs::FileExt,
    sync::OnceLock, //
};

/// How much to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// What is mapped, and which pages are there.
    Glance,
    /// All that can be seen without touching anything. Reading a page would mark it as accessed.
    Look,
    /// Also what is in pages, and what merges when all is made writable. That tells offsets of
    /// anonymous memory, which nothing shows. The layout is spoiled by that.
    Probe,
    /// Also which pages can be reclaimed. That tells whether the reverse mapping finds them where
    /// they are. Needs swap.
    Reclaim,
}

/// What is in a page that was not read.
pub const UNREAD: u64 = u64::MAX;

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    /// Of the whole process. At a glance it is `/proc/self/maps`.
    pub smaps: String,
    /// A word for each page that is mapped in the arena, in order of address.
    pub pagemap: Vec<u64>,
    /// What is at the start of each of these pages.
    pub contents: Vec<u64>,
    /// `/proc/self/maps` after all was made writable, or nothing.
    pub merged: String,
    /// A word for each page after `MADV_PAGEOUT`, or nothing.
    pub reclaimed: Vec<u64>,
}

crate::wire!(Capture {
    smaps,
    pagemap,
    contents,
    merged,
    reclaimed
});

impl Capture {
    /// Captures the arena of the calling process.
    pub fn take(depth: Depth) -> Result<Self> {
        let file = match depth {
            Depth::Glance => "/proc/self/maps",
            _ => "/proc/self/smaps",
        };
        let mut capture = Capture {
            smaps: fs::read_to_string(file)?,
            ..Capture::default()
        };
        let entries: Vec<Entry> = smaps::parse(&capture.smaps)
            .into_iter()
            .filter(|entry| arena::page(entry.addresses.start).is_some())
            .collect();
        let pagemap = File::open("/proc/self/pagemap")?;
        let memory = File::open("/proc/self/mem")?;

        for entry in &entries {
            let unfaulted = may_read_unfaulted(entry);
            let first = capture.pagemap.len();
            read_pagemap(&pagemap, entry, &mut capture.pagemap)?;
            for (word, address) in capture.pagemap[first..]
                .iter()
                .zip(entry.addresses.clone().step_by(PAGE))
            {
                let wanted = depth >= Depth::Probe && (present_or_swapped(*word) || unfaulted);
                let content = if wanted {
                    read_page(&memory, entry, address).context("reading a page")?
                } else {
                    UNREAD
                };
                capture.contents.push(content);
            }
        }
        if depth >= Depth::Probe {
            for entry in &entries {
                // What is sealed stays as it is, and so it does in a like process.
                let _ = sys::protect(&entry.addresses, libc::PROT_READ | libc::PROT_WRITE);
            }
            capture.merged = fs::read_to_string("/proc/self/maps")?;
        }
        if depth == Depth::Reclaim {
            for entry in &entries {
                // Locked memory cannot be.
                let _ = sys::advise(&entry.addresses, libc::MADV_PAGEOUT);
                read_pagemap(&pagemap, entry, &mut capture.reclaimed)?;
            }
        }
        Ok(capture)
    }
}

fn read_pagemap(file: &File, entry: &Entry, words: &mut Vec<u64>) -> Result<()> {
    let mut bytes = vec![0; entry.addresses.len() / PAGE * 8];
    file.read_exact_at(&mut bytes, (entry.addresses.start / PAGE * 8) as u64)?;

    let word = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().expect("eight bytes"));
    words.extend(bytes.chunks_exact(8).map(word));
    Ok(())
}

/// May pages of a mapping be read that are not there?
fn may_read_unfaulted(entry: &Entry) -> bool {
    // User Mode Linux may show what was there before instead of a page that is not there. Nobody
    // answers a userfaultfd, and an unfaulted huge page is not worth the time.
    entry.inode != 0 && !user_mode_linux() && !entry.has_flag("um") && !entry.has_flag("ht")
}

fn user_mode_linux() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();

    *ANSWER.get_or_init(|| {
        fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| text.contains("User Mode Linux"))
    })
}

fn read_page(memory: &File, entry: &Entry, address: usize) -> Result<u64> {
    if entry.perms.starts_with('r') {
        return Ok(page::read(address));
    }
    // This file gives what may not be read otherwise.
    let mut bytes = [0; 8];
    memory.read_exact_at(&mut bytes, address as u64)?;
    Ok(u64::from_ne_bytes(bytes))
}
