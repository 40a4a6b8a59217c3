// SPDX-License-Identifier: GPL-2.0

//! Another process collapses memory into huge pages, by `process_madvise()`.

use super::{
    advise::{
        may_fail_with,
        pidfd_of_this_process,
        process_madvise, //
    },
    Antagonist, //
};
use crate::{
    child::Child,
    stress::{
        kind::Kind,
        region::{
            make_whole,
            By, //
        },
        scene::{
            Scene,
            THP, //
        },
        stamp::WORDS, //
    }, //
};
use anyhow::{
    bail,
    Context,
    Result, //
};
use mem::{
    sys,
    FIELD, //
};
use rand::{
    rngs::ChaCha8Rng,
    seq::IndexedRandom, //
};
use std::{
    fs,
    os::fd::OwnedFd, //
};

/// What may become huge pages.
const KINDS: [Kind; 2] = [Kind::Huge, Kind::MemfdShared];

/// How many ranges one process collapses, and how many pages are looked at after that.
const RANGES: usize = 4;
const PAGES: usize = 16;

/// The status of a process whose call fails as it must not. Others are how many ranges it collapsed.
const WRONG: i32 = 100;

struct Collapse<'a> {
    scene: &'a Scene,
    pidfd: OwnedFd,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    fs::metadata(THP).context(THP)?;
    Ok(Box::new(Collapse {
        scene,
        pidfd: pidfd_of_this_process()?,
    }))
}

/// What a process does for its parent. It gives up its own copy first, with which the parent's
/// pages would be shared.
fn child(parent: &OwnedFd, ranges: &[libc::iovec]) -> i32 {
    let mut collapsed = 0;

    if sys::unmap(FIELD.start, FIELD.len()).is_err() {
        return WRONG;
    }
    for range in ranges {
        match process_madvise(parent, &[*range], libc::MADV_COLLAPSE) {
            Ok(()) => collapsed += 1,
            Err(error) if may_fail_with(&error) => {}
            Err(_) => return WRONG,
        }
    }
    collapsed
}

impl Antagonist for Collapse<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let region = self.scene.huge();
        let ranges: Vec<libc::iovec> = (0..RANGES)
            .filter_map(|_| region.any_unit(*KINDS.choose(rng).unwrap(), rng))
            .map(|(addr, len)| {
                make_whole(addr, len);
                libc::iovec {
                    iov_base: addr as *mut _,
                    iov_len: len,
                }
            })
            .collect();

        let status = Child::fork(|| child(&self.pidfd, &ranges))?.wait()?;
        match status.code() {
            Some(collapsed) if collapsed < WRONG => {
                self.scene.gains.add("collapse", collapsed as u64);
            }
            _ => bail!("a process that collapses another one's memory ended with {status}"),
        }
        for _ in 0..PAGES {
            region.observe(region.any_page(rng), *WORDS.choose(rng).unwrap(), By::Cpu)?;
        }
        Ok(())
    }
}
