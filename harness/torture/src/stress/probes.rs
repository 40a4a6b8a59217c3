// SPDX-License-Identifier: GPL-2.0

//! A uprobe is turned on and off in a process that does nothing but move its code.
//!
//! Registration looks for the mappings of a file and then waits for the lock of their address
//! space. A move of many mappings by one call holds that lock for long, so that it is nearly always
//! under way.
//!
//! ```text
//!   [rw][r-][rw]...[r-][rw][code]     6,000 pages, each a mapping
//! ```

use super::{
    files::{
        memfd,
        write_function, //
    },
    probe::Probe,
    stamp, //
};
use crate::{
    child::Child,
    say::say,
    strip::{
        Strip,
        NEW,
        OLD, //
    },
    tap::Tap, //
};
use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};
use mem::{
    code,
    maps,
    peek::word,
    shared,
    sys::{
        self,
        Leave,
        Source, //
    },
    PAGE, //
};
use std::{
    fs::File,
    os::{
        fd::AsFd,
        unix::process::ExitStatusExt, //
    },
    sync::atomic::{
        AtomicU64,
        Ordering, //
    },
    thread,
    time::{
        Duration,
        Instant, //
    }, //
};

const PAGES: usize = 6_000;
const LEN: usize = PAGES * PAGE;

/// What the function returns.
const RESULT: u16 = 0x70_6b;

/// How many processes move, and how often the probe is turned on and off in each.
const PROCESSES: usize = 8;
const TURNS: usize = 3;

/// How many calls of the function are waited for: the last one begins after the probe is on, or off.
const CALLS: u64 = 2;

/// How long they may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a range is moved.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    OneCall,
    CallForEach,
}

impl How {
    fn name(self) -> &'static str {
        match self {
            How::OneCall => "one call",
            How::CallForEach => "a call for each mapping",
        }
    }

    fn go(self, from: usize, to: usize) -> Result<()> {
        let step = match self {
            How::OneCall => LEN,
            How::CallForEach => PAGE,
        };

        for at in (0..LEN).step_by(step) {
            sys::move_range(from + at, step, to + at, Leave::Nothing).context("mremap")?;
        }
        Ok(())
    }
}

/// The file with the function.
fn code_file() -> Result<File> {
    let file = memfd(c"probed", 1)?;

    write_function(&file, 0, stamp::Stamp::own(0, 0, 0), RESULT)?;
    Ok(file)
}

/// Maps what moves.
fn make(file: &File) -> Result<()> {
    let code = OLD + LEN - PAGE;

    Strip::make(OLD, PAGES - 1, 1)?;
    sys::map(code, PAGE, Source::Private(file.as_fd(), 0))?;
    code::allow(code, PAGE)?;
    let mappings = maps::read()?
        .iter()
        .map(maps::range)
        .filter(|range| OLD <= range.start && range.end <= OLD + LEN)
        .count();
    ensure!(mappings == PAGES, "{mappings} mappings, not {PAGES}");
    Ok(())
}

/// Moves for ever, and calls the function after each move.
fn move_on(how: How, file: &File, calls: &AtomicU64) -> Result<()> {
    let (mut from, mut to) = (OLD, NEW);

    make(file)?;
    loop {
        how.go(from, to)?;
        let function = word(to + LEN - PAGE, stamp::word::CODE);
        // SAFETY: The page of code has just arrived.
        let found = unsafe { code::call(function) };
        ensure!(
            found == Ok(u32::from(RESULT)),
            "the function gives {found:x?}"
        );
        calls.fetch_add(1, Ordering::SeqCst);
        (from, to) = (to, from);
    }
}

/// A process that moves.
struct Moving {
    child: Child,
    calls: &'static AtomicU64,
}

impl Moving {
    fn start(how: How, file: &File, calls: &'static AtomicU64) -> Result<Self> {
        calls.store(0, Ordering::SeqCst);
        let child = Child::fork(|| {
            if let Err(error) = move_on(how, file, calls) {
                say!("{error:#}");
            }
            1
        })?;
        Ok(Moving { child, calls })
    }

    /// Waits until it has called the function some times more. Returns whether it lives: a
    /// breakpoint that nobody owns kills it.
    fn goes_on(&mut self) -> Result<bool> {
        let until = self.calls.load(Ordering::SeqCst) + CALLS;
        let start = Instant::now();

        while self.calls.load(Ordering::SeqCst) < until {
            match self.child.ended()? {
                Some(status) if status.signal() == Some(libc::SIGTRAP) => return Ok(false),
                Some(status) => bail!("the process that moves ended: {status}"),
                None => {}
            }
            ensure!(
                start.elapsed() < PATIENCE,
                "the process that moves hangs after {} calls",
                self.calls.load(Ordering::SeqCst)
            );
            thread::sleep(Duration::from_millis(1));
        }
        Ok(true)
    }
}

/// What became of the processes.
#[derive(Default)]
struct Outcome {
    processes: usize,
    died: usize,
    turned_on: usize,
    never_hit: usize,
}

fn turn_on_and_off(how: How, file: &File, calls: &'static AtomicU64) -> Result<Outcome> {
    let probe = Probe::make(file, word(0, stamp::word::CODE))?;
    let mut outcome = Outcome::default();

    for _ in 0..PROCESSES {
        let mut moving = Moving::start(how, file, calls)?;

        outcome.processes += 1;
        ensure!(moving.goes_on()?, "there is a breakpoint before any probe");
        for _ in 0..TURNS {
            probe.enable().context("turning a uprobe on")?;
            let before = probe.hits()?;
            let lives = moving.goes_on()?;
            outcome.turned_on += 1;
            outcome.never_hit += usize::from(probe.hits()? == before);
            probe.disable().context("turning a uprobe off")?;
            if !lives || !moving.goes_on()? {
                outcome.died += 1;
                break;
            }
        }
    }
    Ok(outcome)
}

/// Prints what became of processes.
fn report(tap: &mut Tap, how: How, outcome: &Outcome) {
    let how = how.name();

    tap.result(
        outcome.died == 0,
        format!(
            "by {how}, {} of {} processes die by a breakpoint that nobody owns",
            outcome.died, outcome.processes
        ),
    );
    tap.result(
        outcome.never_hit == 0,
        format!(
            "by {how}, {} of {} probes are never hit",
            outcome.never_hit, outcome.turned_on
        ),
    );
}

/// Runs both ways to move. Returns whether nothing was found.
pub fn run() -> bool {
    let mut tap = Tap::begin(4);

    for how in [How::OneCall, How::CallForEach] {
        let outcome = mem::signal::survive_faults()
            .map_err(Into::into)
            .and_then(|()| code_file())
            .and_then(|file| turn_on_and_off(how, &file, shared::number().context("mmap")?));
        match outcome {
            Ok(outcome) => report(&mut tap, how, &outcome),
            Err(error) => {
                tap.result(false, format!("by {} # {error:#}", how.name()));
                tap.result(false, format!("by {} # the same", how.name()));
            }
        }
    }
    tap.all_right()
}
