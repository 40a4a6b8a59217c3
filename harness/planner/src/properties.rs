// SPDX-License-Identifier: GPL-2.0

//! What holds of every plan.

use crate::{
    layout::{
        layouts,
        mapped_pages,
        Paper,
        PAGE, //
    },
    plan::{
        plan,
        runs,
        segments,
        CheckedPlan,
        Pages,
        Reason,
        Request,
        Segment,
        Way, //
    }, //
};
use proptest::prelude::*;

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
    let top = end
        .max(request.old + request.len)
        .max(request.new + request.len);
    let mut pages: Vec<(usize, usize)> = mapped_pages(paper, 0..top)
        .into_iter()
        .map(|addr| (addr, addr))
        .collect();

    for segment in segments {
        pages.retain(|(at, _)| !segment.destination().contains(at));
        for page in &mut pages {
            if segment.source().contains(&page.0) {
                page.0 = page.0 - segment.old + segment.new;
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
    fn segments_are_parts_of_one_mapping((paper, request) in layouts(0.0)) {
        let plan = planned(&paper, request)?;

        for (area, segment) in segments(&paper, &request, request.source()) {
            // As much of it as the destination does not cut off.
            let own = plan.mapping_at(segment.old, &segment);
            prop_assert!(own.start <= segment.old && segment.source().end <= own.end);
            prop_assert!(area.range.start <= own.start && own.end <= area.range.end);
            prop_assert!(!own.contains(&segment.new));
            prop_assert!(area.range.start <= segment.old);
            prop_assert!(segment.source().end <= area.range.end);
            // It is all of the mapping, but for what the source cuts off.
            prop_assert!(segment.old == area.range.start || segment.old == request.old);
            prop_assert!(
                segment.source().end == area.range.end
                    || segment.source().end == request.source().end
            );
        }
    }

    #[test]
    fn only_whole_mappings_that_nobody_owns_are_relocated((paper, request) in layouts(0.0)) {
        let plan = planned(&paper, request)?;

        for (area, segment) in segments(&paper, &request, request.source()) {
            let is_cut = segment.len != area.range.len();
            let touches = request.keep_source
                && (request.old + request.len == request.new
                    || request.new + request.len == request.old);
            let expected = match (is_cut, touches, area.owned) {
                (true, _, _) => Way::Copy(Reason::Cut),
                (_, true, _) => Way::Copy(Reason::Touched),
                (_, _, true) => Way::Copy(Reason::HasOwner),
                _ => Way::Relocate,
            };
            prop_assert_eq!(plan.way(&area), expected);
            prop_assert_eq!(plan.segment_from(&paper, segment.old), Some(segment));
        }
    }

    #[test]
    fn segments_keep_order_and_offset((paper, request) in layouts(0.0)) {
        let segments = all_segments(&paper, &request);

        for pair in segments.windows(2) {
            prop_assert!(pair[0].source().end <= pair[1].old);
        }
        for segment in segments {
            prop_assert_eq!(segment.new - request.new, segment.old - request.old);
            prop_assert!(segment.old >= request.old);
            prop_assert!(segment.source().end <= request.source().end);
        }
    }

    #[test]
    fn runs_are_maximal((paper, request) in layouts(0.0)) {
        let segments = all_segments(&paper, &request);
        let runs: Vec<Segment> = runs(segments.iter().copied()).collect();

        for pair in runs.windows(2) {
            prop_assert!(pair[0].source().end < pair[1].old);
        }
        for run in &runs {
            prop_assert_eq!(run.new - request.new, run.old - request.old);
        }
        prop_assert_eq!(
            runs.iter().map(|run| run.len).sum::<usize>(),
            segments.iter().map(|segment| segment.len).sum::<usize>()
        );
        for segment in segments {
            prop_assert!(runs
                .iter()
                .any(|run| run.old <= segment.old && segment.source().end <= run.source().end));
        }
    }

    /// The commit walks by address, from where it is: that must give the same.
    #[test]
    fn walking_by_address_gives_the_same((paper, request) in layouts(0.0)) {
        let plan = planned(&paper, request)?;
        let mut from = request.old;
        let mut walked = Vec::new();

        while let Some(segment) = plan.segment_from(&paper, from) {
            walked.push(segment);
            from = segment.source().end;
        }
        prop_assert_eq!(&walked, &all_segments(&paper, &request));
        prop_assert_eq!(plan.request(), &request);

        let mut from = request.old;
        let mut walked_runs = Vec::new();
        while let Some(run) = plan.run_from(&paper, from) {
            walked_runs.push(run);
            from = run.source().end;
        }
        prop_assert_eq!(walked_runs, runs(walked.into_iter()).collect::<Vec<_>>());
    }

    /// Taking back walks down from where the move got to, which may be inside of a mapping that
    /// starts before the source: it must come to an end, at the same segments.
    #[test]
    fn walking_down_gives_the_same((paper, request) in layouts(0.0)) {
        let plan = planned(&paper, request)?;
        let mut until = request.source().end;
        let mut walked = Vec::new();

        while let Some(segment) = paper
            .areas
            .iter()
            .rev()
            .find(|area| area.range.start < until)
            .and_then(|area| plan.segment_of(&area, until))
        {
            prop_assert!(segment.old < until);
            until = segment.old;
            walked.insert(0, segment);
        }
        prop_assert_eq!(walked, all_segments(&paper, &request));
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
                    pages.charged += usize::from(area.charged);
                    pages.data += usize::from(area.data);
                }
            }
            pages
        };
        let unmapped = runs(segments.iter().copied())
            .map(|run| count(run.destination()))
            .fold(Pages::default(), |sum, pages| Pages {
                all: sum.all + pages.all,
                charged: sum.charged + pages.charged,
                data: sum.data + pages.data,
            });

        prop_assert_eq!(totals.moved, count(request.source()));
        prop_assert_eq!(totals.unmapped, unmapped);
        prop_assert_eq!(totals.segments, segments.len());
        prop_assert_eq!(totals.runs, runs(segments.into_iter()).count());
        // What moves covers what it goes over.
        prop_assert!(totals.moved.all >= totals.unmapped.all);
    }

    /// The bound on the number of mappings is kept, when neighbours do not merge.
    #[test]
    fn no_more_mappings_than_announced((paper, request) in layouts(0.0)) {
        let plan = planned(&paper, request)?;
        let totals = plan.totals();
        let mut pieces = 0;
        let segments = all_segments(&paper, &request);

        for area in &paper.areas {
            let mut outside = false;
            for addr in area.range.clone().step_by(PAGE) {
                let gone = segments.iter().any(|segment| {
                    segment.destination().contains(&addr)
                        || (segment.source().contains(&addr) && !request.keep_source)
                });
                pieces += usize::from(!gone && !outside);
                outside = !gone;
            }
        }
        pieces += segments.len();
        prop_assert!(
            pieces <= paper.areas.len() + totals.mappings_added - totals.mappings_removed
        );
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
