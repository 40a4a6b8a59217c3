// SPDX-License-Identifier: GPL-2.0

//! Threads that wait for futexes while their memory moves.
//!
//! A futex of a file is known by the place in the file: it is the same one at any address. Other
//! ones are known by their address. Who waits there stays there, whatever becomes of the memory.

use super::Antagonist;
use crate::{
    errno,
    stress::{
        files::memfd,
        scene::Scene,
        shuttle::{
            home,
            Shuttle, //
        },
        stamp::word, //
    }, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use mem::{
    futex::Futex,
    peek::{
        self,
        poke, //
    },
    sys::{
        self,
        Source, //
    },
    PAGE, //
};
use rand::rngs::ChaCha8Rng;
use std::{
    io,
    os::fd::AsFd,
    thread::{
        self,
        ScopedJoinHandle, //
    },
    time::{
        Duration,
        Instant, //
    }, //
};

const MAPPINGS: usize = 20;

/// Pages of the range that may be written to: a futex for this process alone, one for any.
const OWN: usize = 4;
const ANY: usize = 10;

/// How long waiters wait at most, as one that is lost must not hang, and how long it may take until
/// they do.
const PATIENCE: Duration = Duration::from_secs(80);
const BEFORE: Duration = Duration::from_secs(30);

fn expect_woken(futex: Futex, wanted: usize, what: &str) -> Result<()> {
    let woken = futex.wake().with_context(|| format!("waking {what}"))?;

    ensure!(
        woken == wanted,
        "{woken} waiters were woken, not {wanted}: {what}, at {:#x}",
        futex.addr
    );
    Ok(())
}

struct Futexes<'a> {
    scene: &'a Scene,
    shuttle: Shuttle,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let file = memfd(c"futex", 1)?;
    let shuttle = Shuttle::make(home::FUTEX, MAPPINGS, 1)?;
    let page = shuttle.tail();

    sys::map(page, PAGE, Source::Shared(file.as_fd(), 0))?;
    ensure!(poke(page, 0).is_ok(), "a page cannot be written to");
    let futex = Futex {
        addr: page,
        private: true,
    };
    futex.wake().context("no futexes")?;
    Ok(Box::new(Futexes { scene, shuttle }))
}

impl Futexes<'_> {
    /// The futexes of this process alone, of any, and of a file, if the range is at a place.
    fn at(&self, place: usize) -> [Futex; 3] {
        let of = |page: usize, private| Futex {
            addr: peek::word(place + page * PAGE, word::STORE),
            private,
        };

        [of(OWN, true), of(ANY, false), of(MAPPINGS, false)]
    }

    /// Moves, and wakes who waits for futexes at the former place. Returns whether it moved.
    fn go(&mut self) -> Result<bool> {
        let [old_own, old_any, old_file] = self.at(self.shuttle.at());
        let [new_own, new_any, new_file] = self.at(self.shuttle.away());
        let former = self.shuttle.at();
        let went = self.scene.succeeded(self.shuttle.go());

        if !went.context("mremap() of futexes")? {
            for futex in [old_own, old_any, old_file] {
                expect_woken(futex, 1, "a futex that did not move")?;
            }
            return Ok(false);
        }
        expect_woken(new_own, 0, "a private futex at its new address")?;
        expect_woken(new_any, 0, "a futex of anonymous memory at its new address")?;
        expect_woken(new_file, 1, "a futex of a file at its new address")?;
        expect_woken(old_own, 1, "a private futex at its former address")?;
        errno::expect(
            old_any.wake(),
            libc::EFAULT,
            "waking a futex where nothing is mapped any more",
        )?;
        // Other memory there does as well, as it is the address that counts.
        let page = former + ANY * PAGE;
        sys::map(page, PAGE, Source::Anonymous).context("mmap")?;
        let woken = expect_woken(
            old_any,
            1,
            "a futex of anonymous memory at its former address",
        );
        sys::unmap(page, PAGE).context("munmap")?;
        woken.map(|()| true)
    }
}

/// Waits until a thread waits for a futex, or has given up.
fn until_waiting(futex: Futex, thread: &ScopedJoinHandle<io::Result<()>>) -> Result<()> {
    let start = Instant::now();

    while futex.waiters().context("FUTEX_CMP_REQUEUE")? == 0 {
        ensure!(
            !thread.is_finished() && start.elapsed() < BEFORE,
            "a thread does not wait for a futex"
        );
        thread::sleep(Duration::from_micros(100));
    }
    Ok(())
}

impl Antagonist for Futexes<'_> {
    fn act(&mut self, _: &mut ChaCha8Rng) -> Result<()> {
        let futexes = self.at(self.shuttle.at());

        thread::scope(|scope| -> Result<()> {
            let threads = futexes.map(|futex| scope.spawn(move || futex.wait(PATIENCE)));
            for (futex, thread) in futexes.into_iter().zip(&threads) {
                until_waiting(futex, thread)?;
            }
            let went = self.go()?;
            for thread in threads {
                let waited = thread.join().expect("a thread that does not panic");
                waited.context("waiting for a futex")?;
            }
            if went {
                self.scene.gains.add("futex", futexes.len() as u64);
            }
            Ok(())
        })?;
        self.shuttle.check()
    }
}
