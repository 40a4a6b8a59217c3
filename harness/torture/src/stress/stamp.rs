// SPDX-License-Identifier: GPL-2.0

//! What the pages of a region carry, and what is made of what is found.
//!
//! ```text
//!   word  0      1 ...                    511
//!       [stamp][words of the antagonists][stamp]
//! ```

use super::kind::Kind;
use mem::{
    peek::Fault,
    PAGE, //
};
use std::fmt;

/// The words of a page that carry its stamp.
pub const WORDS: [usize; 2] = [0, PAGE / size_of::<u64>() - 1];

/// The words that belong to an antagonist each, for it to write to.
pub mod word {
    pub const STORE: usize = 1;
    pub const REMOTE: usize = 2;
    pub const KSM: usize = 3;
    /// The code of a function, which nobody writes to.
    pub const CODE: usize = 4;
}

const OWN: u64 = 0x5A;
const FILE: u64 = 0xF1;

/// What a page carries. It says what page it is, not where.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Stamp(pub u64);

impl Stamp {
    fn make(magic: u64, region: usize, unit: usize, page: usize) -> Self {
        debug_assert!(region < 1 << 8 && unit < 1 << 16 && page < 1 << 24);
        Stamp(magic << 56 | (region as u64) << 48 | (unit as u64) << 24 | page as u64)
    }

    /// The stamp of a page of a unit of a region.
    pub fn own(region: usize, unit: usize, page: usize) -> Self {
        Self::make(OWN, region, unit, page)
    }

    /// The stamp of the page of a file that a private page lies over.
    pub fn file(region: usize, unit: usize, page: usize) -> Self {
        Self::make(FILE, region, unit, page)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let part = |shift: u32, bits: u32| self.0 >> shift & ((1 << bits) - 1);
        let of = match part(56, 8) {
            OWN => "the stamp",
            FILE => "the file's stamp",
            _ => return write!(f, "{:#018x}", self.0),
        };

        write!(
            f,
            "{of} of region {}, unit {}, page {}",
            part(48, 8),
            part(24, 24),
            part(0, 24)
        )
    }
}

/// What is found where a page may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The page, or what may be in its place.
    Page,
    /// Not the page: nothing is mapped, or what a move leaves behind.
    Gone,
    /// What must not be there at any time.
    Wrong,
}

/// Judges what was found in a word that carries a stamp.
pub fn judge(kind: Kind, own: Stamp, file: Stamp, found: Result<u64, Fault>) -> Sight {
    match found {
        Ok(word) if word == own.0 => Sight::Page,
        Ok(0) | Err(Fault::Bus) if kind.may_be_zero() => Sight::Page,
        Ok(word) if kind.over_file() && word == file.0 => Sight::Gone,
        Ok(0) if kind.once() && !kind.over_file() => Sight::Gone,
        Err(Fault::Unmapped) => Sight::Gone,
        Ok(_) | Err(Fault::Bus) => Sight::Wrong,
    }
}

/// Says what was found.
pub fn describe(found: Result<u64, Fault>) -> String {
    match found {
        Ok(0) => "zero".to_owned(),
        Ok(word) => Stamp(word).to_string(),
        Err(Fault::Unmapped) => "nothing (SIGSEGV)".to_owned(),
        Err(Fault::Bus) => "no page (SIGBUS)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(kind: Kind, found: Result<u64, Fault>) -> Sight {
        judge(kind, Stamp::own(1, 2, 3), Stamp::file(1, 2, 3), found)
    }

    #[test]
    fn the_own_stamp_is_the_page() {
        for kind in [
            Kind::Anonymous,
            Kind::Tmpfs,
            Kind::MemfdPrivate,
            Kind::Punched,
        ] {
            assert_eq!(judged(kind, Ok(Stamp::own(1, 2, 3).0)), Sight::Page);
        }
    }

    #[test]
    fn a_corrupted_stamp_is_wrong() {
        for kind in [
            Kind::Anonymous,
            Kind::Tmpfs,
            Kind::MemfdPrivate,
            Kind::Punched,
        ] {
            for bit in 0..64 {
                let found = Ok(Stamp::own(1, 2, 3).0 ^ 1 << bit);
                assert_eq!(judged(kind, found), Sight::Wrong);
            }
        }
    }

    #[test]
    fn the_stamp_of_another_page_is_wrong() {
        for other in [
            Stamp::own(1, 2, 4),
            Stamp::own(1, 3, 3),
            Stamp::own(0, 2, 3),
        ] {
            assert_eq!(judged(Kind::Anonymous, Ok(other.0)), Sight::Wrong);
        }
        assert_eq!(
            judged(Kind::Anonymous, Ok(Stamp::file(1, 2, 3).0)),
            Sight::Wrong
        );
    }

    #[test]
    fn what_is_left_behind_is_gone() {
        assert_eq!(judged(Kind::Anonymous, Ok(0)), Sight::Gone);
        assert_eq!(judged(Kind::Anonymous, Err(Fault::Unmapped)), Sight::Gone);
        assert_eq!(
            judged(Kind::MemfdPrivate, Ok(Stamp::file(1, 2, 3).0)),
            Sight::Gone
        );
    }

    #[test]
    fn zero_is_for_anonymous_and_punched_memory() {
        assert_eq!(judged(Kind::MemfdPrivate, Ok(0)), Sight::Wrong);
        assert_eq!(judged(Kind::Shared, Ok(0)), Sight::Wrong);
        assert_eq!(judged(Kind::Punched, Ok(0)), Sight::Page);
        assert_eq!(judged(Kind::Punched, Err(Fault::Bus)), Sight::Page);
        assert_eq!(judged(Kind::Tmpfs, Err(Fault::Bus)), Sight::Wrong);
    }

    #[test]
    fn a_stamp_says_what_page_it_is() {
        assert_eq!(
            Stamp::own(1, 2, 3).to_string(),
            "the stamp of region 1, unit 2, page 3"
        );
        assert_eq!(Stamp(0x1234).to_string(), "0x0000000000001234");
    }
}
