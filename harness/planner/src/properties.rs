// SPDX-License-Identifier: GPL-2.0

//! What holds of every plan.

use crate::{
    layout::{
        layouts,
        mapped_pages,
        Paper,
        MAX_PAGES,
        PAGE, //
    },
    plan::{
        plan,
        runs,
        segments,
        CheckedPlan,
        CopyReason,
        MoveKind,
        Pages,
        Request,
        Segment, //
    }, //
};
use proptest::prelude::*;
use std::ops::Range;

/// Plans a move whose source starts with a mapping; others are of no interest here.
fn planned(paper: &Paper, request: Request) -> Result<CheckedPlan, TestCaseError> {
    plan(paper, request, PAGE).map_err(|refusal| TestCaseError::reject(format!("{refusal:?}")))
}

fn all_segments(paper: &Paper, request: &Request) -> Vec<Segment> {
    segments(paper, request, request.source())
        .map(|(_, segment)| segment)
        .collect()
}

/// What the address space looks like afterwards, page by page: where each one's content was.
fn moved(paper: &Paper, request: &Request, segments: &[Segment]) -> Vec<(usize, usize)> {
    let end = paper.areas.last().map_or(0, |area| area.range.end);
    let top = end.max(request.source().end).max(request.destination().end);
    let mut pages: Vec<(usize, usize)> = mapped_pages(paper, 0..top)
        .into_iter()
        .map(|addr| (addr, addr))
        .collect();

    for segment in segments {
        pages.retain(|(at, _)| !segment.destination().contains(at));
        for page in &mut pages {
            if segment.source().contains(&page.0) {
                page.0 = page.0 - segment.source().start + segment.destination().start;
            }
        }
    }
    pages.sort_unstable();
    pages
}

