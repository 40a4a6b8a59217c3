// SPDX-License-Identifier: GPL-2.0

//! An arena of many mappings that grows by moving all of it: an example for [`move_mappings`].
//!
//! A collector of garbage makes old objects read-only, keeps cold ones out of core dumps and gives
//! the pages of dead ones back. Each of that splits a mapping. When the arena is full, all of it
//! has to go where there is room.
//!
//! Lines for the user start with a bar, so that they are told from the kernel's own messages on the
//! same console.

mod arena;
mod list;
mod mappings;
mod pages;

use anyhow::{
    ensure,
    Result, //
};
use arena::{
    Arena,
    State, //
};
use clap::Parser;
use list::List;
use move_mappings::{
    support,
    Moved,
    Support, //
};
use std::time::Instant;

#[derive(Parser)]
#[command(about = "Fills an arena, fragments it, and grows it by moving all of its mappings")]
struct Args {
    /// How many blocks the arena has room for at first, of one page each.
    #[arg(long, default_value_t = 1200, value_parser = clap::value_parser!(u32).range(8..=50_000))]
    blocks: u32,
}

macro_rules! say {
    ($($text:tt)*) => { println!("| {}", format_args!($($text)*)) };
}

/// What becomes of blocks, over and over, when they get old.
const FATES: [State; 6] = [
    State::Writable,
    State::ReadOnly,
    State::Cold,
    State::ReadOnly,
    State::Writable,
    State::Released,
];

/// Fills the arena with a list, and lets its blocks get old. Dead blocks leave the list.
fn fill(arena: &mut Arena) -> Result<List> {
    let mut list = List::new();

    for index in 0..arena.blocks() {
        let block = arena.allocate()?;
        let fate = FATES[index % FATES.len()];
        if fate != State::Released {
            list.push(arena, block)?;
        }
        arena.age(block, fate)?;
    }
    Ok(list)
}

fn main() -> Result<()> {
    let blocks = Args::parse().blocks as usize;
    let mut arena = Arena::new(blocks)?;
    let mut list = fill(&mut arena)?;
    let nodes = list.check(&arena)?;
    let before = mappings::within(arena.range())?;

    say!("");
    say!(
        "an arena of {blocks} blocks: {nodes} in a list, {} freed",
        blocks - nodes
    );
    say!(
        "it is full, and {} mappings by now, at {:#x}",
        before.len(),
        arena.range().start
    );
    let start = Instant::now();
    let moved = arena.grow(2 * blocks)?;
    let took = start.elapsed().as_micros();
    match moved {
        Moved::OneCall => say!("moved by one call for all of it, in {took} us"),
        Moved::ByMapping { calls } => {
            say!("moved by a call for each mapping, {calls} calls, in {took} us")
        }
    }
    say!(
        "it has room for {} blocks, at {:#x}; {}",
        arena.blocks(),
        arena.range().start,
        match support()? {
            Support::OneMapping => "this kernel moves one mapping at a time",
            Support::MayStop => "this kernel may stop half-way where a mapping does not move",
            Support::AllOrNothing => "this kernel moves all of it or nothing",
        }
    );

    ensure!(
        mappings::within(arena.range())? == before,
        "the mappings are not what they were"
    );
    ensure!(list.check(&arena)? == nodes, "nodes are missing");
    for _ in 0..blocks {
        let block = arena.allocate()?;
        list.push(&mut arena, block)?;
    }
    say!(
        "the list reads as before, and goes on: {} nodes in {} mappings",
        list.check(&arena)?,
        mappings::within(arena.range())?.len()
    );
    Ok(())
}
