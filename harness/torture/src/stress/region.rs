// SPDX-License-Identifier: GPL-2.0

//! A region: memory of many kinds that moves between slots.

use super::{
    files::{
        self,
        Files, //
    },
    kind::Kind,
    position::{
        Place,
        Position,
        Shared,
        Spot,
        SLOTS, //
    },
    shape::{
        Shape,
        Unit, //
    },
    stamp::{
        self,
        Sight,
        Stamp, //
    }, //
};
use anyhow::{
    anyhow,
    Context,
    Result, //
};
use mem::{
    code::{
        self,
        Stop, //
    },
    peek::{
        self,
        Fault, //
    },
    remote,
    sys,
    PAGE, //
};
use std::{
    ops::Range,
    os::fd::AsFd,
    sync::atomic::{
        AtomicU64,
        Ordering, //
    }, //
};

/// Who looks at memory.
#[derive(Clone, Copy)]
pub enum By {
    /// The CPU, by a load.
    Cpu,
    /// The kernel, under the mmap lock.
    Kernel,
}

/// Memory of many kinds.
pub struct Region {
    pub name: &'static str,
    number: usize,
    pub shape: Shape,
    pub files: Files,
    pub position: Shared,
    /// Where the slots start.
    slots: [usize; SLOTS],
    /// How many pages were looked at and found to be as they should.
    pub checked: AtomicU64,
}

impl Region {
    /// Maps a region and stamps its pages.
    ///
    /// The first two slots touch, the third one is `gap` bytes further. The last one lies so that
    /// neither page tables nor huge pages line up with those of the others.
    pub fn make(
        name: &'static str,
        number: usize,
        base: usize,
        gap: usize,
        shape: Shape,
    ) -> Result<Self> {
        let len = shape.len() * PAGE;
        let third = base + 2 * len + gap;
        let position = Position {
            number: 0,
            rest: 0,
            part: 0..shape.len(),
            place: Place::Rest { at: 0, left: None },
        };
        let region = Region {
            name,
            number,
            files: Files::make(&shape)?,
            position: Shared::new(&position),
            slots: [base, base + len, third, third + len + gap + 3 * PAGE],
            shape,
            checked: AtomicU64::new(0),
        };

        for unit in region.shape.units() {
            region
                .make_unit(unit)
                .with_context(|| format!("making {:?} of region {name}", unit.kind))?;
        }
        Ok(region)
    }

    fn make_unit(&self, unit: &Unit) -> Result<()> {
        let Unit { kind, pages } = unit;
        let (addr, len) = (self.addr(0, pages.start), pages.len() * PAGE);
        let offset = pages.start * PAGE;
        let source = match (kind, self.files.of(*kind)) {
            (Kind::Shared, _) => sys::Source::SharedAnonymous,
            (_, None) => sys::Source::Anonymous,
            (_, Some(file)) if kind.shared() => sys::Source::Shared(file.as_fd(), offset),
            (_, Some(file)) => sys::Source::Private(file.as_fd(), offset),
        };

        sys::map(addr, len, source)?;
        if *kind == Kind::Huge {
            // A kernel without huge pages refuses, and uses small ones.
            let _ = sys::advise(addr, len, libc::MADV_HUGEPAGE);
        }
        for page in pages.clone() {
            if *kind == Kind::Code {
                let file = self.files.of(*kind).unwrap();
                files::write_function(file, page, self.stamp(page), self.result(page))?;
                continue;
            }
            if kind.over_file() {
                files::write_stamp(self.files.of(*kind).unwrap(), page, self.file_stamp(page))?;
            }
            for word in stamp::WORDS {
                peek::poke(peek::word(self.addr(0, page), word), self.stamp(page).0)
                    .map_err(|fault| anyhow!("a page cannot be written: {fault:?}"))?;
            }
        }
        match kind {
            Kind::ReadOnly => sys::protect(addr, len, false)?,
            Kind::Locked => sys::lock(addr, len, 0)?,
            Kind::NoFork => sys::advise(addr, len, libc::MADV_DONTFORK)?,
            Kind::Code => code::allow(addr, len)?,
            _ => {}
        }
        Ok(())
    }

    /// The address of a page in a slot.
    pub fn addr(&self, slot: usize, page: usize) -> usize {
        self.slots[slot] + page * PAGE
    }

    /// All addresses where it can be.
    pub fn field(&self) -> Range<usize> {
        self.slots[0]..self.addr(SLOTS - 1, self.shape.len())
    }

