// SPDX-License-Identifier: GPL-2.0

//! `/proc/self/maps`.

pub use procfs::process::{
    MMPermissions,
    MemoryMap, //
};
use procfs::{
    process::MemoryMaps,
    FromBufRead, //
};
use std::{
    fs,
    io,
    ops::Range, //
};

/// Reads all mappings, in address order. It takes several reads, between which they may change.
pub fn read() -> io::Result<Vec<MemoryMap>> {
    parse(&fs::read("/proc/self/maps")?)
}

/// Understands whole lines of the file.
pub fn parse(text: &[u8]) -> io::Result<Vec<MemoryMap>> {
    MemoryMaps::from_buf_read(text)
        .map(|maps| maps.0)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

/// The addresses of a mapping.
pub fn range(map: &MemoryMap) -> Range<usize> {
    map.address.0 as usize..map.address.1 as usize
}
