// SPDX-License-Identifier: GPL-2.0

//! Moves memory to and fro while everything else happens to it, and looks whether any gets lost.
//!
//! Each page of a few regions carries a stamp that says what page it is. *Movers* move the regions
//! by `mremap()`, whole or in parts. *Antagonists* do to them what others may do meanwhile, each
//! alone and all together. Everybody looks for wrong stamps all the time.

mod antagonists;
mod apart;
mod cgroup;
mod core_file;
mod cover;
mod effects;
mod files;
mod guard;
mod hang;
mod kind;
mod mover;
mod one_step;
mod pick;
mod position;
mod probe;
mod probes;
mod region;
mod ring;
mod run;
mod sabotage;
mod scene;
mod shape;
mod shuttle;
mod stamp;
mod workers;

use crate::{
    arguments::Seed,
    say::say, //
};
use antagonists::Entry;
use anyhow::{
    bail,
    ensure,
    Result, //
};
use clap::{
    Args,
    Subcommand, //
};
use effects::Effects;
use run::Run;
use sabotage::Sabotage;
use scene::Scene;
use std::{
    sync::atomic::Ordering,
    thread::available_parallelism,
    time::{
        Duration,
        Instant, //
    }, //
};

#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs antagonists: half of the time each alone, then all together
    Run(Rules),
    /// Turns a uprobe on and off in a process that moves its code, by one call and by a call for
    /// each mapping. Results are in TAP
    Probes,
    /// What an antagonist starts as a process of its own
    #[command(hide = true)]
    Apart {
        program: apart::Program,
        #[command(flatten)]
        from: Seed,
    },
}

#[derive(Args)]
struct Rules {
    /// How long, in all
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    #[command(flatten)]
    from: Seed,
    /// Runs only these, together
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// Goes on without those that the kernel lacks something for, or that get nowhere
    #[arg(long)]
    partial: bool,
    /// Lists the antagonists
    #[arg(long)]
    list: bool,
    /// Does something wrong on purpose, to see that it is found
    #[arg(long, hide = true)]
    sabotage: Option<Sabotage>,
    /// How many seconds one thread may take for one act
    #[arg(long, default_value_t = 120)]
    patience: u64,
}

/// The antagonists that were asked for.
fn chosen(names: &[String]) -> Result<Vec<&'static Entry>> {
    for name in names {
        if !antagonists::ALL.iter().any(|entry| entry.name == name) {
            bail!("there is no antagonist '{name}'");
        }
    }
    Ok(antagonists::ALL
        .iter()
        .filter(|entry| names.is_empty() || names.iter().any(|name| name == entry.name))
        .collect())
}

/// Leaves out what the kernel lacks something for, if that is allowed.
fn possible<'a>(scene: &Scene, entries: Vec<&'a Entry>, partial: bool) -> Result<Vec<&'a Entry>> {
    let mut possible = Vec::new();

    for entry in entries {
        match (entry.make)(scene) {
            Ok(_) => possible.push(entry),
            Err(reason) if partial => say!("{:16} left out: {reason:#}", entry.name),
            Err(reason) => bail!("{}: {reason:#}; --partial goes on without it", entry.name),
        }
    }
    Ok(possible)
}

/// Runs the phases, and returns how many moves were made and pages checked.
fn phases(rules: &Rules) -> Result<(u64, u64)> {
    mem::signal::survive_faults()?;
    mem::signal::survive_breakpoints()?;
    if available_parallelism()?.get() < 2 {
        say!("one CPU: little happens at the same time");
    }
    let scene = Scene::make()?;
    let entries = possible(&scene, chosen(&rules.only)?, rules.partial)?;
    let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
    let before = Effects::now()?;
    let total = Duration::from_secs(rules.seconds);
    let start = Instant::now();
    let mut run = Run {
        scene: &scene,
        seed: rules.from.seed,
        sabotage: rules.sabotage,
        patience: Duration::from_secs(rules.patience),
        acts: Vec::new(),
    };

    if rules.only.is_empty() && !entries.is_empty() {
        let alone = total / 2 / entries.len() as u32;
        for entry in &entries {
            run.phase(&[entry], alone)?;
        }
    }
    run.phase(&entries, total.saturating_sub(start.elapsed()))?;
    run.report(start.elapsed().as_secs_f64());

    let mut idle = Effects::now()?.idle(&before, &names);
    idle.extend(scene.gains.idle(&names));
    let moves = scene.moves.load(Ordering::Relaxed);
    ensure!(moves > 0, "nothing was moved");
    ensure!(
        idle.is_empty() || rules.partial,
        "nothing came of {}",
        idle.join(", ")
    );
    let checked = scene
        .regions
        .iter()
        .map(|region| region.checked.load(Ordering::Relaxed));
    Ok((moves, checked.sum()))
}

/// Prints what comes of it, and returns whether that is nothing wrong.
fn run_by(rules: &Rules) -> bool {
    if rules.list {
        for entry in antagonists::ALL {
            println!("{:16} {}", entry.name, entry.about);
        }
        return true;
    }
    match phases(rules) {
        Ok((moves, checked)) => {
            println!("stress: {moves} moves, {checked} pages checked, 0 wrong");
            true
        }
        Err(error) => {
            println!("stress: {error:#}");
            false
        }
    }
}

/// Returns whether nothing was found.
pub fn run(options: &Options) -> Result<bool> {
    match &options.command {
        Command::Run(rules) => Ok(run_by(rules)),
        Command::Probes => Ok(probes::run()),
        Command::Apart { program, from } => apart::run(*program, from.seed).map(|()| true),
    }
}
