// SPDX-License-Identifier: GPL-2.0

//! Functions in the field, which are called by their address.
//!
//! Nothing may be mapped there at the moment, or what is mapped may not be executed. A breakpoint
//! may be there that nobody owns. Each ends the call, and is its result.

pub use crate::arch::returning;
use crate::{
    arch::{
        mem_call,
        Registers, //
    },
    checked,
    in_field,
    FIELD, //
};
use std::io;

/// A bit of the result of a call that was ended by a signal, which is in the lower bits. The result
/// of a function has 32 bits.
const ENDED: u64 = 1 << 32;

/// Why a function did not return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Nothing is mapped there, or what is may not be executed.
    Unmapped,
    /// A file is mapped there that has no such page, or memory that has failed.
    Bus,
    /// There is a breakpoint that nobody owns.
    Breakpoint,
}

/// Calls a function.
///
/// # Safety
///
/// If there is anything to execute at the address, it is the code of [`returning()`].
pub unsafe fn call(addr: usize) -> Result<u32, Stop> {
    in_field(addr, returning(0).len());
    // SAFETY: That code changes one register, which is the result, and a signal ends the call.
    let result = unsafe { mem_call(addr) };

    if result & ENDED == 0 {
        return Ok(result as u32);
    }
    Err(match (result & !ENDED) as i32 {
        libc::SIGTRAP => Stop::Breakpoint,
        libc::SIGBUS => Stop::Bus,
        _ => Stop::Unmapped,
    })
}

/// Ends a call, in the handler of a signal, if the thread is in one. Returns whether it was.
pub(crate) fn end_call(signal: i32, registers: &mut Registers) -> bool {
    // Nothing else is executed in the field.
    let calling = FIELD.contains(&registers.instruction());

    if calling {
        registers.end_call(ENDED | signal as u64);
    }
    calling
}

/// Allows reading and executing, but not writing.
pub fn allow(addr: usize, len: usize) -> io::Result<()> {
    in_field(addr, len);
    // SAFETY: The range is in the field.
    let ret = unsafe { libc::mprotect(addr as *mut _, len, libc::PROT_READ | libc::PROT_EXEC) };
    checked(ret).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arch::BREAKPOINT,
        peek::poke,
        signal::{
            survive_breakpoints,
            survive_faults, //
        },
        sys::{
            map,
            protect,
            unmap,
            Source, //
        },
        PAGE, //
    };

    /// Maps code and calls it.
    fn call_code(at: usize, code: &[u8]) -> Result<u32, Stop> {
        let mut word = [0; 8];

        word[..code.len()].copy_from_slice(code);
        survive_faults().unwrap();
        survive_breakpoints().unwrap();
        map(at, PAGE, Source::Anonymous).unwrap();
        poke(at, u64::from_le_bytes(word)).unwrap();
        allow(at, PAGE).unwrap();
        // SAFETY: The code is that of `returning()`, or a breakpoint.
        let result = unsafe { call(at) };
        unmap(at, PAGE).unwrap();
        result
    }

    #[test]
    fn functions_return_their_number() {
        for number in [0, 7, u16::MAX] {
            let result = call_code(0x4100_0000, &returning(number));
            assert_eq!(result, Ok(u32::from(number)));
        }
    }

    #[test]
    fn a_breakpoint_ends_a_call() {
        assert_eq!(call_code(0x4200_0000, &BREAKPOINT), Err(Stop::Breakpoint));
    }

    #[test]
    fn what_cannot_be_executed_ends_a_call() {
        let at = 0x4300_0000;

        survive_faults().unwrap();
        // SAFETY: There is nothing to execute.
        assert_eq!(unsafe { call(at) }, Err(Stop::Unmapped));
        map(at, PAGE, Source::Anonymous).unwrap();
        protect(at, PAGE, false).unwrap();
        // SAFETY: As above.
        assert_eq!(unsafe { call(at) }, Err(Stop::Unmapped));
        unmap(at, PAGE).unwrap();
    }
}