proptest! {
    #[test]
    fn segments_tile_what_is_mapped((paper, request) in layouts(0.0)) {
        let pages: Vec<usize> = all_segments(&paper, &request)
            .iter()
            .flat_map(|segment| segment.source().step_by(PAGE))
            .collect();

        prop_assert_eq!(pages, mapped_pages(&paper, request.source()));
    }

    #[test]
    fn segments_are_parts_of_one_vma((paper, request) in layouts(0.0)) {
        let plan = planned(&paper, request)?;

        for (area, segment) in segments(&paper, &request, request.source()) {
            // As much of it as the destination does not cut off.
            let own = plan.vma_range_at(segment.source().start, &segment);
            prop_assert!(own.start <= segment.source().start && segment.source().end <= own.end);
            prop_assert!(area.range.start <= own.start && own.end <= area.range.end);
            prop_assert!(!own.contains(&segment.destination().start));
            prop_assert!(area.range.start <= segment.source().start);
            prop_assert!(segment.source().end <= area.range.end);
            // It is all of the VMA, except for what lies outside of the source.
            prop_assert!(segment.source().start == area.range.start || segment.source().start == request.source().start);
            prop_assert!(
                segment.source().end == area.range.end
                    || segment.source().end == request.source().end
            );
        }
    }

    /// Each reason to copy a VMA, and that there is no other.
    #[test]
    fn whole_vmas_without_a_reason_are_relocated((paper, request) in layouts(0.0)) {
        let plan = planned(&paper, request)?;
        let distance = request.destination().start.abs_diff(request.source().start);

        for (area, segment) in segments(&paper, &request, request.source()) {
            let reasons = [
                (segment.len() != area.range.len(), CopyReason::Partial),
                (
                    request.dontunmap()
                        && (request.source().end == request.destination().start
                            || request.destination().end == request.source().start),
                    CopyReason::Adjacent,
                ),
                (area.kind.special, CopyReason::Special),
                (
                    area.kind.hooks || (area.kind.shm && request.dontunmap()),
                    CopyReason::VmOps,
                ),
                (area.kind.anonymous_file, CopyReason::AnonymousFile),
                (
                    area.kind.long.is_some_and(|mask| distance & mask != 0),
                    CopyReason::Long,
                ),
            ];
            let expected = reasons
                .into_iter()
                .find(|(holds, _)| *holds)
                .map_or(MoveKind::Relocate, |(_, reason)| MoveKind::Copy(reason));

            prop_assert_eq!(plan.move_kind(&area), expected);
            prop_assert_eq!(plan.segment(&area), Some(segment));
            prop_assert_eq!(
                plan.next_segment(&paper, segment.source().start),
                Some(segment)
            );
        }
    }

    #[test]
    fn apart_is_not_next_to_a_vma_of_the_source((paper, request) in layouts(0.0)) {
        let plan = planned(&paper, request)?;
        let Range { start, end } = request.destination();
        let touches = segments(&paper, &request, request.source())
            .any(|(area, _)| area.range.start <= end && start <= area.range.end);

        prop_assert_eq!(plan.is_apart(), !touches);
    }

    #[test]
    fn segments_keep_order_and_offset((paper, request) in layouts(0.0)) {
        let segments = all_segments(&paper, &request);

        for pair in segments.windows(2) {
            prop_assert!(pair[0].source().end <= pair[1].source().start);
        }
        for segment in segments {
            prop_assert_eq!(segment.destination().start - request.destination().start, segment.source().start - request.source().start);
            prop_assert!(segment.source().start >= request.source().start);
            prop_assert!(segment.source().end <= request.source().end);
            prop_assert!(segment.destination().end <= request.destination().end);
        }
    }

    #[test]
    fn runs_are_maximal((paper, request) in layouts(0.0)) {
        let segments = all_segments(&paper, &request);
        let runs: Vec<Segment> = runs(segments.iter().copied()).collect();

        for pair in runs.windows(2) {
            prop_assert!(pair[0].source().end < pair[1].source().start);
        }
        for run in &runs {
            prop_assert_eq!(run.destination().start - request.destination().start, run.source().start - request.source().start);
        }
        prop_assert_eq!(
            runs.iter().map(|run| run.len()).sum::<usize>(),
            segments.iter().map(|segment| segment.len()).sum::<usize>()
        );
        for segment in segments {
            prop_assert!(runs
                .iter()
                .any(|run| run.source().start <= segment.source().start && segment.source().end <= run.source().end));
        }
    }

    /// The move walks by address, from where it is: that must give the same.
    #[test]
    fn walking_by_address_gives_the_same((paper, request) in layouts(0.0)) {
        let plan = planned(&paper, request)?;
        let end = request.source().end;
        let mut from = request.source().start;
        let mut walked = Vec::new();

        while let Some(segment) = plan.next_segment(&paper, from) {
            walked.push(segment);
            from = segment.source().end;
        }
        prop_assert_eq!(&walked, &all_segments(&paper, &request));
        prop_assert_eq!(plan.request(), &request);

        let mut from = request.source().start;
        let mut walked_runs = Vec::new();
        while let Some(run) = plan.next_run(&paper, from..end) {
            walked_runs.push(run);
            from = run.source().end;
        }
        prop_assert_eq!(walked_runs, runs(walked.into_iter()).collect::<Vec<_>>());
    }

    /// A move that is rolled back walks the runs up to where it got, and finds no more than that.
    #[test]
    fn runs_end_where_the_move_got_to((paper, request) in layouts(0.0), pages in 0..MAX_PAGES) {
        let mut plan = planned(&paper, request)?;
        let until = (request.source().start + pages * PAGE).min(request.source().end);

        // Whether it knows its only run, or looks for it.
        for _ in 0..2 {
            let mut from = request.source().start;
            let mut walked = Vec::new();

            while let Some(run) = plan.next_run(&paper, from..until) {
                prop_assert!(run.source().end <= until);
                prop_assert_eq!(
                    run.destination().start - request.destination().start,
                    run.source().start - request.source().start
                );
                walked.extend(run.source().step_by(PAGE));
                from = run.source().end;
            }
            prop_assert_eq!(walked, mapped_pages(&paper, request.source().start..until));
            plan.look_for_runs();
        }
    }

    #[test]
    fn totals_add_up((paper, request) in layouts(0.0)) {
        let plan = planned(&paper, request)?;
        let totals = plan.totals();
        let segments = all_segments(&paper, &request);
        let count = |range: std::ops::Range<usize>| {
            let mut pages = Pages::default();
            for addr in range.step_by(PAGE) {
                if let Some(area) = paper.areas.iter().find(|area| area.range.contains(&addr)) {
                    pages.all += 1;
                    pages.accounted += usize::from(area.kind.accounted);
                    pages.data += usize::from(area.kind.data);
                }
            }
            pages
        };
        let unmapped = runs(segments.iter().copied())
            .map(|run| count(run.destination()))
            .fold(Pages::default(), |sum, pages| Pages {
                all: sum.all + pages.all,
                accounted: sum.accounted + pages.accounted,
                data: sum.data + pages.data,
            });

        prop_assert_eq!(totals.moved, count(request.source()));
        prop_assert_eq!(totals.unmapped, unmapped);
        prop_assert_eq!(
            totals.most_accounted,
            segments
                .iter()
                .map(|segment| count(segment.source()).accounted)
                .max()
                .unwrap_or(0)
        );
        prop_assert_eq!(totals.segments, segments.len());
        prop_assert_eq!(
            totals.ksm_mergeable,
            segments
                .iter()
                .filter(|segment| {
                    let at = segment.source().start;
                    let area = paper.areas.iter().find(|area| area.range.contains(&at));

                    area.is_some_and(|area| area.kind.ksm_mergeable)
                })
                .count()
        );
        prop_assert_eq!(totals.runs, runs(segments.into_iter()).count());
        // What moves covers what it goes over.
        prop_assert!(totals.moved.all >= totals.unmapped.all);
    }

    /// The bound on the number of VMAs holds if neighbours do not merge.
    #[test]
    fn no_more_vmas_than_planned((paper, request) in layouts(0.0)) {
        let plan = planned(&paper, request)?;
        let totals = plan.totals();
        let mut pieces = 0;
        let segments = all_segments(&paper, &request);

        for area in &paper.areas {
            let mut outside = false;
            for addr in area.range.clone().step_by(PAGE) {
                let gone = segments.iter().any(|segment| {
                    segment.destination().contains(&addr)
                        || (segment.source().contains(&addr) && !request.dontunmap())
                });
                pieces += usize::from(!gone && !outside);
                outside = !gone;
            }
        }
        pieces += segments.len();
        prop_assert!(
            pieces <= paper.areas.len() + totals.vmas_added - totals.vmas_removed
        );
    }

    /// The rest of a VMA that lies across an end of the source stays, unless a segment goes there.
    #[test]
    fn remainders_stay_unless_unmapped((paper, request) in layouts(0.0)) {
        let plan = planned(&paper, request)?;
        let segments = all_segments(&paper, &request);

        for addr in [request.source().start - PAGE, request.source().end] {
            let unmapped = segments
                .iter()
                .any(|segment| segment.destination().contains(&addr));
            prop_assert_eq!(plan.keeps_remainder(addr), !unmapped);
        }
        prop_assert_eq!(Some(plan.last_end()), segments.last().map(|last| last.source().end));
    }

    /// All at once is the same as one after the other, as source and destination are apart.
    #[test]
    fn order_does_not_matter((paper, request) in layouts(0.0)) {
        let mut segments = all_segments(&paper, &request);
        let up = moved(&paper, &request, &segments);

        segments.reverse();
        prop_assert_eq!(up, moved(&paper, &request, &segments));
    }
}
