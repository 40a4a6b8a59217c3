// SPDX-License-Identifier: GPL-2.0

//! The x86-64 architecture.

use crate::arch::mem_called;
use std::arch::global_asm;

global_asm!(
    ".pushsection .text.mem, \"ax\", @progbits",
    // The code that uses these may be compiled apart.
    ".globl mem_peek, mem_poke, mem_return, mem_call, mem_called",
    "mem_peek:",
    "mov rax, [rdi]",
    "mov [rsi], rax",
    "xor eax, eax",
    "ret",
    "mem_poke:",
    "mov [rdi], rsi",
    "xor eax, eax",
    "mem_return:",
    "ret",
    "mem_call:",
    "call rdi",
    "mem_called:",
    "ret",
    ".popsection",
);

/// A breakpoint: `int3`.
#[cfg(test)]
pub const BREAKPOINT: [u8; 1] = [0xcc];

/// The code of a function that returns a number. It needs no stack.
pub fn returning(number: u16) -> [u8; 6] {
    let [a, b] = number.to_le_bytes();

    // mov eax, number; ret
    [0xb8, a, b, 0, 0, 0xc3]
}

/// The registers of a thread that a signal interrupted.
pub struct Registers<'a>(&'a mut [libc::greg_t]);

impl<'a> Registers<'a> {
    /// Those that the kernel saved for the handler of a signal.
    pub fn of(context: &'a mut libc::ucontext_t) -> Self {
        Registers(&mut context.uc_mcontext.gregs)
    }

    /// The address of the instruction that is next.
    pub fn instruction(&self) -> usize {
        self.0[libc::REG_RIP as usize] as usize
    }

    /// Goes on at an address, with the result of a function.
    pub fn go_on(&mut self, at: usize, result: u64) {
        self.0[libc::REG_RAX as usize] = result as i64;
        self.0[libc::REG_RIP as usize] = at as i64;
    }

    /// Returns from the function that [`mem_call()`](crate::arch::mem_call) calls.
    pub fn end_call(&mut self, result: u64) {
        self.go_on(mem_called as *const () as usize, result);
        // The address that the function would have returned to.
        self.0[libc::REG_RSP as usize] += size_of::<usize>() as i64;
    }
}
