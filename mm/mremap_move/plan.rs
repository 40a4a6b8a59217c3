// SPDX-License-Identifier: GPL-2.0

//! What a move is made of, and whether it may happen.
//!
//! The *source* of a move is a range of addresses, the *destination* one of the same length. The
//! part of one mapping that lies in the source is a *segment*. Segments that touch form a *run*:
//!
//! ```text
//!              old                                old + len
//!               |                                      |
//!   mappings  [aaaaaa][bbb]      [cc][ddddd]        [eeee]
//!   segments    [aaaa][bbb]      [cc][ddddd]        [e]
//!   runs        [---------]      [---------]        [-]
//! ```
//!
//! Each segment goes to the same offset in the destination. Each run is unmapped there first; what
//! is mapped under a hole is left alone.
//!
//! Everything here names memory by address, never by mapping: unmapping the destination may split
//! or free the mapping that the source is a part of. The file depends on `core` alone, so that it
//! is tested on any host.

use core::ops::Range;

/// A move that somebody asked for. Addresses and length in bytes, whole pages.
///
/// The caller has made sure that neither end wraps and that they do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Where the source starts.
    pub(crate) old: usize,
    /// Where the destination starts.
    pub(crate) new: usize,
    /// How long both are.
    pub(crate) len: usize,
    /// Do the mappings of the source stay, empty?
    pub(crate) keep_source: bool,
}

impl Request {
    /// The addresses that are moved from.
    pub(crate) fn source(&self) -> Range<usize> {
        self.old..self.old + self.len
    }

    /// Does the destination begin where the source ends, or the other way round?
    pub(crate) fn ends_touch(&self) -> bool {
        self.old.abs_diff(self.new) == self.len
    }
}

/// A part of a move: `len` bytes go from `old` to `new`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) old: usize,
    pub(crate) new: usize,
    pub(crate) len: usize,
}

impl Segment {
    /// The addresses that it leaves.
    pub(crate) fn source(&self) -> Range<usize> {
        self.old..self.old + self.len
    }

    /// The addresses that it goes to.
    pub(crate) fn destination(&self) -> Range<usize> {
        self.new..self.new + self.len
    }
}

/// How a segment gets to the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Its mapping goes there as it is: there is nothing to make, to charge or to free.
    Relocate,
    /// Another mapping is made there, and the pages go to it.
    Copy(Reason),
}

/// Why a mapping cannot be relocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A part of it stays that is not in the source.
    Cut,
    /// It stays, and what arrives next to it may merge with it before its pages have gone.
    Touched,
    /// Its owner counts mappings, or remembers where they are, and is told by the calls that come
    /// with a copy.
    HasOwner,
    /// The page tables of huge pages of hugetlb may be shared, and their reservations are found by
    /// the mapping.
    Hugetlb,
    /// Its pages are no memory that the rmap knows, and something else may remember the address.
    Raw,
    /// It has so many page table entries to be moved one by one, or page tables, that others would
    /// wait long for the locks of the reverse mapping, which a copy takes for a table at most.
    Long,
    /// It is anonymous memory of a file, ordered in the file by an offset that changes with the
    /// address as long as it is untouched.
    AnonymousFile,
}

impl Way {
    /// Decides how a segment of a mapping goes.
    pub(crate) fn of<M: Mapping>(mapping: &M, request: &Request) -> Way {
        let Range { start, end } = mapping.range();
        let source = request.source();

        if start < source.start || source.end < end {
            Way::Copy(Reason::Cut)
        } else if request.keep_source && request.ends_touch() {
            Way::Copy(Reason::Touched)
        } else if mapping.is_hugetlb() {
            Way::Copy(Reason::Hugetlb)
        } else if mapping.is_raw() {
            Way::Copy(Reason::Raw)
        } else if mapping.has_owner() {
            Way::Copy(Reason::HasOwner)
        } else if mapping.is_anonymous_file() {
            Way::Copy(Reason::AnonymousFile)
        } else if mapping.moves_long(request.old.abs_diff(request.new)) {
            Way::Copy(Reason::Long)
        } else {
            Way::Relocate
        }
    }
}

