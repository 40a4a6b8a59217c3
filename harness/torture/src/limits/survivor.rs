// SPDX-License-Identifier: GPL-2.0

//! A mover that is killed while another process shares its address space.

use super::{
    figure::{
        length,
        time, //
    },
    mover::{
        Mover,
        SEGMENTS, //
    }, //
};
use crate::{
    child::Child,
    say::say,
    strip::{
        Strip,
        NEW,
        OLD, //
    }, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use mem::{
    checked,
    peek::peek,
    sys::{
        self,
        move_range,
        Leave,
        Source, //
    },
    PAGE, //
};
use std::time::Duration;

/// How many kills are tried.
const KILLS: u32 = 16;

/// The stack of a mover, in units that are aligned as a stack must be.
const STACK: usize = (64 << 10) / size_of::<u128>();

/// What a mover is to do.
struct Task {
    mover: Mover,
    from: usize,
    to: usize,
    len: usize,
}

extern "C" fn run(task: *mut libc::c_void) -> libc::c_int {
    // SAFETY: The task outlives the mover, and nobody changes it.
    let Task {
        mover,
        from,
        to,
        len,
    } = unsafe { &*task.cast::<Task>() };

    mover.go(*from, *to, *len)
}

/// Starts a process that shares the address space, but no signals: it can be killed alone.
///
/// It shares `errno` as well, which a killed call does not get to write.
fn start(task: &Task, stack: &mut [u128]) -> Result<Child> {
    let top = stack.as_mut_ptr_range().end;
    let flags = libc::CLONE_VM | libc::SIGCHLD;

    task.mover.reset();
    // SAFETY: The stack is the mover's alone, and its end is aligned to 16 bytes. The task and the
    // stack live until the mover has been waited for.
    let pid = unsafe {
        let task: *const Task = task;
        checked(libc::clone(run, top.cast(), flags, task as *mut _))
    };
    Ok(Child::adopt(pid.context("clone")? as libc::pid_t))
}

/// Expects the whole strip to be at one of two addresses, and nothing of it at the other one.
/// Returns at which one it is.
fn find(strip: &Strip) -> Result<usize> {
    let (here, elsewhere) = match peek(OLD) {
        Ok(_) => (OLD, NEW),
        Err(_) => (NEW, OLD),
    };
    strip.check(here, 0..strip.pages())?;
    strip.check_gone(elsewhere, 0..strip.pages())?;
    Ok(here)
}

/// A kill after this part of a move ends it within half of the time of all of it, as it takes back
/// what it has moved so far: going on to the end would take the rest. The first third or so plans
/// the move.
const EARLY: (u32, u32) = (3, 8);

/// The mover is dead when the survivor looks. If it was killed in the call, the call has taken
/// everything back; if the kill came too late, the move has been made. Both are right, and whichever
/// it is, it is so for all mappings.
///
/// Before each move one page is mapped at the destination. A move that was rolled back has unmapped
/// it, one that never began has not. Kills come earlier after a move that was made, and later after
/// one that was not, so that among them are some that meet the call in the middle.
pub fn check() -> Result<()> {
    let mover = Mover::new()?;
    let strip = Strip::make(OLD, SEGMENTS, 1)?;
    let mut stack = vec![0; STACK];

    let (result, whole) = time(|| move_range(OLD, strip.len(), NEW, Leave::Nothing));
    result.context("mremap")?;

    let (mut at, mut delay) = (find(&strip)?, whole / 2);
    let (mut made, mut rolled_back, mut not_begun) = (0, 0, 0);
    let (mut longest, mut early) = (Duration::ZERO, Duration::MAX);
    for kill in 0..KILLS {
        let is_early = kill % 4 == 3;
        let to = if at == OLD { NEW } else { OLD };
        let task = Task {
            mover,
            from: at,
            to,
            len: strip.len(),
        };
        sys::map(to, PAGE, Source::Anonymous).context("mmap")?;
        let child = start(&task, &mut stack)?;

        mover.wait_for_start();
        std::thread::sleep(if is_early {
            whole * EARLY.0 / EARLY.1
        } else {
            delay
        });
        let took = child.kill()?;
        // What was there before was never written to, the strip is not zero anywhere.
        let begun = peek(to) != Ok(0);
        if !begun {
            sys::unmap(to, PAGE).context("munmap")?;
        }
        let now = find(&strip)?;
        match (now == at, begun) {
            (true, true) => {
                rolled_back += 1;
                longest = longest.max(took);
            }
            (true, false) => not_begun += 1,
            (false, _) => made += 1,
        }
        if is_early && now == at {
            early = early.min(took);
        }
        delay = match now == at {
            _ if is_early => delay,
            true => delay * 5 / 4,
            false => delay * 3 / 4,
        };
        at = now;
    }
    say!("{KILLS} movers killed: {made} moves were made, {rolled_back} rolled back, {not_begun} not begun");
    ensure!(rolled_back > 0, "no mover was killed on the way");
    say!(
        "from the kill to the end of a mover whose move was rolled back: {} at most, {} early in it; \
         a move takes {}",
        length(longest),
        length(early),
        length(whole)
    );
    ensure!(
        early < whole / 2,
        "a mover that was killed early in its move of {whole:?} went on for {early:?}"
    );

    let to = if at == OLD { NEW } else { OLD };
    move_range(at, strip.len(), to, Leave::Nothing).context("again, by the survivor")?;
    ensure!(find(&strip)? == to, "the survivor's move did nothing");
    Ok(())
}
