// SPDX-License-Identifier: GPL-2.0

//! Migrates pages between two NUMA nodes.

use super::Antagonist;
use crate::stress::scene::Scene;
use anyhow::{
    ensure,
    Context,
    Result, //
};
use mem::{
    checked,
    PAGE, //
};
use rand::{
    rngs::ChaCha8Rng,
    RngExt, //
};
use std::{
    fs,
    io, //
};

/// How many pages one call names at most.
const PAGES: usize = 64;

/// Move what only this process maps.
const MPOL_MF_MOVE: i32 = 1 << 1;

struct Migrate<'a>(&'a Scene);

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let online = fs::read_to_string("/sys/devices/system/node/online").context("no NUMA")?;

    ensure!(
        online.trim().starts_with("0-"),
        "there is one NUMA node: boot with numa=fake=2"
    );
    migrate_pages(0).context("migrate_pages")?;
    Ok(Box::new(Migrate(scene)))
}

/// Moves all pages of the process that are on the other node to a node.
fn migrate_pages(to: u32) -> io::Result<()> {
    let (old, new): (u64, u64) = (1 << (1 - to), 1 << to);
    let bits = u64::from(u64::BITS);

    // SAFETY: The masks are ours, and as long as is said.
    checked(unsafe { libc::syscall(libc::SYS_migrate_pages, 0, bits, &old, &new) }).map(drop)
}

/// Moves pages to a node. Each has a status of its own, which does not matter.
pub(super) fn move_pages(pages: &[usize], to: i32) -> io::Result<()> {
    let nodes = vec![to; pages.len()];
    let mut status = vec![0; pages.len()];

    // SAFETY: The arrays are ours, and as long as is said.
    checked(unsafe {
        libc::syscall(
            libc::SYS_move_pages,
            0,
            pages.len(),
            pages.as_ptr(),
            nodes.as_ptr(),
            status.as_mut_ptr(),
            MPOL_MF_MOVE,
        )
    })
    .map(drop)
}

impl Antagonist for Migrate<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let to = rng.random_range(0..2);

        let result = if rng.random_ratio(1, 8) {
            migrate_pages(to)
        } else {
            let (addr, len) = self.0.any_region(rng).any_range(PAGES, rng);
            let pages: Vec<usize> = (addr..addr + len).step_by(PAGE).collect();
            move_pages(&pages, to as i32)
        };
        match result.as_ref().map_err(|error| error.raw_os_error()) {
            // None of the pages is there; memory is short; they are in use.
            Err(Some(libc::ENOENT | libc::ENOMEM | libc::EBUSY | libc::EAGAIN)) => Ok(()),
            _ => result.context("migrate_pages or move_pages"),
        }
    }
}