/// What the planner asks of a mapping.
pub(crate) trait Mapping {
    /// The addresses that it covers or, if it has been relocated, covered.
    fn range(&self) -> Range<usize>;
    /// Does it consist of huge pages of hugetlb?
    fn is_hugetlb(&self) -> bool;
    /// The size of these pages, in bytes, if it does.
    fn huge_page_size(&self) -> usize;
    /// Are its pages no ordinary memory?
    fn is_raw(&self) -> bool;
    /// Has it an owner who counts mappings or remembers where they are?
    fn has_owner(&self) -> bool;
    /// May its pages be merged with equal ones?
    fn is_mergeable(&self) -> bool;
    /// Does it take long to move its page tables by `distance` bytes?
    fn moves_long(&self, distance: usize) -> bool;
    /// Is it anonymous memory, and yet of a file?
    fn is_anonymous_file(&self) -> bool;
    /// Are its pages charged as committed memory?
    fn charged(&self) -> bool;
    /// Do its pages count as data, being private and writable?
    fn data(&self) -> bool;
}

/// What the planner asks of an address space. Nothing in it changes while it is borrowed.
pub(crate) trait Space {
    /// Why something may not happen.
    type Error;
    /// A mapping.
    type Mapping<'a>: Mapping
    where
        Self: 'a;
    /// Mappings, in address order.
    type Mappings<'a>: Iterator<Item = Self::Mapping<'a>>
    where
        Self: 'a;

    /// The mappings that a range touches.
    fn mappings(&self, range: Range<usize>) -> Self::Mappings<'_>;

    /// May the segment of the mapping move?
    fn check_segment(
        &self,
        mapping: &Self::Mapping<'_>,
        segment: &Segment,
    ) -> Result<(), Self::Error>;

    /// May the part of the mapping that lies in the range be unmapped?
    fn check_unmap(
        &self,
        mapping: &Self::Mapping<'_>,
        range: &Range<usize>,
    ) -> Result<(), Self::Error>;

    /// Where the addresses of user space end, in bytes.
    fn end(&self) -> usize;

    /// May the address space become what the move makes of it?
    fn check_totals(&self, totals: &Totals) -> Result<(), Self::Error>;
}

/// Why a move does not happen, and where. The address is that of the first thing in its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal<E> {
    /// Nothing is mapped where the source starts.
    NothingMapped,
    /// Up to the end of the huge page that the source ends in, the ranges overlap, or the
    /// destination goes beyond what user space has.
    RoundedUp,
    /// A segment, which starts at this address, may not move.
    Segment { at: usize, error: E },
    /// A mapping, of which the part from this address on is in the way, may not be unmapped.
    Destination { at: usize, error: E },
    /// The address space may not become what the move makes of it.
    Totals(E),
}

/// Amounts of memory, in pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    /// All of it.
    pub(crate) all: usize,
    /// What is charged as committed memory.
    pub(crate) charged: usize,
    /// What counts as data.
    pub(crate) data: usize,
}

impl Pages {
    fn add<M: Mapping>(&mut self, mapping: &M, bytes: usize, page_size: usize) {
        let pages = bytes / page_size;

        self.all += pages;
        if mapping.charged() {
            self.charged += pages;
        }
        if mapping.data() {
            self.data += pages;
        }
    }
}

/// What a move does to the size of the address space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Segments that move.
    pub(crate) segments: usize,
    /// Those of them whose pages may be merged with equal ones.
    pub(crate) mergeable: usize,
    /// Runs that they form.
    pub(crate) runs: usize,
    /// The first mapping starts before the source.
    pub(crate) cuts_first: bool,
    /// The last mapping ends after the source.
    pub(crate) cuts_last: bool,
    /// Mappings that the move may add at most.
    pub(crate) mappings_added: usize,
    /// Mappings that unmapping the destination removes.
    pub(crate) mappings_removed: usize,
    /// Mappings that there are more of, at most, while the destination is being unmapped.
    pub(crate) peak: usize,
    /// What is unmapped at the destination.
    pub(crate) unmapped: Pages,
    /// What moves.
    pub(crate) moved: Pages,
    /// Do the mappings of the source stay?
    pub(crate) keep_source: bool,
}

