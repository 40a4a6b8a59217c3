// SPDX-License-Identifier: GPL-2.0

//! A call for each mapping, and the way back if one fails.

use crate::{
    error::{
        Error,
        Stopped, //
    },
    moved::Moved, //
};
use rustix::io::Errno;
use std::ops::Range;

/// Moves segments in order, from number `done` on: the ones before that have moved already. If one
/// does not move, all that have are moved back, the last one first.
pub(crate) fn move_each(
    segments: &[Range<usize>],
    done: usize,
    mut forth: impl FnMut(&Range<usize>) -> Result<(), Errno>,
    mut back: impl FnMut(&Range<usize>) -> Result<(), Errno>,
) -> Result<Moved, Error> {
    for (index, segment) in segments.iter().enumerate().skip(done) {
        let Err(errno) = forth(segment) else { continue };
        let moved = &segments[..index];
        let Some(first) = moved.first() else {
            return Err(Error::Refused(errno.into()));
        };
        let stuck = moved
            .iter()
            .rev()
            .find_map(|segment| Some((segment.end, back(segment).err()?)));

        return Err(Error::Stopped(Stopped {
            error: errno.into(),
            offset: segment.start - first.start,
            moved: moved.iter().map(Range::len).sum(),
            left: stuck.map_or(0, |(end, _)| end - first.start),
            back: stuck.map(|(_, errno)| errno.into()),
        }));
    }
    Ok(match segments.len() {
        1 => Moved::OneCall,
        all => Moved::ByMapping { calls: all - done },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    const SEGMENTS: [Range<usize>; 4] = [10..11, 11..13, 15..16, 16..20];

    /// Moves the segments where those that start at some addresses do not move. Returns where those
    /// that moved start as well, with a minus for the way back.
    fn run(done: usize, refused: &[usize], stuck: &[usize]) -> (Result<Moved, Error>, Vec<i32>) {
        let log = RefCell::new(Vec::new());
        let step = |segment: &Range<usize>, fails: &[usize], sign: i32| {
            if fails.contains(&segment.start) {
                return Err(Errno::NOMEM);
            }
            log.borrow_mut().push(sign * segment.start as i32);
            Ok(())
        };
        let result = move_each(
            &SEGMENTS,
            done,
            |segment| step(segment, refused, 1),
            |segment| step(segment, stuck, -1),
        );
        (result, log.into_inner())
    }

    fn stopped(result: Result<Moved, Error>) -> (usize, usize, usize, bool) {
        match result {
            Err(Error::Stopped(stopped)) => (
                stopped.offset,
                stopped.moved,
                stopped.left,
                stopped.back.is_some(),
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_move_in_order() {
        let (result, log) = run(0, &[], &[]);
        assert!(matches!(result, Ok(Moved::ByMapping { calls: 4 })));
        assert_eq!(log, [10, 11, 15, 16]);

        let (result, log) = run(2, &[], &[]);
        assert!(matches!(result, Ok(Moved::ByMapping { calls: 2 })));
        assert_eq!(log, [15, 16]);
    }

    #[test]
    fn one_mapping_is_one_call() {
        let result = move_each(&SEGMENTS[..1], 0, |_| Ok(()), |_| Ok(()));

        assert!(matches!(result, Ok(Moved::OneCall)));
    }

    #[test]
    fn what_moved_comes_back() {
        let (result, log) = run(0, &[15], &[]);
        assert_eq!(stopped(result), (5, 3, 0, false));
        assert_eq!(log, [10, 11, -11, -10]);

        // The kernel moved two of them before it stopped.
        let (result, log) = run(2, &[15], &[]);
        assert_eq!(stopped(result), (5, 3, 0, false));
        assert_eq!(log, [-11, -10]);
    }

    #[test]
    fn what_does_not_come_back_is_told() {
        let (result, log) = run(0, &[16], &[11]);
        assert_eq!(stopped(result), (6, 4, 3, true));
        assert_eq!(log, [10, 11, 15, -15]);
    }

    #[test]
    fn the_first_one_is_refused() {
        let (result, log) = run(0, &[10], &[]);
        assert!(matches!(result, Err(Error::Refused(_))));
        assert!(log.is_empty());
    }
}
