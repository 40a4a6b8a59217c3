// SPDX-License-Identifier: GPL-2.0

//! Carrying out a move.
//!
//! ```text
//!   charge, unmerge KSM, split      may fail, nothing lost
//!   unmap the destination's runs    may fail; what was unmapped there is gone
//!   each segment: relocate its      may fail, and is taken back
//!     mapping, or copy it
//!   clear the source, merge         nothing to lose any more
//! ```
//!
//! A failure anywhere takes everything back that came before it, but for what was mapped at the
//! destination; [`Transfer`] sees to it. Nothing merges until nothing can fail.

use super::{
    plan::{CheckedPlan, Request, Segment, Way},
    space::View,
};
use core::ops::Range;
use kernel::{
    bindings::mremap_tally as Tally,
    current,
    mm::{flags, Charge, LockedMm, UnmapEvents},
    mremap::{self, Left, Transfer},
    prelude::*,
    task::cond_resched,
};

/// Carries out a checked move in the address space of the current task.
///
/// Fails with [`ENOMEM`] or [`EINTR`], or as the owner of a mapping wishes; then the source is as
/// it was. `tally` says what had got across by then, or has.
pub(crate) fn commit(
    mm: &mut LockedMm,
    plan: &CheckedPlan,
    events: &mut UnmapEvents,
    tally: &mut Tally,
) -> Result {
    let Request {
        old,
        new,
        len,
        keep_source,
    } = *plan.request();
    let charge = charge(mm, plan)?;
    unmerge_ksm(mm, plan)?;

    // The destination is not lost to a task that has been killed already.
    if current!().fatal_signal_pending() {
        return Err(EINTR);
    }
    let bring = |transfer: &mut Transfer<'_>| -> Result {
        // Until the last step has been done.
        tally.taken_back = true;
        split_ends(transfer, plan)?;
        clear_destination(transfer, plan, events)?;
        bring_all(transfer, plan, tally)?;
        tally.taken_back = false;
        Ok(())
    };
    if keep_source {
        mm.transfer_pages(old, new, len, bring, |left| leave_source(left, plan))?;
    } else {
        mm.transfer(old, new, len, bring)?;
    }

    charge.keep();
    Ok(())
}

/// Charges for the mappings that there will be more of.
fn charge(mm: &LockedMm, plan: &CheckedPlan) -> Result<Charge> {
    let totals = plan.totals();

    if totals.keep_source {
        Charge::new(mm, totals.moved.charged, totals.unmapped.charged)
    } else {
        Charge::new(mm, 0, 0)
    }
}

/// Parts pages that KSM has merged.
///
/// At their new place they may meet other pages that KSM merged there, by the address. Pages that
/// were parted for nothing, since the move fails, have the same bytes; KSM will find them again.
fn unmerge_ksm(mm: &LockedMm, plan: &CheckedPlan) -> Result {
    let source = plan.request().source();

    if plan.totals().mergeable == 0 {
        return Ok(());
    }

    for vma in mm.vmas(source.clone()) {
        if vma.flags() & flags::MERGEABLE == 0 {
            continue;
        }
        if let Some(segment) = plan.segment_of(&vma, source.end) {
            mm.unmerge_ksm(segment.source())?;
        }
    }
    Ok(())
}

/// The source as it is now.
fn view<'a>(mm: &'a LockedMm, plan: &CheckedPlan) -> View<'a> {
    View::new(mm, plan.request().keep_source)
}

/// Splits the mappings at the ends of the source.
///
/// A mapping that stays is split only if it is locked, as only the part that loses its pages is
/// unlocked.
fn split_ends(transfer: &mut Transfer<'_>, plan: &CheckedPlan) -> Result {
    let Request { keep_source, .. } = *plan.request();
    let source = plan.request().source();
    let totals = plan.totals();
    let cuts = [
        (totals.cuts_first, source.start),
        (totals.cuts_last, source.end),
    ];

    for (cuts, at) in cuts {
        let locked = transfer
            .mm()
            .vma_at(at)
            .is_some_and(|vma| vma.flags() & flags::LOCKED != 0);

        if cuts && (locked || !keep_source) {
            transfer.split_at(at)?;
        }
    }
    Ok(())
}

/// Unmaps what the runs go over.
fn clear_destination(
    transfer: &mut Transfer<'_>,
    plan: &CheckedPlan,
    events: &mut UnmapEvents,
) -> Result {
    let mut from = plan.request().old;

    while let Some(run) = plan.run_from(&view(transfer.mm(), plan), from) {
        transfer.unmap(run.destination(), events)?;
        from = run.source().end;
    }
    Ok(())
}

