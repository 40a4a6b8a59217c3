// SPDX-License-Identifier: GPL-2.0

//! Memory by address, for programs that test what `mremap()` does to it.
//!
//! All of it lies in the *field*, a part of the address space that the program, its libraries, its
//! heap and its stacks are not in. So whatever is done to memory there, no reference that Rust
//! knows of is affected, and the functions of this crate are safe to call.

#![deny(missing_docs)]

mod arch;
pub mod code;
pub mod cpu;
pub mod futex;
pub mod mapped;
pub mod maps;
pub mod peek;
pub mod perf;
pub mod query;
pub mod remote;
pub mod shared;
pub mod signal;
pub mod sys;

use std::{
    io,
    ops::Range, //
};

/// The size of a page in bytes, on the machines that guests are.
pub const PAGE: usize = 4096;

/// The addresses of the field. Programs are linked to run anywhere, which on x86-64 is above it.
pub const FIELD: Range<usize> = 0x10_0000..0x5000_0000_0000;

/// Panics unless a range lies in the field.
pub(crate) fn in_field(addr: usize, len: usize) {
    let end = addr.checked_add(len).expect("a range that does not wrap");

    assert!(
        FIELD.start <= addr && end <= FIELD.end,
        "{addr:#x}..{end:#x} may be the program's own"
    );
}

/// The result of a system call.
pub fn checked(ret: impl Into<i64>) -> io::Result<usize> {
    match ret.into() {
        -1 => Err(io::Error::last_os_error()),
        ret => Ok(ret as usize),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_program_is_not_in_the_field() {
        static DATA: u8 = 0;
        let (boxed, local) = (Box::new(0_u8), 0_u8);

        for own in [
            &DATA as *const u8,
            &*boxed,
            &local,
            super::in_field as *const u8,
        ] {
            assert!(!super::FIELD.contains(&(own as usize)));
        }
    }

    #[test]
    #[should_panic(expected = "may be the program's own")]
    fn other_memory_is_out_of_reach() {
        super::in_field(super::FIELD.end - 1, 2);
    }
}
