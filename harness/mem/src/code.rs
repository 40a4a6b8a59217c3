// SPDX-License-Identifier: GPL-2.0

//! Functions in the field, which are called by their address.
//!
//! Nothing may be mapped there at the moment, or what is mapped may not be executed. A breakpoint
//! may be there that nobody owns. Each ends the call, and is its result.

use crate::{
    checked,
    in_field,
    FIELD, //
};
use std::{
    arch::global_asm,
    io, //
};

global_asm!(
    ".pushsection .text.mem_call, \"ax\", @progbits",
    // The code that uses these may be compiled apart.
    ".globl mem_call, mem_called",
    // u64 mem_call(u64 rdi)
    "mem_call:",
    "call rdi",
    "mem_called:",
    "ret",
    ".popsection",
);

extern "C" {
    fn mem_call(addr: usize) -> u64;
    fn mem_called();
}

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

/// The code of a function that returns a number. It needs no stack.
pub fn returning(number: u32) -> [u8; 6] {
    let [a, b, c, d] = number.to_le_bytes();

    // mov eax, number; ret
    [0xb8, a, b, c, d, 0xc3]
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
pub(crate) fn end_call(signal: i32, registers: &mut [libc::greg_t]) -> bool {
    // Nothing else is executed in the field.
    let calling = FIELD.contains(&(registers[libc::REG_RIP as usize] as usize));

    if calling {
        registers[libc::REG_RAX as usize] = ENDED as i64 | i64::from(signal);
        registers[libc::REG_RIP as usize] = mem_called as *const () as usize as i64;
        // The address that the function would have returned to.
        registers[libc::REG_RSP as usize] += size_of::<usize>() as i64;
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
        for number in [0, 7, u32::MAX] {
            assert_eq!(call_code(0x4100_0000, &returning(number)), Ok(number));
        }
    }

    #[test]
    fn a_breakpoint_ends_a_call() {
        assert_eq!(call_code(0x4200_0000, &[0xcc]), Err(Stop::Breakpoint));
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
