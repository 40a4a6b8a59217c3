// SPDX-License-Identifier: GPL-2.0

//! The plan of a move: what moves and how, and whether it may.
//!
//! The *source* of a move is a range of addresses, the *destination* one of the same length. What
//! a VMA has of the source is a *segment*. Adjacent segments form a *run*:
//!
//! ```text
//!              old                                old + len
//!               |                                      |
//!   VMAs      [aaaaaa][bbb]      [cc][ddddd]        [eeee]
//!   segments    [aaaa][bbb]      [cc][ddddd]        [e]
//!   runs        [---------]      [---------]        [-]
//! ```
//!
//! Each segment moves to the same offset in the destination. What is mapped there under a run is
//! unmapped first; what is mapped under a hole stays.
//!
//! A plan holds addresses and sums, no VMAs: unmapping the destination may split or free the VMA
//! that the source is a part of. This file depends on `core` alone, so that it is tested on any
//! host.

use core::ops::Range;

/// The move that a call is for. Addresses and length in bytes.
///
/// # Invariants
///
/// Source and destination are whole pages, at least one, and neither wrap nor overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    old: usize,
    new: usize,
    len: usize,
    dontunmap: bool,
}

impl Request {
    /// Makes a request to move `len` bytes from `old` to `new`, or none if these are not whole
    /// pages of `page_size`, none at all, wrap, or overlap.
    ///
    /// With `dontunmap`, the VMAs of the source stay, without pages (`MREMAP_DONTUNMAP`).
    pub(crate) fn new(
        old: usize,
        new: usize,
        len: usize,
        dontunmap: bool,
        page_size: usize,
    ) -> Option<Self> {
        let wraps = old.checked_add(len).is_none() || new.checked_add(len).is_none();

        // INVARIANT: By these checks.
        ((old | new | len) & (page_size - 1) == 0 && len != 0 && !wraps && old.abs_diff(new) >= len)
            .then_some(Request {
                old,
                new,
                len,
                dontunmap,
            })
    }

    /// Returns the addresses of the source.
    #[inline]
    pub(crate) fn source(&self) -> Range<usize> {
        self.old..self.old + self.len
    }

    /// Returns the addresses of the destination.
    #[inline]
    pub(crate) fn destination(&self) -> Range<usize> {
        self.new..self.new + self.len
    }

    /// Returns whether the VMAs of the source stay.
    #[inline]
    pub(crate) fn dontunmap(&self) -> bool {
        self.dontunmap
    }

    /// Returns whether the destination starts where the source ends, or the other way round.
    pub(crate) fn is_adjacent(&self) -> bool {
        self.old.abs_diff(self.new) == self.len
    }
}

/// A part of a move: `len` bytes move from `old` to `new`. Only this file makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    old: usize,
    new: usize,
    len: usize,
}

impl Segment {
    /// Returns what a VMA has of the source.
    #[inline]
    fn of<V: Vma>(request: &Request, vma: &V) -> Option<Segment> {
        let Request { old, new, len, .. } = *request;

        Segment { old, new, len }.intersection(&vma.range())
    }

    /// Returns the addresses that it moves from.
    #[inline]
    pub(crate) fn source(&self) -> Range<usize> {
        self.old..self.old + self.len
    }

    /// Returns the addresses that it moves to.
    #[inline]
    pub(crate) fn destination(&self) -> Range<usize> {
        self.new..self.new + self.len
    }

    /// Returns its length in bytes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends `next` if it starts where this ends, and returns whether it does.
    #[inline]
    pub(crate) fn append(&mut self, next: &Segment) -> bool {
        let is_next = next.old == self.old + self.len;

        if is_next {
            self.len += next.len;
        }
        is_next
    }

    /// Returns what it has of `part`, addresses of the source.
    fn intersection(&self, part: &Range<usize>) -> Option<Segment> {
        let old = self.old.max(part.start);
        let end = self.source().end.min(part.end);

        (old < end).then(|| Segment {
            old,
            new: self.new + (old - self.old),
            len: end - old,
        })
    }
}

