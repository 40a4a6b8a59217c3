// SPDX-License-Identifier: GPL-2.0

//! Where a region is, for all who look at it.
//!
//! A region has a few *slots*, ranges of addresses where it can be. All of it rests in one, but
//! for a *part* that is in another one or on its way.
//!
//! The position is one word, so that it is read at once, in a child of `fork()` too, which must
//! take no locks. It counts the moves, so that two equal ones mean that nothing happened between.

use std::{
    fmt,
    ops::Range,
    sync::atomic::{
        fence,
        AtomicU64,
        Ordering, //
    }, //
};

/// How many slots a region has.
pub const SLOTS: usize = 4;

/// Where the part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a slot. It may have left empty mappings in another one.
    Rest { at: usize, left: Option<usize> },
    /// In one slot or in another one.
    Move {
        from: usize,
        to: usize,
        /// Does the move leave mappings?
        keep: bool,
        /// Does it go over mappings that an earlier one left?
        over: bool,
    },
}

/// Where a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    At(usize),
    Either { from: usize, to: usize },
}

/// Where a region is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// How many moves have begun.
    pub number: u32,
    /// The slot of all pages but those of the part.
    pub rest: usize,
    /// Pages of the region.
    pub part: Range<usize>,
    pub place: Place,
}

impl Position {
    /// Where a page is.
    pub fn spot(&self, page: usize) -> Spot {
        match self.place {
            _ if !self.part.contains(&page) => Spot::At(self.rest),
            Place::Rest { at, .. } => Spot::At(at),
            Place::Move { from, to, .. } => Spot::Either { from, to },
        }
    }

    /// Does a store to the page at its place in a slot either fault or reach the page, as long as
    /// this is the position? What a move leaves can be written to as well.
    pub fn reaches(&self, page: usize, slot: usize) -> bool {
        match (self.spot(page), self.place) {
            (Spot::At(at), _) => slot == at,
            (_, Place::Move { from, keep, .. }) if slot == from => !keep,
            (_, Place::Move { to, over, .. }) => slot == to && !over,
            (_, Place::Rest { .. }) => false,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Position {
            number, rest, part, ..
        } = self;

        match self.place {
            Place::Rest { at, left } => {
                write!(f, "after move {number}, pages {part:?} in slot {at}")?;
                if let Some(left) = left {
                    write!(f, ", having left mappings in slot {left}")?;
                }
            }
            Place::Move {
                from,
                to,
                keep,
                over,
            } => {
                write!(
                    f,
                    "in move {number}, of pages {part:?} from slot {from} to slot {to}"
                )?;
                if keep {
                    f.write_str(" with DONTUNMAP")?;
                }
                if over {
                    f.write_str(" over what was left there")?;
                }
            }
        }
        write!(f, ", the rest in slot {rest}")
    }
}

/// A position as a word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Packed(u64);

/// Takes bits from the low end of a word.
struct Bits(u64);

impl Bits {
    fn put(&mut self, value: u64, bits: u32) {
        assert!(value < 1 << bits);
        self.0 = self.0 << bits | value;
    }

    fn take(&mut self, bits: u32) -> u64 {
        let value = self.0 & ((1 << bits) - 1);

        self.0 >>= bits;
        value
    }
}

const NUMBER: u32 = 24;
const PAGE: u32 = 14;
const SLOT: u32 = 2;

impl Packed {
    pub fn new(position: &Position) -> Self {
        let (moving, from, to, keep, over) = match position.place {
            Place::Rest { at, left } => (false, left.unwrap_or(at), at, left.is_some(), false),
            Place::Move {
                from,
                to,
                keep,
                over,
            } => (true, from, to, keep, over),
        };
        let mut bits = Bits(0);

        bits.put(u64::from(position.number) % (1 << NUMBER), NUMBER);
        bits.put(position.part.start as u64, PAGE);
        bits.put(position.part.end as u64, PAGE);
        for slot in [position.rest, from, to] {
            bits.put(slot as u64, SLOT);
        }
        for flag in [moving, keep, over] {
            bits.put(flag.into(), 1);
        }
        Packed(bits.0)
    }

    pub fn unpack(self) -> Position {
        let mut bits = Bits(self.0);
        let [over, keep, moving] = [(); 3].map(|()| bits.take(1) != 0);
        let [to, from, rest] = [(); 3].map(|()| bits.take(SLOT) as usize);
        let [end, start] = [(); 2].map(|()| bits.take(PAGE) as usize);

        Position {
            number: bits.take(NUMBER) as u32,
            rest,
            part: start..end,
            place: match moving {
                true => Place::Move {
                    from,
                    to,
                    keep,
                    over,
                },
                false => Place::Rest {
                    at: to,
                    left: keep.then_some(from),
                },
            },
        }
    }
}

/// A position that one thread changes and all read.
pub struct Shared(AtomicU64);

impl Shared {
    pub fn new(position: &Position) -> Self {
        Shared(AtomicU64::new(Packed::new(position).0))
    }

    /// Reads it. What the caller reads or writes before that is done before that: a store to a
    /// region is not ordered with a later load otherwise.
    pub fn load(&self) -> Packed {
        fence(Ordering::SeqCst);
        let packed = Packed(self.0.load(Ordering::SeqCst));
        fence(Ordering::SeqCst);
        packed
    }

    pub fn store(&self, position: &Position) {
        self.0.store(Packed::new(position).0, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(place: Place) -> Position {
        Position {
            number: 77,
            rest: 2,
            part: 5..9000,
            place,
        }
    }

    const MOVE: Place = Place::Move {
        from: 1,
        to: 2,
        keep: false,
        over: true,
    };

    #[test]
    fn packing_loses_nothing() {
        let rest = |left| Place::Rest { at: 1, left };

        for place in [MOVE, rest(None), rest(Some(0)), rest(Some(2))] {
            let position = position(place);
            assert_eq!(Packed::new(&position).unpack(), position);
        }
    }

    #[test]
    fn a_page_is_in_the_part_or_not() {
        let position = position(MOVE);

        assert_eq!(position.spot(4), Spot::At(2));
        assert_eq!(position.spot(5), Spot::Either { from: 1, to: 2 });
    }

    #[test]
    fn stores_may_go_to_what_was_left() {
        let position = position(MOVE);

        assert!(position.reaches(5, 1));
        assert!(!position.reaches(5, 2));
        assert!(position.reaches(4, 2));
        assert!(!position.reaches(4, 1));
    }
}
