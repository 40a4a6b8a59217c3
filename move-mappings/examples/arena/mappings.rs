// SPDX-License-Identifier: GPL-2.0

//! What a range consists of, by `/proc/self/maps`.

use anyhow::Result;
use procfs::process::{
    MMPermissions,
    Process, //
};
use std::ops::Range;

/// The mappings in a range that may be accessed: their offsets in it, and how they may be.
pub fn within(range: Range<usize>) -> Result<Vec<(Range<usize>, MMPermissions)>> {
    let mut found = Vec::new();

    for map in Process::myself()?.maps()? {
        let (start, end) = (map.address.0 as usize, map.address.1 as usize);
        let usable = map.perms.contains(MMPermissions::READ);
        if usable && start < range.end && range.start < end {
            let inside = start.max(range.start)..end.min(range.end);
            found.push((
                inside.start - range.start..inside.end - range.start,
                map.perms,
            ));
        }
    }
    Ok(found)
}