/// How a VMA moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MoveKind {
    /// The VMA itself is linked at the destination, so that nothing is allocated, charged or freed.
    Relocate,
    /// Another VMA is made at the destination, and the page tables move to it.
    Copy(CopyReason),
}

/// Why a VMA is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CopyReason {
    /// A part of it lies outside of the source, and it is not split there.
    Partial,
    /// Its placeholder would be adjacent to what has moved, and might merge with it before its
    /// pages have moved.
    Adjacent,
    /// Its pages are not found by the reverse mapping, and a driver may rely on its addresses.
    Special,
    /// `vm_ops->open()`, `close()` or `mremap()` count VMAs or note addresses, and have to be
    /// called as for a copy. Of hugetlb and System V shared memory, it is known what they do.
    VmOps,
    /// It is private memory of `/dev/zero`: anonymous, but with a file, in which it is found by an
    /// offset that changes with its address while it is unfaulted.
    AnonymousFile,
    /// It has so many page table entries or page tables that the locks of the reverse mapping
    /// would be held for long. Copying drops them after each page table.
    Long,
}

/// A VMA, as the planner sees it.
pub(crate) trait Vma {
    /// Where the maple tree has it: of a VMA that has been relocated, where it was.
    fn range(&self) -> Range<usize>;
    /// Whether it is of hugetlb.
    fn is_hugetlb(&self) -> bool;
    /// The size of its huge pages in bytes, if it is of hugetlb.
    fn huge_page_size(&self) -> usize;
    /// Whether its memory is not ordinary memory: `VM_PFNMAP`, `VM_MIXEDMAP` or `VM_IO`.
    fn is_special(&self) -> bool;
    /// Whether it has a `vm_ops->open()`, `close()` or `mremap()`.
    fn has_hooks(&self) -> bool;
    /// Whether it is an attach of System V shared memory.
    fn is_shm(&self) -> bool;
    /// Whether it is anonymous, but has a file.
    fn is_anonymous_file(&self) -> bool;
    /// Whether moving its page tables by `distance` bytes takes long.
    fn is_long(&self, distance: usize) -> bool;
    /// Whether KSM may merge its pages.
    fn is_ksm_mergeable(&self) -> bool;
    /// Whether its memory is charged for as committed memory.
    fn is_accounted(&self) -> bool;
    /// Whether its memory counts for `RLIMIT_DATA`.
    fn is_data(&self) -> bool;
}

/// An address space, as the planner sees it. It does not change while it is borrowed.
pub(crate) trait Space {
    /// Why a move is refused.
    type Error;
    /// A VMA.
    type Vma<'a>: Vma
    where
        Self: 'a;
    /// VMAs, in address order.
    type Vmas<'a>: Iterator<Item = Self::Vma<'a>>
    where
        Self: 'a;

    /// Returns the VMAs that a range overlaps.
    fn vmas(&self, range: Range<usize>) -> Self::Vmas<'_>;

    /// Checks whether the segment of the VMA may move.
    fn check_move(
        &self,
        vma: &Self::Vma<'_>,
        segment: &Segment,
        dontunmap: bool,
    ) -> Result<(), Self::Error>;

    /// Checks whether what the VMA has of the range may be unmapped.
    fn check_unmap(&self, vma: &Self::Vma<'_>, range: &Range<usize>) -> Result<(), Self::Error>;

    /// Checks whether the limits allow what the move makes of the address space.
    fn check_totals(&self, totals: &Totals, dontunmap: bool) -> Result<(), Self::Error>;

    /// Returns the first address after user space, in bytes.
    fn end(&self) -> usize;
}

/// Why a move is refused, and where: the first address that is in its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal<E> {
    /// Nothing is mapped where the source starts.
    NothingMapped,
    /// Rounded up to the huge page that it ends in, the source overlaps the destination, or the
    /// destination ends after user space.
    RoundedUp,
    /// The segment that starts at this address may not move.
    Segment { at: usize, error: E },
    /// What a VMA has of the destination, from this address on, may not be unmapped.
    Destination { at: usize, error: E },
    /// A limit does not allow what the move makes of the address space.
    Totals(E),
}

