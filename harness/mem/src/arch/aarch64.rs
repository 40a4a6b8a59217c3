// SPDX-License-Identifier: GPL-2.0

//! The 64-bit ARM architecture.

use crate::arch::mem_called;
use std::arch::global_asm;

global_asm!(
    ".pushsection .text.mem, \"ax\", @progbits",
    // The code that uses these may be compiled apart.
    ".globl mem_peek, mem_poke, mem_return, mem_call, mem_called",
    "mem_peek:",
    "ldr x2, [x0]",
    "str x2, [x1]",
    "mov x0, #0",
    "ret",
    "mem_poke:",
    "str x1, [x0]",
    "mov x0, #0",
    "mem_return:",
    "ret",
    "mem_call:",
    "stp x29, x30, [sp, #-16]!",
    "blr x0",
    "mem_called:",
    "ldp x29, x30, [sp], #16",
    "ret",
    ".popsection",
);

/// A breakpoint: `brk #0`.
#[cfg(test)]
pub const BREAKPOINT: [u8; 4] = 0xd420_0000_u32.to_le_bytes();

/// The code of a function that returns a number. It needs no stack.
pub fn returning(number: u16) -> [u8; 8] {
    // mov w0, #number; ret
    let code = [0x5280_0000 | u32::from(number) << 5, 0xd65f_03c0];
    let mut bytes = [0; 8];

    for (bytes, instruction) in bytes.chunks_exact_mut(4).zip(code) {
        bytes.copy_from_slice(&instruction.to_le_bytes());
    }
    bytes
}

/// The registers of a thread that a signal interrupted.
pub struct Registers<'a>(&'a mut libc::mcontext_t);

impl<'a> Registers<'a> {
    /// Those that the kernel saved for the handler of a signal.
    pub fn of(context: &'a mut libc::ucontext_t) -> Self {
        Registers(&mut context.uc_mcontext)
    }

    /// The address of the instruction that is next.
    pub fn instruction(&self) -> usize {
        self.0.pc as usize
    }

    /// Goes on at an address, with the result of a function.
    pub fn go_on(&mut self, at: usize, result: u64) {
        self.0.regs[0] = result;
        self.0.pc = at as u64;
    }

    /// Returns from the function that [`mem_call()`](crate::arch::mem_call) calls.
    pub fn end_call(&mut self, result: u64) {
        self.go_on(mem_called as *const () as usize, result);
    }
}
