// SPDX-License-Identifier: GPL-2.0

//! How a move with `MREMAP_DONTUNMAP` completes.

use super::{
    linked::linked_vmas,
    plan::Segment,
    range_move::{
        is_locked,
        RangeMove, //
    },
};
use core::ops::Range;
use kernel::mm::MmWriteLocked;

/// Completes a move with `MREMAP_DONTUNMAP`: the VMAs of the source stay, without pages, and what
/// has moved merges. Does not fail.
pub(crate) fn complete(mut range_move: RangeMove<'_, '_>) {
    Dontunmap::new(&mut range_move).complete();
}

/// A move of which all has moved, while its source is completed from the start on.
///
/// # Invariants
///
/// The source is complete below `completed`, and not from there on. No VMA has parts of the source
/// on both sides of that address.
struct Dontunmap<'m, 'a, 'mm> {
    range_move: &'m mut RangeMove<'a, 'mm>,
    completed: usize,
}

impl<'m, 'a, 'mm> Dontunmap<'m, 'a, 'mm> {
    fn new(range_move: &'m mut RangeMove<'a, 'mm>) -> Self {
        let completed = range_move.plan().request().source().start;

        // INVARIANT: Nothing of the source is below its start.
        Dontunmap {
            range_move,
            completed,
        }
    }

    fn mm(&self) -> &MmWriteLocked<'mm> {
        self.range_move.mm()
    }

    /// Completes the source, and merges what has moved. Does not fail.
    ///
    /// If source and destination are not adjacent, all of the source completes first. If they are,
    /// what has moved may merge with the source, and does as in a sequence of calls: while the
    /// source before it is complete and the rest is not. Locked VMAs merge when all of the source
    /// is unlocked: they would be unlocked with a VMA of it that they merged with.
    ///
    /// What has moved merges run by run, if no VMA of the source can be next to it. Otherwise each
    /// segment does by itself: it does not merge with what the one before has merged with, if that
    /// is its source.
    fn complete(mut self) {
        let request = *self.range_move.plan().request();
        let Range { start, end } = request.source();

        if request.is_adjacent() {
            let mut segments = Segments::new(&self);
            while let Some(moved) = segments.next(&self) {
                if !self.is_locked(&moved) {
                    self.merge(&moved);
                }
                let all = self.lost_all(&moved.segment);
                self.complete_source(moved.segment.source().end, all);
            }

            let mut segments = Segments::new(&self);
            while let Some(moved) = segments.next(&self) {
                if self.is_locked(&moved) {
                    self.merge(&moved);
                }
            }
        } else {
            self.complete_source(end, true);
            if self.range_move.plan().is_apart() {
                self.merge_runs(start..end);
            } else {
                let mut segments = Segments::new(&self);
                while let Some(moved) = segments.next(&self) {
                    self.merge(&moved);
                }
            }
        }
        self.complete_source(end, true);
        self.range_move.finish();
    }

    /// Merges what has moved, a run at a time.
    fn merge_runs(&mut self, source: Range<usize>) {
        let mut from = source.start;

        while let Some(run) = self.range_move.plan().next_run(self.mm(), from..source.end) {
            from = run.source().end;
            self.merge(&Moved {
                segment: run,
                is_first: true,
                is_last: true,
            });
        }
    }

    /// Completes what is left of the source below `until` (bytes), and all of a VMA there.
    ///
    /// With `all`, VMAs in it have lost all of their pages at once, and were not split since.
    fn complete_source(&mut self, until: usize, all: bool) {
        let until = self.end_of_vma(until);
        let from = self.completed;

        if from < until {
            // INVARIANT: It is complete now, up to the end of a VMA.
            self.completed = until;
            self.range_move.complete_source(from..until, all);
        }
    }

    /// Returns where the VMA ends that lies across `addr` (bytes), or `addr`.
    fn end_of_vma(&self, addr: usize) -> usize {
        let end = self.range_move.plan().request().source().end;

        if addr <= self.completed || addr >= end {
            return addr.min(end);
        }
        let vma = linked_vmas(self.mm(), addr - 1..addr).next();
        vma.map_or(addr, |vma| vma.linked().end.clamp(addr, end))
    }

    /// Returns whether the VMA that the segment is of lost all of its pages at once, except for
    /// those that the destination had unmapped by then. A locked VMA is split at the segment's
    /// ends.
    fn lost_all(&self, segment: &Segment) -> bool {
        let Range { start, .. } = segment.source();

        is_locked(self.mm(), start)
            || self.range_move.plan().vma_range_at(start, segment) == segment.source()
    }

    fn is_locked(&self, moved: &Moved) -> bool {
        is_locked(self.mm(), moved.segment.destination().start)
    }

    /// Merges what has moved with what is around it, but not with its source, nor with what was one
    /// VMA with the source when the move began. A locked VMA was split then, and what was split off
    /// is another VMA.
    fn merge(&mut self, moved: &Moved) {
        let segment = &moved.segment;
        let Range { start, end } = segment.destination();
        let (first, last) = (segment.source().start, segment.source().end - 1);
        let (before, after) = (start.wrapping_sub(1), end);
        let apart = self.range_move.plan().is_apart();

        let with_prev = apart || {
            let is_prev = self.vma_range(first).contains(&before);
            let then = || self.vma_range_then(first, start, segment);

            !is_prev && !(moved.is_first && then().contains(&before))
        };
        let with_next = apart || {
            let is_next = self.vma_range(last).contains(&after);
            let then = || self.vma_range_then(last, end - 1, segment);

            !is_next && !then().contains(&after)
        };
        // What moved before may have merged with it.
        let is_whole =
            apart || self.vma_range(start).start == start && self.vma_range(end - 1).end == end;

        if is_whole {
            self.range_move
                .merge(segment, with_prev, moved.is_last && with_next);
        }
    }

    /// Returns the addresses of the VMA at `addr` (bytes).
    fn vma_range(&self, addr: usize) -> Range<usize> {
        let vma = self.mm().vma_lookup(addr);

        vma.map_or(0..0, |vma| vma.start()..vma.end())
    }

    /// Returns the addresses that the VMA at `addr` of the source had when the page at it moved to
    /// `new`.
    fn vma_range_then(&self, addr: usize, new: usize, segment: &Segment) -> Range<usize> {
        if is_locked(self.mm(), new) {
            self.vma_range(addr)
        } else {
            self.range_move.plan().vma_range_at(addr, segment)
        }
    }
}

/// What has moved and merges: a segment, or a whole run.
struct Moved {
    segment: Segment,
    /// It is the first of its run.
    is_first: bool,
    /// It is the last of its run.
    is_last: bool,
}

/// A walk over the segments, in address order. The next one is found before this one merges.
struct Segments {
    next: Option<Segment>,
    prev_end: Option<usize>,
}

impl Segments {
    fn new(dontunmap: &Dontunmap<'_, '_, '_>) -> Self {
        let plan = dontunmap.range_move.plan();

        Segments {
            next: plan.next_segment(dontunmap.mm(), plan.request().source().start),
            prev_end: None,
        }
    }

    fn next(&mut self, dontunmap: &Dontunmap<'_, '_, '_>) -> Option<Moved> {
        let segment = self.next?;
        let Range { start, end } = segment.source();
        let is_first = self.prev_end != Some(start);

        self.next = dontunmap
            .range_move
            .plan()
            .next_segment(dontunmap.mm(), end);
        self.prev_end = Some(end);
        Some(Moved {
            segment,
            is_first,
            is_last: self.next.map(|next| next.source().start) != Some(end),
        })
    }
}
