// SPDX-License-Identifier: GPL-2.0

//! What is mapped, as `/proc/self/maps` tells it.

use crate::error::Error;
use rustix::{
    fs::{
        open,
        seek,
        Mode,
        OFlags,
        SeekFrom, //
    },
    io::{
        read,
        retry_on_intr,
        Errno, //
    }, //
};
use std::{
    io,
    ops::Range,
    os::fd::OwnedFd, //
};

/// Where in a line the reader is. A line is `start-end perms offset dev inode path`.
#[derive(Clone, Copy)]
enum Field {
    Start(usize),
    End(usize, usize),
    Rest,
}

/// Adds a digit to a number. What is not a digit is no line of this file.
fn with_digit(number: usize, byte: u8) -> io::Result<usize> {
    match (byte as char).to_digit(16) {
        Some(digit) => Ok(number << 4 | digit as usize),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Finds mappings in the text of the file, which comes in pieces.
struct Parser(Field);

impl Parser {
    /// Takes the next byte. Returns a mapping where its addresses end.
    fn next(&mut self, byte: u8) -> io::Result<Option<Range<usize>>> {
        let mut found = None;

        self.0 = match (self.0, byte) {
            (Field::Start(start), b'-') => Field::End(start, 0),
            (Field::Start(start), _) => Field::Start(with_digit(start, byte)?),
            (Field::End(start, end), b' ') => {
                found = Some(start..end);
                Field::Rest
            }
            (Field::End(start, end), _) => Field::End(start, with_digit(end, byte)?),
            (Field::Rest, b'\n') => Field::Start(0),
            (Field::Rest, _) => Field::Rest,
        };
        Ok(found)
    }
}

/// The number and the size of some mappings.
#[derive(Default, PartialEq, Eq)]
struct Sum {
    count: usize,
    bytes: usize,
}

impl Sum {
    fn add(&mut self, segment: &Range<usize>) {
        self.count += 1;
        self.bytes += segment.len();
    }
}

/// The file. It is open for all of a move, so that it can be read when descriptors have run out.
pub(crate) struct Maps(OwnedFd);

impl Maps {
    pub(crate) fn open() -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;

        Ok(Maps(retry_on_intr(|| {
            open(c"/proc/self/maps", flags, Mode::empty())
        })?))
    }

    /// Calls a function with each mapping in a range, or the part of it that is, in ascending order.
    /// Allocates nothing, as that could map memory, even in the range.
    fn for_each(
        &self,
        range: &Range<usize>,
        mut found: impl FnMut(Range<usize>),
    ) -> io::Result<()> {
        let mut parser = Parser(Field::Start(0));
        let mut buffer = [0; 4096];

        seek(&self.0, SeekFrom::Start(0))?;
        loop {
            let len = retry_on_intr(|| read(&self.0, &mut buffer))?;
            if len == 0 {
                return Ok(());
            }
            for byte in &buffer[..len] {
                let Some(mapping) = parser.next(*byte)? else {
                    continue;
                };
                if mapping.start >= range.end {
                    return Ok(());
                }
                if mapping.end > range.start {
                    found(mapping.start.max(range.start)..mapping.end.min(range.end));
                }
            }
        }
    }

    /// The segments of a range, the parts of mappings in it. The first starts where the range does.
    ///
    /// Memory for the list is allocated when it is known how long it gets. Should that, or another
    /// thread, have mapped memory in the range, or changed what was, it is noticed.
    pub(crate) fn segments(&self, range: Range<usize>) -> Result<Vec<Range<usize>>, Error> {
        let (mut before, mut after) = (Sum::default(), Sum::default());
        let mut list = Vec::new();

        self.for_each(&range, |segment| before.add(&segment))
            .map_err(Error::List)?;
        list.try_reserve_exact(before.count)
            .map_err(|_| Error::List(Errno::NOMEM.into()))?;
        self.for_each(&range, |segment| {
            after.add(&segment);
            if list.len() < list.capacity() {
                list.push(segment);
            }
        })
        .map_err(Error::List)?;

        if before != after {
            return Err(Error::Changed);
        }
        match list.first() {
            Some(first) if first.start == range.start => Ok(list),
            _ => Err(Error::NothingMapped),
        }
    }

    /// How many of the first segments are no longer there, of a range that they were all of.
    ///
    /// What another thread has mapped there since is not taken for one, unless it has the very
    /// same start and end.
    pub(crate) fn count_gone(&self, segments: &[Range<usize>]) -> io::Result<usize> {
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
            return Ok(0);
        };
        let mut there = None;

        self.for_each(&(first.start..last.end), |found| {
            let index = segments.binary_search_by_key(&found.start, |known| known.start);
            // They come in ascending order, so that what is found first is the first one.
            there = there.or(index.ok().filter(|index| segments[*index] == found));
        })?;
        Ok(there.unwrap_or(segments.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_understood() {
        let text = "1000-3000 r--p 00000000 fe:00 1 /a-b c\n7fff0000-7fff1000 rw-p 0 00:00 0 \n";
        let mut parser = Parser(Field::Start(0));
        let found: Vec<_> = text
            .bytes()
            .filter_map(|byte| parser.next(byte).unwrap())
            .collect();

        assert_eq!(found, [0x1000..0x3000, 0x7fff_0000..0x7fff_1000]);
        assert!(Parser(Field::Start(0)).next(b'x').is_err());
    }

    #[test]
    fn the_stack_is_mapped() {
        let value = 0_u8;
        let local = &raw const value as usize;
        let maps = Maps::open().unwrap();
        let segments = maps.segments(local..local + 1).unwrap();

        assert_eq!(segments.first(), Some(&(local..local + 1)));
        assert_eq!(maps.count_gone(&segments).unwrap(), 0);
    }

    #[test]
    fn nothing_is_mapped_at_zero() {
        let maps = Maps::open().unwrap();

        assert!(matches!(maps.segments(0..4096), Err(Error::NothingMapped)));
        assert_eq!(maps.count_gone(&[0..1, 2..3]).unwrap(), 2);
    }
}
