// SPDX-License-Identifier: GPL-2.0

//! Signals that end an access or a call, in place of the program.

use crate::{
    arch::Registers,
    checked,
    code,
    peek, //
};
use std::{
    io,
    ptr, //
};

extern "C" fn on_fault(signal: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: The kernel passes the context of the thread to handlers with `SA_SIGINFO`, and
    // nobody else uses it.
    let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    let registers = &mut Registers::of(context);

    if !peek::end_access(signal, registers) && !code::end_call(signal, registers) {
        // A fault of the program itself: let it happen again, and end the program. A breakpoint
        // does not happen again by itself.
        // SAFETY: Calls without requirements.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            if signal == libc::SIGTRAP {
                libc::raise(signal);
            }
        }
    }
}

/// Handles a signal.
fn handle(signal: i32) -> io::Result<()> {
    // SAFETY: All zeroes is a valid value, of no flags and no blocked signals.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };

    action.sa_sigaction = on_fault as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO;
    // SAFETY: The handler is safe to run at any access to memory: it uses registers alone.
    checked(unsafe { libc::sigaction(signal, &action, ptr::null_mut()) }).map(drop)
}

/// Makes accesses by [`peek`] and calls by [`code`] survive faults, from here on, in all threads
/// and children.
pub fn survive_faults() -> io::Result<()> {
    handle(libc::SIGSEGV)?;
    handle(libc::SIGBUS)
}

/// Makes calls survive breakpoints as well. Without it they end the process.
pub fn survive_breakpoints() -> io::Result<()> {
    handle(libc::SIGTRAP)
}
