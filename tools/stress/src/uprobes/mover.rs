//! A process that moves a strip of mappings round and round, and calls a function in it.
//!
//! ```text
//!   [rw][r-][rw][r-]...[rx]      one page each; the last one is of a file
//! ```

use anyhow::{anyhow, bail, ensure, Context, Result};
use mem::{
    checked, code,
    peek::{peek, poke},
    sys::{self, move_range, Leave, Source},
    PAGE,
};
use std::{
    fs::File,
    io,
    os::{fd::AsFd, unix::process::ExitStatusExt},
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};

/// How many mappings it moves.
const MAPPINGS: usize = 2_000;

/// Where they can be. There are three places, so that what has moved twice is not back.
const SLOTS: [usize; 3] = [0x10_0000_0000, 0x10_4000_0000, 0x10_8000_0000];

/// Words that the mover and the one who watches it share.
const SHARED: usize = 0x20_0000_0000;
/// May it move?
const GO: usize = SHARED;
/// Does it rest?
const RESTS: usize = SHARED + 8;
/// Twice the number of calls that have returned. One more than that from the start of a move until
/// the call that follows it has returned.
const STEPS: usize = SHARED + 16;

/// What the function returns.
const RESULT: u32 = 0x6d61_7001;

/// How long the mover may take for what it is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked at.
const TICK: Duration = Duration::from_millis(1);

/// How the strip is moved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    OneCall,
    ByMapping,
}

impl Way {
    fn go(self, from: usize, to: usize) -> io::Result<()> {
        match self {
            Way::OneCall => move_range(from, MAPPINGS * PAGE, to, Leave::Nothing),
            Way::ByMapping => (0..MAPPINGS).map(|page| page * PAGE).try_for_each(|offset| {
                move_range(from + offset, PAGE, to + offset, Leave::Nothing)
            }),
        }
    }
}

/// Why a mover has ended. It is the status that it exits with.
enum Failure {
    Map = 10,
    Move = 11,
    Call = 12,
}

/// The file with the function.
pub fn file() -> Result<File> {
    let file = crate::files::memfd(c"code", 1)?;

    std::os::unix::fs::FileExt::write_all_at(&file, &code::returning(RESULT), 0)?;
    Ok(file)
}

/// Maps the strip. Nothing here takes locks or allocates, as other threads may have held locks when
/// the mover was made.
fn map(file: &File) -> io::Result<()> {
    let [first, ..] = SLOTS;
    let last = first + (MAPPINGS - 1) * PAGE;

    sys::map(first, (MAPPINGS - 1) * PAGE, Source::Anonymous)?;
    for (number, addr) in (first..last).step_by(PAGE).enumerate() {
        poke(addr, 1).map_err(|_| io::ErrorKind::OutOfMemory)?;
        sys::protect(addr, PAGE, number % 2 == 0)?;
    }
    sys::map(last, PAGE, Source::Private(file.as_fd(), 0))?;
    code::allow(last, PAGE)
}

/// Moves and calls for ever.
fn run(way: Way, file: &File) -> Failure {
    if map(file).is_err() {
        return Failure::Map;
    }
    for step in 0.. {
        let from = SLOTS[step % SLOTS.len()];
        let to = SLOTS[(step + 1) % SLOTS.len()];

        while peek(GO) == Ok(0) {
            let _ = poke(RESTS, 1);
            thread::sleep(TICK);
        }
        let _ = poke(RESTS, 0);
        let _ = poke(STEPS, 2 * step as u64 + 1);
        if way.go(from, to).is_err() {
            return Failure::Move;
        }
        // SAFETY: The last page of the strip is of the file.
        if unsafe { code::call(to + (MAPPINGS - 1) * PAGE) } != Ok(RESULT) {
            return Failure::Call;
        }
        let _ = poke(STEPS, 2 * step as u64 + 2);
    }
    unreachable!("it moves for ever")
}

/// Makes the words that movers share with this process.
pub fn share() -> Result<()> {
    sys::map(SHARED, PAGE, Source::SharedAnonymous).context("mmap")
}

fn shared(word: usize) -> u64 {
    peek(word).expect("memory that is mapped")
}

fn set_shared(word: usize, value: u64) {
    poke(word, value).expect("memory that is mapped");
}

/// How a mover is, after it was waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    Moving,
    /// It has died of a breakpoint that nobody owned.
    Trapped,
}

/// A mover. It is killed when it is dropped.
pub struct Mover {
    pid: libc::pid_t,
    ended: bool,
}

impl Mover {
    /// Starts a mover, which rests.
    pub fn start(way: Way, file: &File) -> Result<Self> {
        for word in [GO, RESTS, STEPS] {
            set_shared(word, 0);
        }
        // SAFETY: The child takes no locks, allocates nothing, and exits.
        let pid = checked(unsafe { libc::fork() }).context("fork")?;
        if pid == 0 {
            // SAFETY: Calls without requirements. The child runs nothing else, and does not outlive
            // its parent.
            unsafe {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                libc::_exit(run(way, file) as i32);
            }
        }
        let mut mover = Mover {
            pid: pid as libc::pid_t,
            ended: false,
        };
        mover.rest()?;
        Ok(mover)
    }

    /// Waits for something, which it may not live to do.
    fn wait_for(&mut self, done: impl Fn() -> bool) -> Result<State> {
        let start = Instant::now();

        while !done() {
            if let Some(status) = self.status()? {
                ensure!(
                    status.signal() == Some(libc::SIGTRAP),
                    "a mover ended with {status}"
                );
                return Ok(State::Trapped);
            }
            if start.elapsed() > PATIENCE {
                bail!(
                    "a mover hangs after {} calls:\n{}",
                    shared(STEPS) / 2,
                    crate::hang::describe(format!("/proc/{}", self.pid).as_ref())
                );
            }
            thread::sleep(TICK);
        }
        Ok(State::Moving)
    }

    /// How it has ended, if it has.
    fn status(&mut self) -> Result<Option<ExitStatus>> {
        let mut status = 0;

        // SAFETY: `status` is ours.
        let waited = checked(unsafe { libc::waitpid(self.pid, &mut status, libc::WNOHANG) })?;
        self.ended = waited != 0;
        Ok(self.ended.then(|| ExitStatus::from_raw(status)))
    }

    /// Lets it move.
    pub fn go(&self) {
        set_shared(RESTS, 0);
        set_shared(GO, 1);
    }

    /// Lets it rest when its next call has returned, and waits for that.
    pub fn rest(&mut self) -> Result<()> {
        set_shared(GO, 0);
        match self.wait_for(|| shared(RESTS) == 1)? {
            State::Moving => Ok(()),
            State::Trapped => Err(anyhow!("a mover died of a breakpoint before it rested")),
        }
    }

    /// Waits until it has made a move and a call that both began after this.
    pub fn call(&mut self) -> Result<State> {
        let calls = shared(STEPS) / 2;

        self.wait_for(|| shared(STEPS) / 2 >= calls + 2)
    }

    /// Does something, and tells whether it moved meanwhile, or was about to call.
    pub fn moved_during<T>(&self, act: impl FnOnce() -> T) -> (T, bool) {
        let before = shared(STEPS);
        let result = act();

        (result, before % 2 == 1 || shared(STEPS) != before)
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        if !self.ended {
            // SAFETY: It has not been waited for, so that the number is still its own.
            unsafe {
                libc::kill(self.pid, libc::SIGKILL);
                libc::waitpid(self.pid, std::ptr::null_mut(), 0);
            }
        }
    }
}
