// SPDX-License-Identifier: GPL-2.0

//! What differs by architecture: the functions that may fault, in assembly, and how the handler of a
//! signal ends them.

#[cfg(target_arch = "aarch64")]
#[path = "arch/aarch64.rs"]
mod own;
#[cfg(target_arch = "x86_64")]
#[path = "arch/x86_64.rs"]
mod own;

#[cfg(test)]
pub use own::BREAKPOINT;
pub use own::{
    returning,
    Registers, //
};

extern "C" {
    /// Loads the word at an address and stores it at the other one. Returns 0. The first
    /// instruction is the load.
    pub fn mem_peek(addr: usize, value: *mut u64) -> u64;
    /// Stores a word. Returns 0. The first instruction is the store.
    pub fn mem_poke(addr: usize, value: u64) -> u64;
    /// Returns from either.
    pub fn mem_return();
    /// Calls the function at an address, and returns what it returns.
    pub fn mem_call(addr: usize) -> u64;
    /// Where that function returns to.
    pub fn mem_called();
}
