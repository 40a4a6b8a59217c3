// SPDX-License-Identifier: GPL-2.0

//! All that a run is about: the regions.

use super::{
    cgroup::Cgroup,
    effects::Gains,
    kind::Kind,
    region::Region,
    shape::Shape, //
};
use crate::say::say;
use anyhow::Result;
use mem::PAGE;
use rand::{
    rngs::ChaCha8Rng,
    seq::IndexedRandom, //
};
use std::{
    io,
    path::Path,
    sync::atomic::{
        AtomicBool,
        AtomicU64,
        Ordering, //
    }, //
};

/// Where regions start. All slots of the first one are in the range of one page table.
const BASES: [usize; 3] = [0x10_0000, 0x10_0000_0000, 0x20_0000_0000];

/// The size of a huge page in bytes.
pub const HUGE_PAGE: usize = 2 << 20;

/// Where the kernel says how it uses huge pages, if it can.
pub const THP: &str = "/sys/kernel/mm/transparent_hugepage";

/// How often the pattern of the mixed region is repeated.
const REPEATS: usize = 24;

/// Kinds, in an order in which no two neighbours merge. `None` is a hole.
const PATTERN: [Option<Kind>; 16] = [
    Some(Kind::Anonymous),
    Some(Kind::Shared),
    Some(Kind::MemfdPrivate),
    Some(Kind::MemfdShared),
    Some(Kind::Locked),
    Some(Kind::Swapped),
    Some(Kind::ReadOnly),
    None,
    Some(Kind::Tmpfs),
    Some(Kind::NoFork),
    Some(Kind::Punched),
    Some(Kind::PunchedPrivate),
    Some(Kind::Twin),
    Some(Kind::Code),
    Some(Kind::ReadOnly),
    None,
];

/// The regions, and what their movers must know of the antagonists.
pub struct Scene {
    pub regions: Vec<Region>,
    /// The group that the regions are charged to, or why there is none.
    pub cgroup: Result<Cgroup>,
    /// Memory is limited, so that a move may lack some.
    pub short_of_memory: AtomicBool,
    pub moves: AtomicU64,
    /// What antagonists count.
    pub gains: Gains,
    pub segments: AtomicU64,
}

/// A few mappings.
fn low() -> Shape {
    let parts = [
        Some(Kind::Anonymous),
        Some(Kind::ReadOnly),
        None,
        Some(Kind::Anonymous),
    ];

    Shape::new((0..12).map(|index| (1 + index % 2, parts[index % parts.len()])))
}

/// Many mappings of all kinds.
fn mixed() -> Shape {
    Shape::new((0..REPEATS * PATTERN.len()).map(|index| {
        let kind = PATTERN[index % PATTERN.len()];
        let len = match kind {
            Some(Kind::Twin) => 4,
            _ => 1 + index * 7 % 3,
        };
        (len, kind)
    }))
}

/// Mappings large enough for huge pages. Its length is a multiple of theirs, so that most slots
/// are aligned to them.
fn huge() -> Shape {
    Shape::new([
        (512, Some(Kind::Huge)),
        (200, Some(Kind::Shared)),
        (56, None),
        (256, Some(Kind::Anonymous)),
        (512, Some(Kind::Huge)),
        // Its page tables may go while it moves, as others collapse its pages in the page cache.
        (512, Some(Kind::MemfdShared)),
    ])
}

impl Scene {
    /// Maps the regions.
    pub fn make() -> Result<Self> {
        let [first, second, third] = BASES;
        let mut cgroup = Cgroup::join();
        if !Path::new(THP).exists() {
            say!("{:16} left out: no {THP}", "huge pages");
        }
        let regions = vec![
            Region::make("low", 0, first, PAGE, low())?,
            Region::make("mixed", 1, second, PAGE, mixed())?,
            Region::make("huge", 2, third, HUGE_PAGE, huge())?,
        ];
        if let Ok(cgroup) = &mut cgroup {
            cgroup.set_up()?;
        }

        Ok(Scene {
            regions,
            cgroup,
            short_of_memory: AtomicBool::new(false),
            moves: AtomicU64::new(0),
            gains: Gains::default(),
            segments: AtomicU64::new(0),
        })
    }

    /// May a call have failed because an antagonist makes memory short?
    pub fn lacks_memory(&self, error: &io::Error) -> bool {
        error.raw_os_error() == Some(libc::ENOMEM) && self.short_of_memory.load(Ordering::Relaxed)
    }

    /// What came of a call that has to succeed unless memory is short. Returns whether it did.
    pub fn succeeded(&self, result: io::Result<()>) -> io::Result<bool> {
        match result {
            Ok(()) => Ok(true),
            Err(error) if self.lacks_memory(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Picks a region.
    pub fn any_region(&self, rng: &mut ChaCha8Rng) -> &Region {
        self.regions.choose(rng).expect("a region")
    }

    /// The region that one read of `/proc/self/maps` shows.
    pub fn low(&self) -> &Region {
        &self.regions[0]
    }

    /// The region that has huge pages.
    pub fn huge(&self) -> &Region {
        &self.regions[2]
    }

    /// The region that has all kinds.
    pub fn mixed(&self) -> &Region {
        &self.regions[1]
    }
}
