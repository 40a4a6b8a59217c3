// SPDX-License-Identifier: GPL-2.0

//! Processes for what cannot be undone. They are started anew, as a child of `fork()` may have no
//! threads and has a copy of everything.

use super::{
    antagonists::{
        coredump,
        seal, //
    },
    shuttle::{
        home,
        Shuttle, //
    },
    workers::random, //
};
use crate::child::Child;
use anyhow::{
    Context,
    Result, //
};
use clap::ValueEnum;
use rand::{
    rngs::ChaCha8Rng,
    RngExt, //
};
use std::{
    process::Command,
    thread,
    time::Duration, //
};

/// How many mappings move in such a process, and where.
pub const MAPPINGS: usize = 100;
pub const HOME: usize = home::APART;

/// How long the range moves before something happens to it, at most, in microseconds.
const BEFORE: u64 = 20_000;

/// What such a process does.
#[derive(Clone, Copy, ValueEnum)]
pub enum Program {
    Seal,
    Dump,
}

impl Program {
    fn name(self) -> String {
        let value = self.to_possible_value().expect("a program with a name");

        value.get_name().to_owned()
    }

    fn body(self) -> fn(Shuttle, &mut ChaCha8Rng) -> Result<()> {
        match self {
            Program::Seal => seal::program,
            Program::Dump => coredump::program,
        }
    }
}

/// Starts a process. It says itself what is wrong.
pub fn start(program: Program, seed: u64) -> Result<Child> {
    let child = Command::new("/proc/self/exe")
        .args(["stress", "apart", &program.name()])
        .args(["--seed", &seed.to_string()])
        .spawn()
        .context("starting a process")?;

    Ok(Child::adopt(child.id() as libc::pid_t))
}

/// Lets another thread move the range for a while.
pub fn let_it_move(rng: &mut ChaCha8Rng) {
    thread::sleep(Duration::from_micros(rng.random_range(0..BEFORE)));
}

/// What is run there.
pub fn run(program: Program, seed: u64) -> Result<()> {
    mem::signal::survive_faults()?;
    let shuttle = Shuttle::make(HOME, MAPPINGS, 0)?;

    program.body()(shuttle, &mut random(seed, &program.name()))
}
