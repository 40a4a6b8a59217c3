// SPDX-License-Identifier: GPL-2.0

//! A list in an arena, whose nodes are linked by the numbers of their blocks.

use crate::arena::{
    Arena,
    Block, //
};
use anyhow::{
    ensure,
    Result, //
};

/// A list. A node is the number of the one before it and how many there are before it.
pub struct List {
    last: Option<Block>,
    nodes: usize,
}

/// The link of the first node.
const NONE: u64 = u64::MAX;

impl List {
    pub fn new() -> Self {
        List {
            last: None,
            nodes: 0,
        }
    }

    /// Makes a block the last node.
    pub fn push(&mut self, arena: &mut Arena, block: Block) -> Result<()> {
        let link = self.last.map_or(NONE, |block| block as u64);

        arena.write(block, [link, self.nodes as u64])?;
        self.last = Some(block);
        self.nodes += 1;
        Ok(())
    }

    /// Follows the list to its start. Returns how many nodes it has.
    pub fn check(&self, arena: &Arena) -> Result<usize> {
        let mut next = self.last.map_or(NONE, |block| block as u64);

        for number in (0..self.nodes as u64).rev() {
            let [link, found] = arena.read(next as Block)?;
            ensure!(found == number, "node {number} says that it is {found}");
            next = link;
        }
        ensure!(next == NONE, "the list goes on before its start");
        Ok(self.nodes)
    }
}
