// SPDX-License-Identifier: GPL-2.0

//! Moves a region to and fro, and checks it after each move.

use super::{
    cover,
    kind::Kind,
    position::{
        Place,
        Position,
        SLOTS, //
    },
    region::{
        make_whole,
        By,
        Region, //
    },
    sabotage::{
        move_in_steps,
        spoil,
        Sabotage, //
    },
    scene::Scene,
    stamp::{
        Sight,
        WORDS, //
    }, //
};
use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};
use mem::{
    maps,
    peek::Fault,
    sys::{
        self,
        Leave, //
    },
    PAGE, //
};
use rand::{
    rngs::ChaCha8Rng,
    seq::IndexedRandom,
    RngExt, //
};
use std::{
    ops::Range,
    sync::atomic::Ordering,
    thread,
    time::Duration, //
};

/// One move in so many is followed by a look at `/proc/self/maps`.
const MAPS_EVERY: u32 = 8;

/// How often a mover pauses, and for how long: KSM and khugepaged need some time for a page.
const PAUSE_EVERY: u32 = 32;
const PAUSE: Duration = Duration::from_millis(100);

/// One unit in so many is swapped out or made of huge pages before a move.
const PREPARE_EVERY: u32 = 8;

/// One page in so many is looked for where it was.
const LEFT_EVERY: usize = 16;

/// Moves one region.
pub struct Mover<'a> {
    scene: &'a Scene,
    region: &'a Region,
    position: Position,
    sabotage: Option<Sabotage>,
}

impl<'a> Mover<'a> {
    pub fn new(scene: &'a Scene, region: &'a Region, sabotage: Option<Sabotage>) -> Self {
        Mover {
            scene,
            region,
            sabotage,
            position: region.position.load().unpack(),
        }
    }

    /// Moves the region, or a part of it there and back.
    pub fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let Place::Rest { at, .. } = self.position.place else {
            bail!("a move has not ended");
        };
        let others: Vec<usize> = (0..SLOTS).filter(|slot| *slot != at).collect();
        let to = *others.choose(rng).unwrap();
        let leave = |rng: &mut ChaCha8Rng| match rng.random_ratio(1, 3) {
            true => Leave::Mappings,
            false => Leave::Nothing,
        };