/// Brings all segments across, in address order.
fn bring_all(transfer: &mut Transfer<'_>, plan: &CheckedPlan, tally: &mut Tally) -> Result {
    while let Some(brought) = transfer.bring_next(|entry| match plan.way(entry) {
        Way::Relocate => mremap::Way::Relocate,
        Way::Copy(_) => mremap::Way::Copy,
    })? {
        let count = match brought.way {
            mremap::Way::Relocate => &mut tally.relocated,
            mremap::Way::Copy => &mut tally.copied,
        };
        *count += brought.mappings;

        if current!().fatal_signal_pending() {
            return Err(EINTR);
        }
        cond_resched();
    }
    Ok(())
}

/// What arrives together: a run, or one segment of it.
struct Arrival {
    segment: Segment,
    /// Is it at the start of its run, and at the end?
    ends: [bool; 2],
}

/// Finishes a source that stays mapped, and merges what has arrived.
///
/// Where the ends of the move do not touch, all of the source is emptied first. Where they do, what
/// arrives may merge with it, and does as in a sequence of moves: when the source before it is
/// empty, and the source behind it is as it was. Locked mappings wait until all of the source is
/// unlocked, or they would be unlocked with a mapping of it that they had merged with.
fn leave_source(left: &mut Left<'_>, plan: &CheckedPlan) {
    if plan.request().ends_touch() {
        each_segment(left, plan, |left, arrival| {
            if !is_locked(left.mm(), arrival.segment.new) {
                merge(left, plan, arrival);
            }
            let all = had_all(left.mm(), plan, &arrival.segment);
            left.leave_empty(arrival.segment.source().end, all);
        });
        each_segment(left, plan, |left, arrival| {
            if is_locked(left.mm(), arrival.segment.new) {
                merge(left, plan, arrival);
            }
        });
        return;
    }

    let source = plan.request().source();
    let mut from = source.start;

    left.leave_empty(source.end, true);
    while let Some(run) = plan.run_from(&view(left.mm(), plan), from) {
        from = run.source().end;
        let arrival = Arrival {
            segment: run,
            ends: [true, true],
        };
        merge(left, plan, &arrival);
    }
}

/// Was the segment all of its mapping, up to where the destination had cut that by then, when its
/// pages went in a sequence of moves? A locked mapping is split at the ends of the segment.
fn had_all(mm: &LockedMm, plan: &CheckedPlan, segment: &Segment) -> bool {
    is_locked(mm, segment.old) || plan.mapping_at(segment.old, segment) == segment.source()
}

fn is_locked(mm: &LockedMm, addr: usize) -> bool {
    mm.vma_at(addr)
        .is_some_and(|vma| vma.flags() & flags::LOCKED != 0)
}

/// Merges what has arrived with what is around it, but not with its source, nor with what was one
/// mapping with that when the move began. A locked mapping was split then: what was cut off it is
/// another one.
fn merge(left: &mut Left<'_>, plan: &CheckedPlan, arrival: &Arrival) {
    let Arrival { segment, ends } = arrival;
    let Range { start, end } = segment.destination();
    let mm = left.mm();
    // The mapping that the first page, or the last, was in: as it is, and as it was.
    let is = |addr| mm.vma_at(addr).map_or(0..0, |vma| vma.start()..vma.end());
    let was = |addr, new| {
        if is_locked(mm, new) {
            is(addr)
        } else {
            plan.mapping_at(addr, segment)
        }
    };
    let (first, last) = (segment.old, segment.source().end - 1);
    let (below, above) = (start.wrapping_sub(1), end);
    let [is_first, is_last] = *ends;
    let with_prev = !(is(first).contains(&below) || is_first && was(first, start).contains(&below));
    let with_next = is_last && !is(last).contains(&above) && !was(last, end - 1).contains(&above);

    left.merge(start..end, with_prev, with_next);
}

/// Calls `act` for each segment of a source that stays, in ascending order.
fn each_segment(
    left: &mut Left<'_>,
    plan: &CheckedPlan,
    mut act: impl FnMut(&mut Left<'_>, &Arrival),
) {
    let mut end = None;
    let mut next = plan.segment_from(&view(left.mm(), plan), plan.request().old);

    while let Some(segment) = next {
        let is_first = end != Some(segment.old);
        let from = segment.source().end;
        next = plan.segment_from(&view(left.mm(), plan), from);
        end = Some(from);
        let arrival = Arrival {
            segment,
            ends: [is_first, next.map_or(true, |next| next.old != from)],
        };
        act(left, &arrival);
    }
}
