// SPDX-License-Identifier: GPL-2.0

//! The call for all of a range, for a mapping of it, and for the way back.

use crate::error::{
    Error,
    Invalid, //
};
use rustix::{
    io::Errno,
    mm::{
        mmap_anonymous,
        mremap_fixed,
        munmap,
        MapFlags,
        MremapFlags,
        ProtFlags, //
    },
    param::page_size, //
};
use std::{
    ffi::c_void,
    ops::Range, //
};

/// A move whose parameters were checked. Offsets are in bytes from the start of either range.
pub(crate) struct Call {
    old: *mut c_void,
    new: *mut c_void,
    len: usize,
    keep_source: bool,
}

impl Call {
    /// Checks the parameters.
    ///
    /// # Safety
    ///
    /// What [`crate::move_mappings()`] requires, until the last call was made.
    pub(crate) unsafe fn new(
        old: *mut c_void,
        len: usize,
        new: *mut c_void,
        keep_source: bool,
    ) -> Result<Self, Error> {
        let aligned = |value: usize| value & (page_size() - 1) == 0;
        let (from, to) = (old as usize, new as usize);
        let check = |ok: bool, invalid| match ok {
            true => Ok(()),
            false => Err(Error::Invalid(invalid)),
        };

        check(len != 0, Invalid::Empty)?;
        check(
            aligned(from) && aligned(to) && aligned(len),
            Invalid::Unaligned,
        )?;
        match (from.checked_add(len), to.checked_add(len)) {
            (Some(from_end), Some(to_end)) => {
                check(from_end <= to || to_end <= from, Invalid::Overlap)?
            }
            _ => return Err(Error::Invalid(Invalid::Wraps)),
        }
        Ok(Call {
            old,
            new,
            len,
            keep_source,
        })
    }

    /// The addresses of the source.
    pub(crate) fn source(&self) -> Range<usize> {
        self.old as usize..self.old as usize + self.len
    }

    /// Moves all of it.
    pub(crate) fn all(&self) -> Result<(), Errno> {
        self.forth(&(0..self.len))
    }

    /// Moves what lies at some addresses of the source.
    pub(crate) fn one(&self, segment: &Range<usize>) -> Result<(), Errno> {
        self.forth(&self.offsets(segment))
    }

    fn offsets(&self, segment: &Range<usize>) -> Range<usize> {
        segment.start - self.old as usize..segment.end - self.old as usize
    }

    fn forth(&self, offsets: &Range<usize>) -> Result<(), Errno> {
        let mut flags = MremapFlags::MAYMOVE;
        if self.keep_source {
            flags |= MremapFlags::DONTUNMAP;
        }
        let old = self.old.wrapping_byte_add(offsets.start);
        let new = self.new.wrapping_byte_add(offsets.start);

        // SAFETY: The caller of `Call::new()` says that this may be moved.
        unsafe { mremap_fixed(old, offsets.len(), offsets.len(), flags, new) }.map(drop)
    }

    /// Moves back what has moved from some addresses of the source.
    pub(crate) fn back(&self, segment: &Range<usize>) -> Result<(), Errno> {
        let offsets = self.offsets(segment);
        let len = offsets.len();
        let old = self.old.wrapping_byte_add(offsets.start);
        let new = self.new.wrapping_byte_add(offsets.start);

        if !self.keep_source {
            // Somebody else may have mapped memory there. Nothing that is reserved here is.
            // SAFETY: This replaces nothing, so it is new memory.
            let reserved = unsafe {
                let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED_NOREPLACE;
                mmap_anonymous(old, len, ProtFlags::empty(), flags)?
            };
            // Linux before 4.17 does not know the flag, and maps it elsewhere then.
            if reserved != old {
                // SAFETY: It was just mapped, and nobody uses it.
                unsafe { munmap(reserved, len)? };
                return Err(Errno::EXIST);
            }
        }
        // SAFETY: What is at `new` was moved there by `one()` or `all()`. What is at `old` was left
        // empty by that, or was reserved above.
        // If it fails the reservation stays, or it was unmapped by the call, and somebody else may
        // have mapped memory there since. So it is not unmapped here: nothing but addresses is lost.
        unsafe { mremap_fixed(new, len, len, MremapFlags::MAYMOVE, old) }.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: usize, len: usize, new: usize) -> Option<Invalid> {
        // SAFETY: No call is made.
        match unsafe { Call::new(old as *mut _, len, new as *mut _, false) } {
            Err(Error::Invalid(invalid)) => Some(invalid),
            _ => None,
        }
    }

    #[test]
    fn parameters_are_checked() {
        let page = page_size();

        assert_eq!(check(page, page, 2 * page), None);
        assert_eq!(check(2 * page, page, page), None);
        assert_eq!(check(page, 0, 2 * page), Some(Invalid::Empty));
        assert_eq!(check(page + 1, page, 2 * page), Some(Invalid::Unaligned));
        assert_eq!(check(page, page - 1, 2 * page), Some(Invalid::Unaligned));
        assert_eq!(check(page, page, 2 * page + 8), Some(Invalid::Unaligned));
        assert_eq!(check(page, page, page), Some(Invalid::Overlap));
        assert_eq!(check(page, 2 * page, 2 * page), Some(Invalid::Overlap));
        assert_eq!(check(2 * page, 2 * page, page), Some(Invalid::Overlap));
        let last = usize::MAX - page + 1;
        assert_eq!(check(last, page, page), Some(Invalid::Wraps));
        assert_eq!(check(page, page, last), Some(Invalid::Wraps));
    }
}
