// SPDX-License-Identifier: GPL-2.0

//! Moving a layout between two places.

use crate::layout::Layout;
use anyhow::{
    Context,
    Result, //
};
use bench::case::{
    Case,
    Way, //
};
use mem::sys::{
    self,
    move_range,
    Leave, //
};
use std::{
    io,
    thread::sleep,
    time::{
        Duration,
        Instant, //
    }, //
};

/// Where layouts are made, and where they go. Both have room for any, and are aligned alike.
pub const PLACES: [usize; 2] = [0x10_0000_0000, 0x20_0000_0000];

/// What the kernel frees when nobody waits for it must not be counted with the next move.
const SETTLE: Duration = Duration::from_millis(150);

/// A layout that goes to and fro.
pub struct Shift {
    layout: Layout,
    case: Case,
    /// Where it is, an index of [`PLACES`].
    place: usize,
}

impl Shift {
    pub fn new(case: Case) -> Result<Self> {
        Ok(Shift {
            layout: Layout::make(case, PLACES[0])?,
            case,
            place: 0,
        })
    }

    fn calls(&self, way: Way, leave: Leave) -> io::Result<()> {
        let [from, to] = self.ends();
        let (len, segment) = (self.layout.len(), self.layout.segment);

        match way {
            Way::One => move_range(from, len, to, leave),
            Way::Loop => (0..len)
                .step_by(segment)
                .try_for_each(|offset| move_range(from + offset, segment, to + offset, leave)),
        }
    }

    /// Where the layout is, and where it goes next.
    fn ends(&self) -> [usize; 2] {
        [PLACES[self.place], PLACES[1 - self.place]]
    }

    /// Can this kernel move it this way? If not, it has to be where it was: a kernel that moves one
    /// mapping after the other may have moved some.
    pub fn possible(&mut self, way: Way) -> Result<bool> {
        match self.time(way) {
            Ok(_) => Ok(true),
            Err(error) if way == Way::One && refused(&error) => {
                let [from, _] = self.ends();
                self.layout.check(from).context("a refused move")?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Moves the layout to the other place, and returns how long that took.
    pub fn time(&mut self, way: Way) -> Result<Duration> {
        self.time_between(way, || Ok(()), || Ok(()))
    }

    /// Moves the layout to the other place and back. The two differ: the result is the mean.
    pub fn round_trip(&mut self, way: Way) -> Result<u64> {
        Ok((self.time(way)? + self.time(way)?).as_nanos() as u64 / 2)
    }

    /// Moves it once, with something that is done right before and right after.
    pub fn time_between(
        &mut self,
        way: Way,
        before: impl FnOnce() -> Result<()>,
        after: impl FnOnce() -> Result<()>,
    ) -> Result<Duration> {
        let leave = match self.case.keep {
            true => Leave::Mappings,
            false => Leave::Nothing,
        };
        let [from, to] = self.ends();

        sleep(SETTLE);
        before()?;
        let start = Instant::now();
        let moved = self.calls(way, leave);
        let took = start.elapsed();
        after()?;
        moved.with_context(|| format!("{}: mremap", self.case))?;

        self.place = 1 - self.place;
        self.layout.check(to)?;
        if self.case.keep {
            // What is left behind would be in the way of the next move.
            sys::unmap(from, self.layout.len())?;
        }
        Ok(took)
    }

    /// Unmaps the layout.
    pub fn remove(self) -> Result<()> {
        self.layout.remove(PLACES[self.place])
    }
}

/// Did the kernel say that it does not move several mappings?
fn refused(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.raw_os_error() == Some(libc::EFAULT))
}
