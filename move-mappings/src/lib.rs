// SPDX-License-Identifier: GPL-2.0

//! Moves a range of memory that is made of many mappings.
//!
//! A region that was split by `mprotect()`, `madvise()`, `munmap()` or earlier moves is many
//! mappings for the kernel. [`move_mappings()`] moves it by one `mremap()` where the kernel can, and
//! by a call for each mapping where it cannot, and says which of both it was.
//!
//! What a kernel can is found out by trying, once in a process: see [`support()`].
//!
//! ```
//! use move_mappings::{move_mappings, Moved, Options};
//! use rustix::mm::{mmap_anonymous, mprotect, MapFlags, MprotectFlags, ProtFlags};
//! use std::ptr::null_mut;
//!
//! let page = rustix::param::page_size();
//! let len = 2 * page;
//! // SAFETY: This is new memory, of which only its first byte is used.
//! unsafe {
//!     // Two pages, of which the second may not be written: two mappings.
//!     let (prot, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
//!     let old = mmap_anonymous(null_mut(), len, prot, flags)?;
//!     mprotect(old.byte_add(page), page, MprotectFlags::READ)?;
//!     old.cast::<u8>().write(7);
//!
//!     // Where they go: addresses that nobody else uses.
//!     let new = mmap_anonymous(null_mut(), len, ProtFlags::empty(), flags)?;
//!     match move_mappings(old, len, new, Options::new())? {
//!         Moved::OneCall => println!("in one step"),
//!         Moved::ByMapping { calls } => println!("by {calls} calls"),
//!     }
//!     assert_eq!(new.cast::<u8>().read(), 7);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(missing_docs)]

mod call;
mod each;
mod error;
mod maps;
mod moved;
mod seal;
mod support;

pub use error::{
    Error,
    Invalid,
    Stopped, //
};
pub use moved::Moved;
pub use support::{
    support,
    supports_ranges,
    Support, //
};

use call::Call;
use maps::Maps;
use rustix::io::Errno;
use std::ffi::c_void;

/// How to move. The default is to unmap the source, and to fall back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    keep_source: bool,
    atomic: bool,
}

impl Options {
    /// The source is unmapped, and a call for each mapping is made where one call does not do.
    pub const fn new() -> Self {
        Options {
            keep_source: false,
            atomic: false,
        }
    }

    /// Leaves the mappings of the source in place, empty and unlocked: `MREMAP_DONTUNMAP`.
    ///
    /// Linux 5.7 and later know that for private anonymous memory, 5.13 and later for the rest.
    pub const fn keep_source(mut self, keep: bool) -> Self {
        self.keep_source = keep;
        self
    }

    /// Fails with [`Error::NotAtomic`], and has changed nothing, where more than one mapping would
    /// be moved and the kernel does not promise to move all of them or none.
    pub const fn atomic(mut self, atomic: bool) -> Self {
        self.atomic = atomic;
        self
    }
}

/// Moves all that is mapped in `len` bytes from `old` on to the same offsets from `new` on.
///
/// Holes stay holes. What is mapped at `new` is unmapped under a mapping of the source, and left
/// alone under a hole. Sizes, protection, advice and contents stay as they are, locked memory stays
/// locked.
///
/// `old`, `new` and `len` are multiples of the size of a page (of a huge page, for hugetlb memory).
/// Something has to be mapped at `old`. The two ranges do not overlap.
///
/// # One call, or a call for each mapping
///
/// What is done depends on what the kernel can, see [`support()`]; if that cannot be tried out, it
/// is a call for each mapping:
///
/// - [`Support::AllOrNothing`]: one call. No other thread can map, unmap, list or fault in memory of
///   a half-moved range. An access that needs no fault takes no lock, and may find the first mapping
///   gone before the last one is. If the call gives `EFAULT`, as one of several mappings is of a
///   kind that moves only alone, there is a call for each.
/// - [`Support::OneMapping`]: a call for each mapping, in ascending order of address. This is not
///   atomic: other threads may fault on memory that has gone, and what they map without naming an
///   address may come to lie where the source was. One call for all is not even tried, as it would
///   unmap all of the destination before it fails.
/// - [`Support::MayStop`]: one call, and if it fails half-way, a call for each mapping that is left.
///   With [`keep_source`](Options::keep_source) there is a call for each at once, as nothing would
///   tell how far one call got.
///
/// Except for one call on a kernel that moves all or nothing, the mappings are listed first, which
/// reads `/proc/self/maps`: time in proportion to the number of mappings of the process.
///
/// # Errors
///
/// All but [`Error::Stopped`] and [`Error::Unknown`] have moved nothing. A call that failed late, as
/// memory was short, may have unmapped what was at `new`.
///
/// If a call for one mapping fails, those that have moved are moved back, and [`Error::Stopped`]
/// tells how far that got. A mapping is not moved back to where somebody else has mapped memory
/// meanwhile. With `keep_source`, what was written meanwhile to a source that had been left empty
/// is lost when its contents come back.
///
/// # Allocation
///
/// Where mappings are listed, the list is allocated before the first one moves: 16 bytes for each.
///
/// # Safety
///
/// It is as if `old..old + len` was copied to `new`, and then unmapped, in which all references and
/// pointers to either end:
///
/// - No reference to memory in either range is alive. Pointers to the source may no longer be used
///   (with `keep_source`: they point to memory that reads as zeroes or as its file). Pointers to
///   what was moved are derived from `new`.
/// - No other thread uses either range during the call, or it can bear to find them unmapped.
/// - Neither range holds memory that others rely on: of an allocator, a stack, code, thread-local
///   storage.
/// - What is mapped in the source is the caller's to move, also in places that were holes. Memory
///   that is mapped without naming an address may come to lie in a hole, an allocator's as well. A
///   hole that is mapped with `PROT_NONE` instead is safe from that.
pub unsafe fn move_mappings(
    old: *mut c_void,
    len: usize,
    new: *mut c_void,
    options: Options,
) -> Result<Moved, Error> {
    // SAFETY: By the requirements of this function.
    let call = unsafe { Call::new(old, len, new, options.keep_source)? };
    // A call for each mapping is right on a kernel that cannot be tried out.
    let support = support().unwrap_or(Support::OneMapping);

    if support == Support::AllOrNothing {
        match call.all() {
            Ok(()) => return Ok(Moved::OneCall),
            Err(Errno::FAULT) => {}
            Err(errno) => return Err(Error::Refused(errno.into())),
        }
    }

    let maps = Maps::open().map_err(Error::List)?;
    let segments = maps.segments(call.source())?;
    let several = segments.len() > 1;
    if several && options.atomic {
        return Err(match support {
            Support::AllOrNothing => Error::Refused(Errno::FAULT.into()),
            _ => Error::NotAtomic,
        });
    }

    let mut done = 0;
    if support == Support::MayStop && several && !options.keep_source {
        match call.all() {
            Ok(()) => return Ok(Moved::OneCall),
            // What stopped it is met again below, by a call of its own.
            Err(_) => done = maps.count_gone(&segments).map_err(Error::Unknown)?,
        }
    }
    each::move_each(
        &segments,
        done,
        |segment| call.one(segment),
        |segment| call.back(segment),
    )
}
