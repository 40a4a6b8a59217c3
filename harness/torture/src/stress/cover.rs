// SPDX-License-Identifier: GPL-2.0

//! What `/proc/self/maps` says of a region.
//!
//! Antagonists split mappings and change what may be done with them, so mappings are not compared
//! one by one: each page must be mapped where it is, as what it is, and nowhere else.

use super::{
    kind::Kind,
    position::{
        Place,
        Position,
        Spot,
        SLOTS, //
    },
    region::Region, //
};
use anyhow::{
    anyhow,
    ensure,
    Result, //
};
use mem::{
    maps::{
        self,
        MMPermissions,
        MemoryMap, //
    },
    PAGE, //
};

/// The mapping that each page of a region has in a slot.
fn in_slot<'a>(maps: &'a [MemoryMap], region: &Region, slot: usize) -> Vec<Option<&'a MemoryMap>> {
    let mut pages = vec![None; region.shape.len()];
    let (start, end) = (region.addr(slot, 0), region.addr(slot, pages.len()));

    for map in maps {
        let range = maps::range(map);
        let (from, until) = (range.start.max(start), range.end.min(end));

        if from < until {
            pages[(from - start) / PAGE..(until - start) / PAGE].fill(Some(map));
        }
    }
    pages
}

/// Must a page be mapped in a slot, while the region rests?
fn expected(region: &Region, position: &Position, slot: usize, page: usize) -> bool {
    let left = match position.place {
        Place::Rest { left, .. } => left == Some(slot) && position.part.contains(&page),
        Place::Move { .. } => false,
    };
    let hole = region.shape.mapped_in(&(page..page + 1)).is_empty();

    !hole && (left || position.spot(page) == Spot::At(slot))
}

/// The offset at which a page must be mapped, where that shows.
fn offset(region: &Region, page: usize) -> Option<usize> {
    let unit = region.shape.unit(page);

    match unit.kind {
        Kind::Shared => Some((page - unit.pages.start) * PAGE),
        kind => region.files.of(kind).map(|_| page * PAGE),
    }
}

/// Expects the mapping of a page to be of the page's kind.
fn check_kind(region: &Region, slot: usize, page: usize, map: &MemoryMap) -> Result<()> {
    let kind = region.shape.unit(page).kind;
    let shared = map.perms.contains(MMPermissions::SHARED);
    let within = region.addr(slot, page) - maps::range(map).start;

    ensure!(shared == kind.shared(), "shared is {shared}");
    if let Some(inode) = region.files.inode(kind)? {
        ensure!(map.inode == inode, "the file is {}, not {inode}", map.inode);
    }
    if let Some(expected) = offset(region, page) {
        let found = map.offset as usize + within;
        ensure!(
            found == expected,
            "the offset is {found:#x}, not {expected:#x}"
        );
    }
    Ok(())
}

/// Expects a region that rests to be mapped as it should.
pub fn check(maps: &[MemoryMap], region: &Region, position: &Position) -> Result<()> {
    for slot in 0..SLOTS {
        for (page, map) in in_slot(maps, region, slot).into_iter().enumerate() {
            let wanted = expected(region, position, slot, page);
            let fault = |why: &str| {
                anyhow!(
                    "region {}, page {page} at {:#x} in slot {slot}: {why}; {position}",
                    region.name,
                    region.addr(slot, page)
                )
            };

            match map {
                Some(map) if wanted => check_kind(region, slot, page, map)
                    .map_err(|error| fault(&format!("{error}, in {map:?}")))?,
                Some(map) => return Err(fault(&format!("mapped, and should not be: {map:?}"))),
                None if wanted => return Err(fault("not mapped")),
                None => {}
            }
        }
    }
    Ok(())
}