/// A move of which every part has been checked.
///
/// Only [`plan()`] makes one, so that having one means that nothing stands in the way of the move
/// but what cannot be foreseen. It is true as long as the address space is not changed by others.
#[derive(Debug)]
pub(crate) struct CheckedPlan {
    request: Request,
    totals: Totals,
    /// The addresses of the first mapping of the source and of the last, before any was cut.
    ends: [Range<usize>; 2],
    /// The run, if there is one only. There is nothing to look for then.
    only_run: Option<Segment>,
}

impl CheckedPlan {
    /// The move that it is for.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// What the move does to the size of the address space.
    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The first segment at or above `from`, an address in the source.
    pub(crate) fn segment_from<S: Space>(&self, space: &S, from: usize) -> Option<Segment> {
        segments(space, &self.request, from..self.request.source().end)
            .next()
            .map(|(_, segment)| segment)
    }

    /// The way that what a mapping has of the source goes.
    pub(crate) fn way<M: Mapping>(&self, mapping: &M) -> Way {
        Way::of(mapping, &self.request)
    }

    /// The first run at or above `from`, an address in the source.
    pub(crate) fn run_from<S: Space>(&self, space: &S, from: usize) -> Option<Segment> {
        if let Some(run) = self.only_run {
            return (from <= run.old).then_some(run);
        }
        let part = from..self.request.source().end;
        runs(segments(space, &self.request, part).map(|(_, segment)| segment)).next()
    }

    /// The addresses that the mapping at `addr` covers, in a segment or run that moves, up to where
    /// the destination cuts it, when what is before it has moved and this has not.
    ///
    /// ```text
    ///              [ first ....................... ]
    ///   source        [ ======= ]
    ///   destination                  [ ======= ]
    ///              <---------------->
    /// ```
    pub(crate) fn mapping_at(&self, addr: usize, segment: &Segment) -> Range<usize> {
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

    /// What a mapping has of the part of the source that lies below `until`.
    pub(crate) fn segment_of<M: Mapping>(&self, mapping: &M, until: usize) -> Option<Segment> {
        clip(&self.request, mapping, &(self.request.old..until))
    }
}

/// A source that ends inside of a huge page of hugetlb ends with that page.
///
/// ```text
///   source     [ ================ ]
///   mappings   [aaa]  [ huge page ...... ]
///   rounded up [ ======================= ]
/// ```
fn round_up<M: Mapping>(request: Request, last: &M, end: usize) -> Option<Request> {
    let size = last.huge_page_size();
    let len = request.source().end.next_multiple_of(size) - request.old;
    let rounded = Request { len, ..request };

    (request.new.checked_add(len)? <= end && request.old.abs_diff(request.new) >= len)
        .then_some(rounded)
}

/// The part of a mapping that lies in `part` of the source.
fn clip<M: Mapping>(request: &Request, mapping: &M, part: &Range<usize>) -> Option<Segment> {
    let range = mapping.range();
    let old = range.start.max(part.start);
    let end = range.end.min(part.end);

    (old < end).then(|| Segment {
        old,
        new: request.new + (old - request.old),
        len: end - old,
    })
}

/// The segments in `part` of the source, with the mappings that they are of, in address order.
pub(crate) fn segments<'a, S: Space>(
    space: &'a S,
    request: &'a Request,
    part: Range<usize>,
) -> impl Iterator<Item = (S::Mapping<'a>, Segment)> {
    space
        .mappings(part.clone())
        .filter_map(move |mapping| clip(request, &mapping, &part).map(|segment| (mapping, segment)))
}

