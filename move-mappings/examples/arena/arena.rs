// SPDX-License-Identifier: GPL-2.0

//! The arena: blocks of a page each, which are referred to by their distance from its start.

use crate::pages::{
    page,
    Pages, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use move_mappings::Moved;
use std::ops::Range;

/// The number of a block. It stays right when the arena moves.
pub type Block = usize;

/// What the memory of a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Writable,
    /// May be read alone.
    ReadOnly,
    /// May be written, but is not part of a core dump.
    Cold,
    /// Unmapped.
    Released,
}

/// An arena, and the states of the blocks that are allocated, which are its first ones.
pub struct Arena {
    pages: Pages,
    states: Vec<State>,
}

impl Arena {
    pub fn new(blocks: usize) -> Result<Self> {
        Ok(Arena {
            pages: Pages::reserve(blocks)?,
            states: Vec::new(),
        })
    }

    /// How many blocks it has room for.
    pub fn blocks(&self) -> usize {
        self.pages.count()
    }

    /// Its addresses.
    pub fn range(&self) -> Range<usize> {
        let start = self.pages.start() as usize;

        start..start + self.blocks() * page()
    }

    fn state(&self, block: Block) -> Result<State> {
        let state = self.states.get(block).copied();

        state.with_context(|| format!("block {block} is not allocated"))
    }

    /// Allocates the next block.
    pub fn allocate(&mut self) -> Result<Block> {
        let block = self.states.len();

        ensure!(block < self.blocks(), "the arena is full");
        self.pages.make_writable(block)?;
        self.states.push(State::Writable);
        Ok(block)
    }

    /// Makes a writable block something else.
    pub fn age(&mut self, block: Block, state: State) -> Result<()> {
        ensure!(
            self.state(block)? == State::Writable,
            "block {block} is old"
        );
        match state {
            State::Writable => {}
            State::ReadOnly => self.pages.make_read_only(block)?,
            State::Cold => self.pages.keep_from_dumps(block)?,
            State::Released => self.pages.unmap(block)?,
        }
        self.states[block] = state;
        Ok(())
    }

    /// Writes a block's two words.
    pub fn write(&mut self, block: Block, words: [u64; 2]) -> Result<()> {
        let state = self.state(block)?;

        ensure!(
            matches!(state, State::Writable | State::Cold),
            "block {block} is {state:?}"
        );
        // SAFETY: It is mapped and may be written, as its state says, and `self` is borrowed
        // mutably. Each block starts at a page, so that it is aligned.
        unsafe { self.pages.at(block).cast::<[u64; 2]>().write(words) };
        Ok(())
    }

    /// Reads a block's two words.
    pub fn read(&self, block: Block) -> Result<[u64; 2]> {
        let state = self.state(block)?;

        ensure!(
            matches!(state, State::Writable | State::Cold | State::ReadOnly),
            "block {block} is {state:?}"
        );
        // SAFETY: It is mapped and may be read, as its state says.
        Ok(unsafe { self.pages.at(block).cast::<[u64; 2]>().read() })
    }

    /// Moves to where there is room for more blocks. References to blocks are numbers, and stay
    /// right.
    pub fn grow(&mut self, blocks: usize) -> Result<Moved> {
        ensure!(blocks >= self.blocks(), "an arena does not shrink");
        self.pages.move_to(Pages::reserve(blocks)?).context("move")
    }
}
