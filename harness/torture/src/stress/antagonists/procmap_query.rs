// SPDX-License-Identifier: GPL-2.0

//! Asks for one mapping after the other, by `PROCMAP_QUERY`.
//!
//! Where mappings have locks of their own, a question waits for a move only if it comes upon a
//! mapping that moves. So each answer is of a time of its own. But once one shows that the move has
//! been made, no later one may show that it has not.

use super::Antagonist;
use crate::stress::{
    cover,
    position::{
        Place,
        Position,
        SLOTS, //
    },
    region::Region,
    scene::Scene, //
};
use anyhow::{
    bail,
    Context,
    Result, //
};
use mem::{
    maps::{
        self,
        MemoryMap, //
    },
    query::Query, //
};
use rand::rngs::ChaCha8Rng;

struct ProcmapQuery<'a> {
    scene: &'a Scene,
    query: Query,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    Ok(Box::new(ProcmapQuery {
        scene,
        query: Query::open().context("PROCMAP_QUERY")?,
    }))
}

/// Expects answers, in the order in which they came, never to go back behind a move.
fn one_step(maps: &[MemoryMap], region: &Region, position: &Position) -> Result<()> {
    let Place::Move {
        from,
        to,
        keep,
        over,
    } = position.place
    else {
        return Ok(());
    };
    let is_mapped = |slot: usize, page: usize| {
        let addr = region.addr(slot, page);
        maps.iter().any(|map| maps::range(map).contains(&addr))
    };
    let mut moved: Option<(usize, usize)> = None;

    for slot in 0..SLOTS {
        // What the move leaves, or goes over, is mapped before as well as after it.
        let tells = slot == from && !keep || slot == to && !over;
        if !tells {
            continue;
        }
        for page in region.shape.mapped_in(&position.part) {
            let has_moved = is_mapped(slot, *page) == (slot == to);
            match moved {
                Some((first, at)) if !has_moved => bail!(
                    "not one step: PROCMAP_QUERY showed page {first} of region {} in slot {at} to \
                     have moved, and then page {page} in slot {slot} not to; {position}; it told \
                     of {:x?}",
                    region.name,
                    maps.iter().map(maps::range).collect::<Vec<_>>()
                ),
                None if has_moved => moved = Some((*page, slot)),
                _ => {}
            }
        }
    }
    Ok(())
}

impl ProcmapQuery<'_> {
    /// All mappings where a region can be. Stops when the region begins or ends to move.
    fn walk(&self, region: &Region) -> Result<Option<(Vec<MemoryMap>, Position)>> {
        let field = region.field();
        let before = region.position.load();
        let mut maps = Vec::new();
        let mut addr = field.start;

        while let Some(map) = self.query.next(addr).context("PROCMAP_QUERY")? {
            let range = maps::range(&map);
            if region.position.load() != before {
                return Ok(None);
            }
            if range.end <= addr {
                bail!("PROCMAP_QUERY at {addr:#x} tells of what is before: {map:x?}");
            }
            if range.start >= field.end {
                break;
            }
            addr = range.end;
            maps.push(map);
        }
        Ok(Some((maps, before.unpack())).filter(|_| region.position.load() == before))
    }
}

impl Antagonist for ProcmapQuery<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let region = self.scene.any_region(rng);
        let Some((maps, position)) = self.walk(region)? else {
            return Ok(());
        };

        match position.place {
            Place::Move { .. } => one_step(&maps, region, &position)?,
            Place::Rest { left: None, .. } => {
                cover::check(&maps, region, &position).context("by PROCMAP_QUERY")?;
            }
            // What a move has left may be about to be unmapped.
            Place::Rest { left: Some(_), .. } => return Ok(()),
        }
        region.count(region.shape.mapped().len());
        self.scene.gains.add("procmap_query", 1);
        Ok(())
    }
}