/// Joins segments that touch.
pub(crate) fn runs(segments: impl Iterator<Item = Segment>) -> impl Iterator<Item = Segment> {
    let mut segments = segments.peekable();

    core::iter::from_fn(move || {
        let mut run = segments.next()?;

        while let Some(next) = segments.next_if(|next| next.old == run.old + run.len) {
            run.len += next.len;
        }
        Some(run)
    })
}

/// Checks a move, and changes nothing.
///
/// Segments are judged in address order, then what they go over, then the sums.
pub(crate) fn plan<S: Space>(
    space: &S,
    asked: Request,
    page_size: usize,
) -> Result<CheckedPlan, Refusal<S::Error>> {
    let source = asked.source();
    let mut request = asked;
    let mut totals = Totals {
        keep_source: asked.keep_source,
        ..Totals::default()
    };

    let mut ends = [0..0, 0..0];
    let mut last_run = Segment {
        old: source.start,
        new: request.new,
        len: 0,
    };

    for (mapping, mut segment) in segments(space, &asked, source.clone()) {
        if mapping.is_hugetlb() && mapping.range().end > source.end {
            // It is the last one.
            request = round_up(asked, &mapping, space.end()).ok_or(Refusal::RoundedUp)?;
            segment.len = request.source().end - segment.old;
        }
        ends[1] = mapping.range();
        if totals.segments == 0 {
            ends[0] = mapping.range();
            if segment.old != source.start {
                return Err(Refusal::NothingMapped);
            }
            totals.cuts_first = mapping.range().start < source.start;
        }
        space
            .check_segment(&mapping, &segment)
            .map_err(|error| Refusal::Segment {
                at: segment.old,
                error,
            })?;
        totals.segments += 1;
        totals.mergeable += usize::from(mapping.is_mergeable());
        if totals.runs != 0 && segment.old == last_run.source().end {
            last_run.len += segment.len;
        } else {
            last_run = segment;
            totals.runs += 1;
        }
        totals.cuts_last = mapping.range().end > request.source().end;
        totals.moved.add(&mapping, segment.len, page_size);
    }
    if totals.segments == 0 {
        return Err(Refusal::NothingMapped);
    }

    let only_run = (totals.runs == 1).then_some(last_run);
    if let Some(run) = only_run {
        check_destination(space, &run.destination(), page_size, &mut totals)?;
    } else {
        let all = segments(space, &request, request.source()).map(|(_, segment)| segment);

        for run in runs(all) {
            check_destination(space, &run.destination(), page_size, &mut totals)?;
        }
    }

    totals.mappings_added += usize::from(totals.cuts_first) + usize::from(totals.cuts_last);
    if request.keep_source {
        totals.mappings_added += totals.segments;
    }
    space.check_totals(&totals).map_err(Refusal::Totals)?;

    Ok(CheckedPlan {
        request,
        totals,
        ends,
        only_run,
    })
}

/// Checks what is unmapped at the destination of one run.
fn check_destination<S: Space>(
    space: &S,
    run: &Range<usize>,
    page_size: usize,
    totals: &mut Totals,
) -> Result<(), Refusal<S::Error>> {
    for mapping in space.mappings(run.clone()) {
        let range = mapping.range();
        let part = range.start.max(run.start)..range.end.min(run.end);

        space
            .check_unmap(&mapping, &part)
            .map_err(|error| Refusal::Destination {
                at: part.start,
                error,
            })?;
        totals.unmapped.add(&mapping, part.len(), page_size);
        match (range.start < run.start, range.end > run.end) {
            (false, false) => totals.mappings_removed += 1,
            // A piece is left on both sides, where there was one mapping.
            (true, true) => {
                totals.mappings_added += 1;
                let more = totals
                    .mappings_added
                    .saturating_sub(totals.mappings_removed);
                totals.peak = totals.peak.max(more);
            }
            _ => {}
        }
    }
    Ok(())
}
