// SPDX-License-Identifier: GPL-2.0

//! Pages that a thread of ours fills, by userfaultfd, beside a range that moves.
//!
//! ```text
//!   [guarded][rw][r-][rw]...[r-][rw][guarded]      at both places, of which the middle moves
//! ```
//!
//! The guarded pages stay what they are. If a mapping of the range is guarded as well, the range
//! does not move. A guarded mapping alone does: who guards it is told where it went, and fills its
//! pages there.

use super::Antagonist;
use crate::{
    errno,
    stress::{
        guard::{
            filling,
            Guard, //
        },
        scene::Scene,
        shuttle::{
            home,
            Shuttle, //
        }, //
    }, //
};
use anyhow::{
    anyhow,
    ensure,
    Context,
    Result, //
};
use mem::{
    peek::{
        peek,
        poke, //
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
    RngExt, //
};
use std::{
    io,
    sync::Arc,
    thread::{
        self,
        JoinHandle, //
    }, //
};

const MAPPINGS: usize = 20;

/// How far a mapping is from the range that is guarded and moves alone, and how many pages it has.
const ALONE: usize = 0x1000_0000;
const PAGES: usize = 4;

struct Userfaultfd<'a> {
    scene: &'a Scene,
    shuttle: Shuttle,
    guard: Arc<Guard>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let guard = Arc::new(Guard::open().context("userfaultfd")?);
    let shuttle = Shuttle::make(home::USERFAULTFD, MAPPINGS, 0)?;
    let worker = guard.clone();
    let userfaultfd = Userfaultfd {
        scene,
        shuttle,
        thread: Some(thread::spawn(move || worker.work())),
        guard,
    };

    for page in userfaultfd.guarded() {
        sys::map(page, PAGE, Source::Anonymous)?;
        userfaultfd.guard.register(page, PAGE)?;
    }
    Ok(Box::new(userfaultfd))
}

/// Expects a page to be filled for an address. It is when it is looked at, if it was not before.
fn expect(addr: usize, filled_for: usize, what: &str) -> Result<()> {
    let (found, wanted) = (peek(addr), filling(filled_for));

    ensure!(
        found == Ok(wanted),
        "userfaultfd: {what} at {addr:#x} has {found:x?}, not {wanted:#x}"
    );
    Ok(())
}

impl Userfaultfd<'_> {
    /// The pages beside both places.
    fn guarded(&self) -> [usize; 4] {
        let [first, second] = [self.shuttle.at(), self.shuttle.away()];
        let len = self.shuttle.len();

        [first - PAGE, first + len, second - PAGE, second + len]
    }

    /// Moves the range. Pages beside it are filled where they are.
    fn go(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let page = self.guarded()[rng.random_range(0..4)];

        match rng.random_ratio(1, 2) {
            true => sys::advise(page, PAGE, libc::MADV_DONTNEED).context("MADV_DONTNEED")?,
            false => {
                self.guard.unregister(page, PAGE)?;
                self.guard.register(page, PAGE)?;
            }
        }
        let went = self.scene.succeeded(self.shuttle.go());
        went.context("mremap() beside what userfaultfd guards")?;
        expect(page, page, "a page beside a range that moved")?;
        self.shuttle.check()
    }

    /// Tries to move the range while a mapping of it is guarded.
    fn try_guarded(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let page = self.shuttle.at() + rng.random_range(0..MAPPINGS) * PAGE;

        self.guard.register(page, PAGE)?;
        let result = self.shuttle.try_part(self.shuttle.len(), Leave::Nothing);
        self.guard.unregister(page, PAGE)?;
        errno::expect(
            result,
            libc::EFAULT,
            "a move of a range with a mapping that userfaultfd guards",
        )?;
        self.shuttle.check()
    }

    /// Moves a guarded mapping alone, of which half of the pages are filled.
    fn move_alone(&self) -> Result<()> {
        let [from, to] = [self.shuttle.at(), self.shuttle.away()].map(|place| place + ALONE);
        let len = PAGES * PAGE;

        sys::map(from, len, Source::Anonymous).context("mmap")?;
        let moved = self.move_to(from, to);
        for place in [from, to] {
            sys::unmap(place, len).context("munmap")?;
        }
        moved
    }

    fn move_to(&self, from: usize, to: usize) -> Result<()> {
        let len = PAGES * PAGE;
        let half = len / 2;

        self.guard.register(from, len)?;
        for offset in (0..half).step_by(PAGE) {
            expect(from + offset, from + offset, "a page that is to move")?;
        }
        let result = sys::move_range(from, len, to, Leave::Nothing);
        if !self
            .scene
            .succeeded(result)
            .context("mremap() of what userfaultfd guards")?
        {
            return Ok(());
        }
        let told = self.guard.told();
        ensure!(
            told == Some([from, to, len]),
            "userfaultfd told of the move {told:x?}, not of {:x?}",
            [from, to, len]
        );
        for offset in (0..len).step_by(PAGE) {
            let filled_at = if offset < half { from } else { to };
            expect(to + offset, filled_at + offset, "a page that moved")?;
        }
        poke(to, 0).map_err(|fault| anyhow!("a page that moved: {fault:?}"))
    }
}

impl Antagonist for Userfaultfd<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let before = self.guard.filled();

        self.go(rng)?;
        self.try_guarded(rng)?;
        self.move_alone()?;
        if let Some(thread) = self.thread.take_if(|thread| thread.is_finished()) {
            let ended = thread.join().expect("a thread that does not panic");
            ended.context("filling pages")?;
        }
        let filled = self.guard.filled() - before;
        self.scene.gains.add("userfaultfd", filled);
        Ok(())
    }
}

impl Drop for Userfaultfd<'_> {
    fn drop(&mut self) {
        for page in self.guarded() {
            let _ = sys::unmap(page, PAGE);
        }
        self.guard.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
