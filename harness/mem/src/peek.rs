// SPDX-License-Identifier: GPL-2.0

//! Loads and stores by the CPU, at addresses where nothing may be mapped at the moment.
//!
//! Each is a function whose first instruction is the access. Should that one fault, the handler of
//! the signal goes on at the return of the function instead, with the signal as its result: see
//! [`signal`](crate::signal).

use crate::{
    arch::{
        mem_peek,
        mem_poke,
        mem_return,
        Registers, //
    },
    in_field,
    PAGE, //
};

/// Why an access did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is mapped there, or what is may not be accessed so.
    Unmapped,
    /// A file is mapped there that has no such page, or memory that has failed.
    Bus,
}

fn result(signal: u64) -> Result<(), Fault> {
    match signal as i32 {
        0 => Ok(()),
        libc::SIGBUS => Err(Fault::Bus),
        _ => Err(Fault::Unmapped),
    }
}

/// Loads a word.
pub fn peek(addr: usize) -> Result<u64, Fault> {
    let mut value = 0;

    in_field(addr, size_of::<u64>());
    // SAFETY: A load from the field harms nobody, and a fault of it is handled. `value` is ours.
    result(unsafe { mem_peek(addr, &mut value) }).map(|()| value)
}

/// Stores a word.
pub fn poke(addr: usize, value: u64) -> Result<(), Fault> {
    in_field(addr, size_of::<u64>());
    // SAFETY: No reference to memory in the field exists, and a fault of the store is handled.
    result(unsafe { mem_poke(addr, value) })
}

/// Ends an access, in the handler of a signal, if the thread is at one. Returns whether it was.
pub(crate) fn end_access(signal: i32, registers: &mut Registers) -> bool {
    let at = registers.instruction();
    let accessing = at == mem_peek as *const () as usize || at == mem_poke as *const () as usize;

    if accessing {
        registers.go_on(mem_return as *const () as usize, signal as u64);
    }
    accessing
}

/// The address of a word of a page.
pub fn word(page: usize, word: usize) -> usize {
    assert!(word < PAGE / size_of::<u64>());
    page + word * size_of::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        signal::survive_faults,
        sys::{
            map,
            protect,
            unmap,
            Source, //
        }, //
    };

    #[test]
    fn faults_are_results() {
        let at = 0x4000_0000;
        survive_faults().unwrap();

        assert_eq!(peek(at), Err(Fault::Unmapped));
        map(at, PAGE, Source::Anonymous).unwrap();
        assert_eq!(poke(at, 7), Ok(()));
        protect(at, PAGE, false).unwrap();
        assert_eq!(poke(at, 8), Err(Fault::Unmapped));
        assert_eq!(peek(at), Ok(7));
        unmap(at, PAGE).unwrap();
        assert_eq!(poke(at, 9), Err(Fault::Unmapped));
    }
}
