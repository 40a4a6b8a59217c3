// SPDX-License-Identifier: GPL-2.0

//! Reads and writes of our own memory by the kernel, which looks a page up under the mmap lock.
//!
//! A load by the CPU needs no lock where a page table already has the page. These calls see an
//! address space either before a change that is made under the lock, or after it.

use crate::{
    checked,
    in_field, //
};
use std::io;

fn own(words: *mut u64, count: usize) -> libc::iovec {
    libc::iovec {
        iov_base: words.cast(),
        iov_len: count * size_of::<u64>(),
    }
}

/// Reads words of one page.
pub fn read<const N: usize>(addr: usize) -> io::Result<[u64; N]> {
    let mut words = [0; N];
    let to = own(words.as_mut_ptr(), N);
    let from = own(addr as *mut u64, N);

    in_field(addr, from.iov_len);
    // SAFETY: `to` is ours, and reading the field harms nobody.
    checked(unsafe { libc::process_vm_readv(libc::getpid(), &to, 1, &from, 1, 0) } as i64)?;
    Ok(words)
}

/// Writes a word.
pub fn write(addr: usize, mut word: u64) -> io::Result<()> {
    let from = own(&mut word, 1);
    let to = own(addr as *mut u64, 1);

    in_field(addr, to.iov_len);
    // SAFETY: `from` is ours, and no reference to memory in the field exists.
    checked(unsafe { libc::process_vm_writev(libc::getpid(), &from, 1, &to, 1, 0) } as i64)?;
    Ok(())
}
