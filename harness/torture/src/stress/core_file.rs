// SPDX-License-Identifier: GPL-2.0

//! Core files: where a process had memory when it died, and what was in it.

use anyhow::{
    ensure,
    Result, //
};
use mem::peek::Fault;
use std::{
    fs::File,
    ops::Range,
    os::unix::fs::FileExt, //
};

/// A part of a core file that has memory.
struct Part {
    addresses: Range<usize>,
    /// Where it is in the file.
    offset: usize,
    /// How much of it is there.
    len: usize,
}

/// A core file: where processes had memory, and what was in it.
pub struct CoreFile {
    file: File,
    parts: Vec<Part>,
}

impl CoreFile {
    /// Reads where it has memory.
    pub fn open(path: &str) -> Result<Self> {
        let file = File::open(path)?;
        let number = |at: usize, len: usize| -> Result<usize> {
            let mut bytes = [0; size_of::<usize>()];

            file.read_exact_at(&mut bytes[..len], at as u64)?;
            Ok(usize::from_le_bytes(bytes))
        };

        // The fields of `Elf64_Ehdr`, and then of each `Elf64_Phdr`.
        ensure!(number(0, 4)? == 0x464c_457f, "it is no ELF file");
        let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        let mut parts = Vec::new();
        for header in (0..count).map(|index| table + index * size) {
            if number(header, 4)? == libc::PT_LOAD as usize {
                let start = number(header + 16, 8)?;
                parts.push(Part {
                    addresses: start..start + number(header + 40, 8)?,
                    offset: number(header + 8, 8)?,
                    len: number(header + 32, 8)?,
                });
            }
        }
        Ok(CoreFile { file, parts })
    }

    /// What a process would have seen at an address.
    pub fn see(&self, addr: usize) -> Result<u64, Fault> {
        let part = self
            .parts
            .iter()
            .find(|part| part.addresses.contains(&addr));
        let part = part.ok_or(Fault::Unmapped)?;
        let within = addr - part.addresses.start;
        let mut bytes = [0; size_of::<u64>()];

        if within < part.len {
            let at = (part.offset + within) as u64;
            self.file
                .read_exact_at(&mut bytes, at)
                .map_err(|_| Fault::Bus)?;
        }
        Ok(u64::from_ne_bytes(bytes))
    }

    /// How many mappings a process had in a range.
    pub fn mappings(&self, range: &Range<usize>) -> usize {
        self.parts
            .iter()
            .filter(|part| part.addresses.start < range.end && range.start < part.addresses.end)
            .count()
    }
}