/// Sizes of memory, in pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    /// All of it.
    pub(crate) all: usize,
    /// What is charged for as committed memory.
    pub(crate) accounted: usize,
    /// What counts for `RLIMIT_DATA`.
    pub(crate) data: usize,
}

impl Pages {
    fn add<V: Vma>(&mut self, vma: &V, bytes: usize, page_size: usize) {
        let pages = bytes / page_size;

        self.all += pages;
        if vma.is_accounted() {
            self.accounted += pages;
        }
        if vma.is_data() {
            self.data += pages;
        }
    }
}

/// What a move does to the size of the address space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// How many segments move.
    pub(crate) segments: usize,
    /// How many of them have pages that KSM may have merged.
    pub(crate) ksm_mergeable: usize,
    /// How many of them are attaches of System V shared memory.
    pub(crate) shm: usize,
    /// How many runs they form.
    pub(crate) runs: usize,
    /// The first VMA starts before the source.
    pub(crate) splits_first: bool,
    /// The last VMA ends after the source.
    pub(crate) splits_last: bool,
    /// How many VMAs the move adds at most.
    pub(crate) vmas_added: usize,
    /// How many VMAs unmapping the destination removes.
    pub(crate) vmas_removed: usize,
    /// By how many VMAs the address space grows at most while the destination is unmapped.
    pub(crate) vmas_peak: usize,
    /// What is unmapped at the destination.
    pub(crate) unmapped: Pages,
    /// What moves.
    pub(crate) moved: Pages,
    /// The most that one segment has of committed memory, in pages.
    pub(crate) most_accounted: usize,
}

/// A move that has been checked.
///
/// Only [`plan()`] makes one, so whoever has one knows that no check refuses the move. That holds
/// as long as the address space is not changed by others.
#[derive(Debug)]
pub(crate) struct CheckedPlan {
    request: Request,
    totals: Totals,
    /// The addresses of the first VMA of the source and of the last, before they are split.
    ends: [Range<usize>; 2],
    /// The run, if it is the only one and need not be looked for.
    only_run: Option<Segment>,
    /// Where the last segment ends in the destination.
    last_end: usize,
}

impl CheckedPlan {
    /// Returns the move that it is for, rounded up to whole huge pages of hugetlb.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// Returns what the move does to the size of the address space.
    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Returns where the last segment ends in the source, in bytes.
    #[inline]
    pub(crate) fn last_end(&self) -> usize {
        self.last_end - self.request.new + self.request.old
    }

    /// Decides how a VMA of the source moves.
    pub(crate) fn move_kind<V: Vma>(&self, vma: &V) -> MoveKind {
        let Range { start, end } = vma.range();
        let source = self.request.source();

        let reason = if start < source.start || source.end < end {
            CopyReason::Partial
        } else if self.request.dontunmap && self.request.is_adjacent() {
            CopyReason::Adjacent
        } else if vma.is_special() {
            CopyReason::Special
        } else if vma.is_hugetlb() {
            return MoveKind::Relocate;
        } else if vma.has_hooks() && (self.request.dontunmap || !vma.is_shm()) {
            CopyReason::VmOps
        } else if vma.is_anonymous_file() {
            CopyReason::AnonymousFile
        } else if vma.is_long(self.request.old.abs_diff(self.request.new)) {
            CopyReason::Long
        } else {
            return MoveKind::Relocate;
        };
        MoveKind::Copy(reason)
    }