        if rng.random_ratio(1, PAUSE_EVERY) {
            thread::sleep(PAUSE);
        }
        self.prepare(at, rng);
        if rng.random_ratio(1, 3) {
            let part = self.any_part(rng);
            if self.go(&part, at, to, leave(rng))? {
                self.go(&part, to, at, leave(rng))?;
            }
        } else {
            self.go(&(0..self.region.shape.len()), at, to, leave(rng))?;
        }
        Ok(())
    }

    /// Picks a part, which starts with a page that is mapped and cuts whatever it does.
    fn any_part(&self, rng: &mut ChaCha8Rng) -> Range<usize> {
        let start = self.region.any_page(rng);

        start..rng.random_range(start + 1..=self.region.shape.len())
    }

    /// Swaps some units out, and makes some of huge pages, so that the next move finds them so.
    /// Whether that really happens is up to the kernel.
    fn prepare(&self, at: usize, rng: &mut ChaCha8Rng) {
        for unit in self.region.shape.units() {
            if !rng.random_ratio(1, PREPARE_EVERY) {
                continue;
            }
            let (addr, len) = (
                self.region.addr(at, unit.pages.start),
                unit.pages.len() * PAGE,
            );
            let advice: &[i32] = match unit.kind {
                Kind::Swapped => &[libc::MADV_PAGEOUT],
                Kind::Huge => {
                    make_whole(addr, len);
                    &[libc::MADV_COLLAPSE]
                }
                _ => &[],
            };
            for advice in advice {
                let _ = sys::advise(addr, len, *advice);
            }
        }
    }

    fn set(&mut self, place: Place) {
        self.position.place = place;
        self.region.position.store(&self.position);
    }

    /// Unmaps what an earlier move left, unless the next one, of `part` to `to`, goes over it all.
    /// Returns whether it does.
    fn clear(&mut self, part: &Range<usize>, to: usize) -> Result<bool> {
        let old = self.position.part.clone();
        let Place::Rest {
            at,
            left: Some(left),
        } = self.position.place
        else {
            return Ok(false);
        };
        if left == to && part.start <= old.start && old.end <= part.end {
            return Ok(true);
        }
        sys::unmap(self.region.addr(left, old.start), old.len() * PAGE).context("munmap")?;
        self.set(Place::Rest { at, left: None });
        Ok(false)
    }

    /// Moves a part from a slot to another one. Returns whether it went.
    fn go(&mut self, part: &Range<usize>, from: usize, to: usize, leave: Leave) -> Result<bool> {
        let keep = leave == Leave::Mappings;
        let over = self.clear(part, to)?;
        let len = part.len() * PAGE;

        self.position.number += 1;
        self.position.part = part.clone();
        self.set(Place::Move {
            from,
            to,
            keep,
            over,
        });
        let (old, new) = (
            self.region.addr(from, part.start),
            self.region.addr(to, part.start),
        );
        let result = match self.sabotage {
            Some(Sabotage::Steps) => move_in_steps(self.region, part, from, to, leave),
            _ => sys::move_range(old, len, new, leave),
        };

        if let Err(error) = result {
            self.stay(&error, from, to)?;
            return Ok(false);
        }
        if part.len() == self.region.shape.len() {
            self.position.rest = to;
        }
        self.set(Place::Rest {
            at: to,
            left: keep.then_some(from),
        });
        self.scene.moves.fetch_add(1, Ordering::Relaxed);
        self.scene.segments.fetch_add(
            self.region.shape.units_in(part).count() as u64,
            Ordering::Relaxed,
        );
        if let Some(sabotage) = self.sabotage {
            spoil(sabotage, new)?;
        }
        self.check(from, to, leave)?;
        Ok(true)
    }

    /// A move failed: expects everything to be where it was. What was at the destination before
    /// may be gone, so that the rest of it is unmapped.
    fn stay(&mut self, error: &std::io::Error, from: usize, to: usize) -> Result<()> {
        let part = self.position.part.clone();

        ensure!(
            self.scene.lacks_memory(error),
            "mremap() of region {}: {error}; {}",
            self.region.name,
            self.position
        );
        sys::unmap(self.region.addr(to, part.start), part.len() * PAGE).context("munmap")?;
        self.set(Place::Rest {
            at: from,
            left: None,
        });
        self.check(to, from, Leave::Nothing)
    }

    /// Expects the part to have gone from one slot to the other.
    fn check(&self, from: usize, to: usize, leave: Leave) -> Result<()> {
        let pages = self.region.shape.mapped_in(&self.position.part);

        for page in pages {
            for word in WORDS {
                let found = self.region.look(to, *page, word, By::Cpu)?;
                if found.sight != Sight::Page {
                    return Err(self.region.wrong(&found, &self.position));
                }
            }
            if self.region.shape.unit(*page).kind == Kind::Code {
                ensure!(
                    self.region.call(to, *page)?,
                    "{} cannot be called; {}",
                    self.region.name_page(to, *page),
                    self.position
                );
            }
            self.check_left(from, *page, leave)?;
        }
        self.region.count(pages.len());
        if self.position.number % MAPS_EVERY == 1 {
            cover::check(&maps::read()?, self.region, &self.position).context("/proc/self/maps")?;
        }
        Ok(())
    }

    /// Expects a page not to be where it was as well.
    ///
    /// One page in so many is looked at, another one after each move: a look at what is not mapped
    /// waits for all that hold the mmap lock, and one at what a move left maps a page there, while
    /// the next move shall also go over some that were never touched.
    fn check_left(&self, from: usize, page: usize, leave: Leave) -> Result<()> {
        if page % LEFT_EVERY != self.position.number as usize % LEFT_EVERY {
            return Ok(());
        }
        let kind = self.region.shape.unit(page).kind;
        let found = self
            .region
            .look(from, page, WORDS[page % WORDS.len()], By::Cpu)?;
        let mapped = found.found != Err(Fault::Unmapped);
        let right = match leave {
            Leave::Nothing => !mapped,
            // Private pages have gone, those of a file are seen through any mapping of it.
            Leave::Mappings if kind.once() => mapped && found.sight == Sight::Gone,
            Leave::Mappings => mapped && found.sight == Sight::Page,
        };
        ensure!(
            right,
            "what a move left is wrong: {:#}",
            self.region.wrong(&found, &self.position)
        );
        Ok(())
    }
}