    /// What a page carries.
    pub fn stamp(&self, page: usize) -> Stamp {
        let unit = self.shape.unit_number(page);
        let kind = self.shape.unit(page).kind;

        match kind {
            Kind::Twin => Stamp::own(self.number, unit, 0),
            _ => Stamp::own(self.number, unit, page),
        }
    }

    /// What the function of a page of code returns.
    pub fn result(&self, page: usize) -> u16 {
        debug_assert!(self.number < 1 << 3 && page < 1 << 13);
        (self.number << 13 | page) as u16
    }

    /// Calls the function of a page of code in a slot. Nothing else but the function, nothing, or a
    /// breakpoint that the kernel takes for nobody's, may be there.
    pub fn call(&self, slot: usize, page: usize) -> Result<bool> {
        let at = peek::word(self.addr(slot, page), stamp::word::CODE);

        // SAFETY: Only the page of code is ever mapped there, which nobody writes to.
        match unsafe { code::call(at) } {
            Ok(number) if number == u32::from(self.result(page)) => Ok(true),
            Err(Stop::Unmapped) => Ok(false),
            other => Err(anyhow!(
                "{}: a call gives {other:x?}, not {:x}; {}",
                self.name_page(slot, page),
                self.result(page),
                self.position.load().unpack()
            )),
        }
    }

    fn file_stamp(&self, page: usize) -> Stamp {
        Stamp::file(self.number, self.shape.unit_number(page), page)
    }

    /// Looks for a page in a slot, by a word that carries its stamp.
    pub fn look(&self, slot: usize, page: usize, word: usize, by: By) -> Result<Found> {
        let addr = peek::word(self.addr(slot, page), word);
        let found = match by {
            By::Cpu => peek::peek(addr),
            By::Kernel => match remote::read::<1>(addr) {
                Ok([word]) => Ok(word),
                Err(error) if error.raw_os_error() == Some(libc::EFAULT) => Err(Fault::Unmapped),
                Err(error) => return Err(error).context("process_vm_readv"),
            },
        };
        let kind = self.shape.unit(page).kind;

        Ok(Found {
            slot,
            page,
            sight: stamp::judge(kind, self.stamp(page), self.file_stamp(page), found),
            found,
        })
    }

    /// Expects a page where it must be, whether it moves meanwhile or not.
    ///
    /// A page that moves is looked for at its old place first. If it is gone from there it must
    /// have arrived: a fault waits for the end of the move.
    pub fn observe(&self, page: usize, word: usize, by: By) -> Result<()> {
        let before = self.position.load();
        let position = before.unpack();
        let found = match position.spot(page) {
            Spot::At(slot) => self.look(slot, page, word, by)?,
            Spot::Either { from, to } => match self.look(from, page, word, by)? {
                gone if gone.sight == Sight::Gone => self.look(to, page, word, by)?,
                found => found,
            },
        };

        match found.sight {
            // It went elsewhere while we looked.
            Sight::Gone if self.position.load() != before => return Ok(()),
            Sight::Page => {}
            Sight::Gone | Sight::Wrong => return Err(self.wrong(&found, &position)),
        }
        self.count(1);
        Ok(())
    }

    /// Counts pages that were as they should be.
    pub fn count(&self, pages: usize) {
        self.checked.fetch_add(pages as u64, Ordering::Relaxed);
    }

    /// Says that a page is not what or where it should be.
    pub fn wrong(&self, found: &Found, position: &Position) -> anyhow::Error {
        let Found {
            slot, page, found, ..
        } = *found;
        anyhow!(
            "{}: found {}, expected {}; {position}",
            self.name_page(slot, page),
            stamp::describe(found),
            self.stamp(page)
        )
    }

    /// Names a page in a slot.
    pub fn name_page(&self, slot: usize, page: usize) -> String {
        format!(
            "region {}, page {page} ({:?}, unit {}) at {:#x} in slot {slot}",
            self.name,
            self.shape.unit(page).kind,
            self.shape.unit_number(page),
            self.addr(slot, page)
        )
    }
}

/// Makes one mapping of what others have split, which may be of huge pages. What cannot be done is
/// left.
pub fn make_whole(addr: usize, len: usize) {
    let _ = sys::protect(addr, len, true);
    for advice in [libc::MADV_NORMAL, libc::MADV_DODUMP, libc::MADV_HUGEPAGE] {
        let _ = sys::advise(addr, len, advice);
    }
}

/// What was found in a slot where a page may be.
pub struct Found {
    pub slot: usize,
    pub page: usize,
    pub sight: Sight,
    pub found: Result<u64, Fault>,
}
