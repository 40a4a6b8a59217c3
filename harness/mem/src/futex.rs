// SPDX-License-Identifier: GPL-2.0

//! Futexes in the field, at addresses where nothing may be mapped at the moment.

use crate::{
    checked,
    in_field, //
};
use std::{
    io,
    ptr,
    time::Duration, //
};

/// A futex, whose value is zero for whoever waits.
#[derive(Clone, Copy, Debug)]
pub struct Futex {
    /// Where it is.
    pub addr: usize,
    /// Is it for this process alone?
    pub private: bool,
}

impl Futex {
    /// Makes a call, which takes a number or a time.
    fn call(self, operation: i32, count: u32, then: *const libc::timespec) -> io::Result<usize> {
        let flag = if self.private {
            libc::FUTEX_PRIVATE_FLAG
        } else {
            0
        };

        in_field(self.addr, size_of::<u32>());
        // SAFETY: The kernel reads the futex, which is in the field, and the time.
        checked(unsafe {
            let operation = operation | flag;
            libc::syscall(
                libc::SYS_futex,
                self.addr,
                operation,
                count,
                then,
                self.addr,
                0,
            )
        })
    }

    /// Waits to be woken, for a while at most.
    pub fn wait(self, patience: Duration) -> io::Result<()> {
        let time = libc::timespec {
            tv_sec: patience.as_secs() as libc::time_t,
            tv_nsec: patience.subsec_nanos().into(),
        };

        self.call(libc::FUTEX_WAIT, 0, &time).map(drop)
    }

    /// Wakes one who waits. Returns how many there were.
    pub fn wake(self) -> io::Result<usize> {
        self.call(libc::FUTEX_WAKE, 1, ptr::null())
    }

    /// How many wait, one at most: who waits is told to wait for what it waits for, and counted.
    pub fn waiters(self) -> io::Result<usize> {
        // In place of a time, the call takes how many are told.
        self.call(libc::FUTEX_CMP_REQUEUE, 0, ptr::without_provenance(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        sys::{
            map,
            unmap,
            Source, //
        },
        PAGE, //
    };
    use std::thread;

    #[test]
    fn who_waits_is_counted_and_woken() {
        let at = 0x4600_0000;
        let patience = Duration::from_secs(60);

        map(at, PAGE, Source::Anonymous).unwrap();
        for private in [true, false] {
            let futex = Futex { addr: at, private };
            assert_eq!(futex.wake().unwrap(), 0);
            thread::scope(|scope| {
                let waiter = scope.spawn(|| futex.wait(patience));
                while futex.waiters().unwrap() == 0 {
                    thread::yield_now();
                }
                assert_eq!(futex.wake().unwrap(), 1);
                waiter.join().unwrap().unwrap();
            });
        }
        unmap(at, PAGE).unwrap();
    }
}
