// SPDX-License-Identifier: GPL-2.0

//! The text of `/proc/self/maps` and `/proc/self/smaps`.

use std::ops::Range;

/// What these files say of one mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub addresses: Range<usize>,
    /// Like `rw-p`.
    pub perms: String,
    /// In bytes. Zero for anonymous memory, whatever its offset.
    pub offset: usize,
    pub inode: u64,
    pub name: String,
    /// The lines that follow in smaps.
    pub lines: String,
}

impl Entry {
    /// What smaps says: names, and what stands behind them.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name, value.trim()))
    }

    /// May KSM merge its pages?
    pub fn mergeable(&self) -> bool {
        self.has_flag("mg")
    }

    /// Is a two-letter flag among the `VmFlags`?
    pub fn has_flag(&self, flag: &str) -> bool {
        self.fields()
            .any(|(name, value)| name == "VmFlags" && value.split(' ').any(|word| word == flag))
    }
}

/// Parses the line that starts a mapping.
fn header(line: &str) -> Option<Entry> {
    let mut words = line.splitn(6, ' ');
    let (start, end) = words.next()?.split_once('-')?;
    let perms = words.next()?.to_owned();
    let offset = words.next()?;
    let _device = words.next()?;
    let inode = words.next()?;
    let name = words.next().unwrap_or_default();

    Some(Entry {
        addresses: number(start)?..number(end)?,
        perms,
        offset: number(offset)?,
        inode: inode.parse().ok()?,
        name: without_number(name.trim()),
        lines: String::new(),
    })
}

fn number(text: &str) -> Option<usize> {
    usize::from_str_radix(text, 16).ok()
}

/// A file without a name is shown by the number of its inode, which is another each time.
fn without_number(name: &str) -> String {
    match name.split_once('#') {
        Some((before, after)) => {
            let rest = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
            format!("{before}#{rest}")
        }
        None => name.to_owned(),
    }
}

/// The number of kB that a field gives.
pub fn kilobytes(value: &str) -> Option<u64> {
    value.strip_suffix(" kB")?.trim().parse().ok()
}

/// Parses either file.
pub fn parse(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();

    for line in text.lines() {
        // Other lines start with a name, in upper case.
        if !line.starts_with(|first: char| first.is_ascii_uppercase()) {
            entries.extend(header(line));
        } else if let Some(entry) = entries.last_mut() {
            entry.lines.push_str(line);
            entry.lines.push('\n');
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_with_a_file() {
        let text = "1000-3000 rw-s 00002000 00:01 77    /tmp/#77 (deleted)\n\
                    Size:                  8 kB\nVmFlags: rd wr sh sd \n\
                    3000-4000 r--p 00000000 00:00 0 \nSize: 4 kB\n";
        let entries = parse(text);

        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].addresses, 0x1000..0x3000);
        assert_eq!((entries[0].offset, entries[0].inode), (0x2000, 77));
        assert_eq!(entries[0].name, "/tmp/# (deleted)");
        assert_eq!(entries[0].fields().next(), Some(("Size", "8 kB")));
        assert!(entries[0].has_flag("sd") && !entries[0].has_flag("s"));
        assert_eq!(entries[1].perms, "r--p");
    }
}