    /// Returns the segment of a VMA, if it has any of the source.
    #[inline]
    pub(crate) fn segment<V: Vma>(&self, vma: &V) -> Option<Segment> {
        Segment::of(&self.request, vma)
    }

    /// Returns whether a VMA that was split at an end of the source keeps its part outside, of
    /// which `addr` is the address next to the source: the destination may have unmapped it.
    ///
    /// ```text
    ///   source                      [ ===== hole ]
    ///   VMAs                [ rest ][ === ]
    ///   destination  [ ===== hole ]
    /// ```
    pub(crate) fn keeps_remainder(&self, addr: usize) -> bool {
        !(self.request.destination().start..self.last_end).contains(&addr)
    }

    /// Returns whether there is something between the destination and the VMAs that the source is
    /// in, mapped or not: what moves is not adjacent to them, and was not one VMA with them.
    pub(crate) fn is_apart(&self) -> bool {
        let Range { start, end } = self.request.destination();
        let [first, last] = &self.ends;

        end < first.start || last.end < start
    }

    /// Returns the first segment at or above `from`, an address of the source, as far as it lies
    /// there.
    pub(crate) fn next_segment<S: Space>(&self, space: &S, from: usize) -> Option<Segment> {
        let part = from..self.request.source().end;

        segments(space, &self.request, part.clone())
            .find_map(|(_, segment)| segment.intersection(&part))
    }

    /// Returns the first run in `part`, addresses of the source, as far as it lies in there.
    pub(crate) fn next_run<S: Space>(&self, space: &S, part: Range<usize>) -> Option<Segment> {
        if let Some(run) = self.only_run {
            return run.intersection(&part);
        }
        let in_part = part.clone();
        let all = segments(space, &self.request, part)
            .filter_map(move |(_, segment)| segment.intersection(&in_part));

        runs(all).next()
    }

    /// From now on looks for the runs, as some of what the source had is gone.
    pub(crate) fn look_for_runs(&mut self) {
        self.only_run = None;
    }

    /// Returns the addresses that the VMA at `addr` of the source had just before this segment or
    /// run moved, without what unmapping the destination had removed of it.
    ///
    /// ```text
    ///              [ first ....................... ]
    ///   source        [ ======= ]
    ///   destination                  [ ======= ]
    ///              <---------------->
    /// ```
    pub(crate) fn vma_range_at(&self, addr: usize, segment: &Segment) -> Range<usize> {
        let Range { start, end } = self
            .ends
            .iter()
            .find(|end| end.contains(&addr))
            .cloned()
            .unwrap_or(segment.source());

        if self.request.new > self.request.old {
            start..end.min(self.request.new)
        } else {
            start.max(segment.destination().end)..end
        }
    }
}

/// Returns the segments of the VMAs that `part` of the source overlaps, in address order, with
/// these VMAs.
pub(crate) fn segments<'a, S: Space>(
    space: &'a S,
    request: &'a Request,
    part: Range<usize>,
) -> impl Iterator<Item = (S::Vma<'a>, Segment)> {
    space
        .vmas(part)
        .filter_map(move |vma| Segment::of(request, &vma).map(|segment| (vma, segment)))
}

/// Joins adjacent segments.
pub(crate) fn runs(segments: impl Iterator<Item = Segment>) -> impl Iterator<Item = Segment> {
    let mut segments = segments.peekable();

    core::iter::from_fn(move || {
        let mut run = segments.next()?;

        while segments.next_if(|next| run.append(next)).is_some() {}
        Some(run)
    })
}

/// Rounds up a source that ends inside of a huge page of hugetlb to the end of that page.
///
/// ```text
///   source     [ ================ ]
///   VMAs       [aaa]  [ huge page ...... ]
///   rounded up [ ======================= ]
/// ```
fn round_up<V: Vma>(request: Request, last: &V, end: usize) -> Option<Request> {
    let size = last.huge_page_size();
    let len = request.source().end.next_multiple_of(size) - request.old;
    let rounded = Request { len, ..request };

    // INVARIANT: Huge pages are whole pages, and the rest is checked again.
    (request.new.checked_add(len)? <= end && request.old.abs_diff(request.new) >= len)
        .then_some(rounded)
}

