// SPDX-License-Identifier: GPL-2.0

//! Why a range was not moved, and where it is.

use std::{
    error,
    fmt,
    io, //
};

/// A range was not moved.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The parameters make no sense. Nothing has changed.
    Invalid(Invalid),
    /// Nothing is mapped at the start of the range. Nothing has changed.
    NothingMapped,
    /// It would take a call for each mapping, or a call that may stop half-way, and
    /// [`Options::atomic()`](crate::Options::atomic) asks for better. Nothing has changed.
    NotAtomic,
    /// Mappings in the range came, went or changed while they were listed: another thread is at
    /// work there, or an allocator has mapped memory into a hole. Nothing has changed.
    Changed,
    /// The mappings could not be listed: `/proc/self/maps` cannot be read, or there is no memory for
    /// the list. Nothing has changed.
    List(io::Error),
    /// The kernel refused, by the errno of `mremap()`. Nothing has moved. What was at the
    /// destination may be unmapped.
    Refused(io::Error),
    /// Some mappings had moved when one did not. They were moved back, as far as that went. What
    /// was at the destination under those that had moved is unmapped.
    Stopped(Stopped),
    /// The kernel stopped half-way, and how far it got cannot be read from `/proc/self/maps`:
    /// mappings are at their old or at their new place, the first ones at the new one.
    Unknown(io::Error),
}

/// What is wrong with parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalid {
    /// The length is zero.
    Empty,
    /// An address or the length is not a multiple of the size of a page.
    Unaligned,
    /// A range reaches beyond the end of all addresses.
    Wraps,
    /// The source and the destination overlap.
    Overlap,
}

/// How far a move got that took a call for each mapping. Numbers are in bytes.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stopped {
    /// Why a mapping did not move: the errno of `mremap()`.
    pub error: io::Error,
    /// The distance of that mapping from the start of the range.
    pub offset: usize,
    /// The size of all mappings that had moved by then, without holes.
    pub moved: usize,
    /// What is still at the destination: all mappings below this distance from the start of the
    /// range. All others are at the source. It is 0 if everything was moved back.
    pub left: usize,
    /// Why not everything was moved back: the errno of the call that failed. `EEXIST` says that
    /// somebody else has mapped memory where the source was.
    pub back: Option<io::Error>,
}

impl Error {
    /// Whether all of the source is where it was.
    pub fn is_unmoved(&self) -> bool {
        match self {
            Error::Stopped(stopped) => stopped.left == 0,
            Error::Unknown(_) => false,
            _ => true,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Invalid(Invalid::Empty) => write!(f, "the range is empty"),
            Error::Invalid(Invalid::Unaligned) => {
                write!(f, "an address or the length is not a whole number of pages")
            }
            Error::Invalid(Invalid::Wraps) => write!(f, "a range goes beyond the last address"),
            Error::Invalid(Invalid::Overlap) => write!(f, "source and destination overlap"),
            Error::NothingMapped => write!(f, "nothing is mapped at the start of the range"),
            Error::NotAtomic => {
                write!(
                    f,
                    "this kernel does not move several mappings all or nothing"
                )
            }
            Error::Changed => write!(f, "the mappings changed while they were listed"),
            Error::List(_) => write!(f, "cannot list the mappings"),
            Error::Refused(_) => write!(f, "the kernel refused, nothing has moved"),
            Error::Stopped(stopped) => stopped.fmt(f),
            Error::Unknown(_) => write!(f, "the kernel stopped half-way, and cannot tell where"),
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the mapping at offset {:#x} did not move after {:#x} bytes had",
            self.offset, self.moved
        )?;
        match &self.back {
            None => write!(f, ", which were moved back"),
            Some(back) => write!(
                f,
                "; what is below offset {:#x} was not moved back: {back}",
                self.left
            ),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Error::List(error) | Error::Refused(error) | Error::Unknown(error) => Some(error),
            Error::Stopped(stopped) => Some(&stopped.error),
            _ => None,
        }
    }
}

impl error::Error for Stopped {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.error)
    }
}
