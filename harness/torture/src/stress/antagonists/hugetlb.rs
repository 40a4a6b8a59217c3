// SPDX-License-Identifier: GPL-2.0

//! Moves hugetlb memory, while another mapping shares its page table and loses pages.
//!
//! ```text
//!   moves   [ 1 GiB of a file ][ private, 4 huge pages ][ anonymous ]
//!   stays   [ 1 GiB of a file ]
//! ```
//!
//! The file has pages at its start, the rest is never used.

use super::{
    migrate::move_pages,
    Antagonist, //
};
use crate::{
    child::Child,
    stress::{
        files::{
            memfd_of,
            punch, //
        },
        scene::{
            Scene,
            HUGE_PAGE, //
        },
        workers::random, //
    }, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use mem::{
    peek::{
        peek,
        poke,
        Fault, //
    },
    sys::{
        self,
        Leave,
        Source, //
    },
    PAGE, //
};
use rand::{
    rngs::ChaCha8Rng,
    seq::IndexedRandom,
    RngExt, //
};
use std::{
    fs::File,
    os::fd::AsFd,
    sync::{
        atomic::{
            AtomicBool,
            Ordering, //
        },
        Arc, //
    },
    thread::{
        self,
        JoinHandle, //
    }, //
};

/// What one page table maps, in bytes, and how much is mapped of the file.
const GIB: usize = 1 << 30;

/// How many huge pages of the file are used.
const USED: usize = 8;

const PRIVATE: usize = 4 * HUGE_PAGE;
const LEN: usize = GIB + PRIVATE + PAGE;

/// Where the memory moves to and fro, and where the other mapping stays. Mappings share tables if
/// they start where a table does.
const OTHER: usize = 0x30_0000_0000;
const SLOTS: [usize; 3] = [
    OTHER + 4 * GIB,
    OTHER + 8 * GIB,
    OTHER + 12 * GIB + HUGE_PAGE,
];

/// What a page carries.
fn stamp(page: usize) -> u64 {
    0x4A << 56 | page as u64
}

/// The memory that moves, and what happens to the rest meanwhile.
struct Hugetlb<'a> {
    scene: &'a Scene,
    at: usize,
    stop: Arc<AtomicBool>,
    user: Option<JoinHandle<Result<()>>>,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let at = SLOTS[0];
    let flags = libc::MFD_HUGETLB | libc::MFD_HUGE_2MB;
    let file = memfd_of(c"hugetlb", flags, GIB).context("no hugetlb")?;

    for addr in [at, OTHER] {
        sys::map(addr, GIB, Source::Sparse(file.as_fd())).context("mmap of hugetlb")?;
    }
    sys::map(at + GIB, PRIVATE, Source::Huge).context("too few huge pages")?;
    sys::map(at + GIB + PRIVATE, PAGE, Source::Anonymous)?;
    for (number, addr) in pages(at).enumerate() {
        poke(addr, stamp(number))
            .ok()
            .context("too few huge pages")?;
    }

    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let user = thread::spawn(move || {
        let mut rng = random(1, "hugetlb");

        while !stopped.load(Ordering::Relaxed) {
            use_other(&file, &mut rng)?;
        }
        Ok(())
    });
    Ok(Box::new(Hugetlb {
        scene,
        at,
        stop,
        user: Some(user),
    }))
}

/// The addresses of the pages that are used, where the memory is: of the file first.
fn pages(at: usize) -> impl Iterator<Item = usize> {
    let of_file = (0..USED).map(move |page| at + page * HUGE_PAGE);
    let private = (0..PRIVATE)
        .step_by(HUGE_PAGE)
        .map(move |offset| at + GIB + offset);

    of_file.chain(private).chain([at + GIB + PRIVATE])
}

/// Is this the page? One of the file may have been taken out.
fn is_page(found: Result<u64, Fault>, page: usize) -> bool {
    found == Ok(stamp(page)) || page < USED && found == Ok(0)
}

fn expect(found: Result<u64, Fault>, page: usize, what: &str) -> Result<()> {
    ensure!(
        is_page(found, page),
        "hugetlb: page {page} {what}: {found:x?}"
    );
    Ok(())
}

/// Does something to the mapping that stays, to the file, or to what is in a slot.
fn use_other(file: &File, rng: &mut ChaCha8Rng) -> Result<()> {
    let page = rng.random_range(0..USED);
    let addr = OTHER + page * HUGE_PAGE;

    match rng.random_range(0..8) {
        0 => sys::advise(OTHER, GIB, libc::MADV_DONTNEED).context("MADV_DONTNEED")?,
        1 => punch(file, page, HUGE_PAGE)?,
        2 => {
            let all_there = || (0..USED).all(|page| is_page(peek(OTHER + page * HUGE_PAGE), page));
            let status = Child::fork(|| i32::from(!all_there()))?.wait()?;
            ensure!(status.success(), "hugetlb: a child lacks a page: {status}");
        }
        3 => {
            // It may be gone, or busy; there may be one node.
            let _ = move_pages(&[addr], rng.random_range(0..2));
        }
        4 => {
            let slot = *SLOTS.choose(rng).unwrap();
            match peek(slot + page * HUGE_PAGE) {
                Err(Fault::Unmapped) => {}
                found => expect(found, page, "where it moves")?,
            }
        }
        _ => {
            let found = peek(addr);
            expect(found, page, "of the mapping that stays")?;
            if found == Ok(0) {
                ensure!(poke(addr, stamp(page)).is_ok(), "hugetlb: no store");
            }
        }
    }
    Ok(())
}

impl Antagonist for Hugetlb<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let others: Vec<usize> = SLOTS.into_iter().filter(|slot| *slot != self.at).collect();
        let to = *others.choose(rng).unwrap();

        let result = sys::move_range(self.at, LEN, to, Leave::Nothing);
        if self
            .scene
            .succeeded(result)
            .context("mremap() of hugetlb")?
        {
            self.at = to;
        }
        for (page, addr) in pages(self.at).enumerate() {
            expect(peek(addr), page, "after a move")?;
        }
        if self.user.as_ref().is_some_and(JoinHandle::is_finished) {
            let ended = self.user.take().expect("it is there").join();
            ended.expect("a thread that does not panic")?;
        }
        Ok(())
    }
}

impl Drop for Hugetlb<'_> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(user) = self.user.take() {
            let _ = user.join();
        }
        let _ = sys::unmap(self.at, LEN);
        let _ = sys::unmap(OTHER, GIB);
    }
}