/// Plans and checks a move, and changes nothing.
///
/// Segments are checked in address order, then what is unmapped for them, then the limits.
pub(crate) fn plan<S: Space>(
    space: &S,
    asked: Request,
    page_size: usize,
) -> Result<CheckedPlan, Refusal<S::Error>> {
    let source = asked.source();
    let mut request = asked;
    let mut totals = Totals::default();
    let mut ends = [0..0, 0..0];
    let mut last_run: Option<Segment> = None;

    for (vma, mut segment) in segments(space, &asked, source.clone()) {
        if vma.is_hugetlb() && vma.range().end > source.end {
            // It is the last one.
            request = round_up(asked, &vma, space.end()).ok_or(Refusal::RoundedUp)?;
            segment.len = request.source().end - segment.old;
        }
        ends[1] = vma.range();
        if totals.segments == 0 {
            ends[0] = vma.range();
            if segment.old != source.start {
                return Err(Refusal::NothingMapped);
            }
            totals.splits_first = vma.range().start < source.start;
        }
        space
            .check_move(&vma, &segment, asked.dontunmap)
            .map_err(|error| Refusal::Segment {
                at: segment.old,
                error,
            })?;
        totals.segments += 1;
        totals.ksm_mergeable += usize::from(vma.is_ksm_mergeable());
        totals.shm += usize::from(vma.is_shm());
        totals.splits_last = vma.range().end > request.source().end;
        totals.moved.add(&vma, segment.len, page_size);
        if vma.is_accounted() {
            totals.most_accounted = totals.most_accounted.max(segment.len / page_size);
        }
        if !last_run.as_mut().is_some_and(|run| run.append(&segment)) {
            last_run = Some(segment);
            totals.runs += 1;
        }
    }
    if totals.segments == 0 {
        return Err(Refusal::NothingMapped);
    }

    let only_run = last_run.filter(|_| totals.runs == 1);
    if let Some(run) = only_run {
        check_destination(space, &run.destination(), page_size, &mut totals)?;
    } else {
        let all = segments(space, &request, request.source()).map(|(_, segment)| segment);

        for run in runs(all) {
            check_destination(space, &run.destination(), page_size, &mut totals)?;
        }
    }

    totals.vmas_added += usize::from(totals.splits_first) + usize::from(totals.splits_last);
    if request.dontunmap {
        totals.vmas_added += totals.segments;
    }
    space
        .check_totals(&totals, request.dontunmap)
        .map_err(Refusal::Totals)?;

    Ok(CheckedPlan {
        request,
        totals,
        ends,
        only_run,
        last_end: last_run.map_or(request.new, |run| run.destination().end),
    })
}

/// Checks what is unmapped at the destination of one run.
fn check_destination<S: Space>(
    space: &S,
    run: &Range<usize>,
    page_size: usize,
    totals: &mut Totals,
) -> Result<(), Refusal<S::Error>> {
    for vma in space.vmas(run.clone()) {
        let range = vma.range();
        let part = range.start.max(run.start)..range.end.min(run.end);

        space
            .check_unmap(&vma, &part)
            .map_err(|error| Refusal::Destination {
                at: part.start,
                error,
            })?;
        totals.unmapped.add(&vma, part.len(), page_size);
        match (range.start < run.start, range.end > run.end) {
            (false, false) => totals.vmas_removed += 1,
            // Where there was one VMA there is one on both sides.
            (true, true) => {
                totals.vmas_added += 1;
                let more = totals.vmas_added.saturating_sub(totals.vmas_removed);
                totals.vmas_peak = totals.vmas_peak.max(more);
            }
            _ => {}
        }
    }
    Ok(())
}
