// SPDX-License-Identifier: GPL-2.0

//! Refusals.

use crate::{
    layout::{
        layouts,
        No,
        Paper,
        PAGE, //
    },
    plan::{
        plan,
        runs,
        segments,
        Refusal,
        Request, //
    }, //
};
use proptest::prelude::*;

/// The refusal that a walk over every page comes to.
fn expected(paper: &Paper, request: &Request) -> Option<Refusal<No>> {
    let sealed = |addr: usize| {
        paper
            .areas
            .iter()
            .any(|area| area.kind.sealed && area.range.contains(&addr))
    };
    let mapped = |addr: usize| paper.areas.iter().any(|area| area.range.contains(&addr));

    if !mapped(request.source().start) {
        return Some(Refusal::NothingMapped);
    }
    for (_, segment) in segments(paper, request, request.source()) {
        if sealed(segment.source().start) {
            return Some(Refusal::Segment {
                at: segment.source().start,
                error: No::Sealed,
            });
        }
    }
    for addr in request.source().step_by(PAGE).filter(|addr| mapped(*addr)) {
        let dest = addr - request.source().start + request.destination().start;

        if sealed(dest) {
            return Some(Refusal::Destination {
                at: dest,
                error: No::Sealed,
            });
        }
    }
    None
}

proptest! {
    #[test]
    fn the_first_refusal_is_named((paper, request) in layouts(0.03)) {
        prop_assert_eq!(plan(&paper, request, PAGE).err(), expected(&paper, &request));
    }

    #[test]
    fn limits_are_checked_last((mut paper, request) in layouts(0.03)) {
        paper.max_vmas = 0;
        let refusal = plan(&paper, request, PAGE).err();

        prop_assert_eq!(
            refusal,
            expected(&paper, &request).or(Some(Refusal::Totals(No::TooMany)))
        );
    }

    /// VMAs under a hole, or outside of the ranges, are not checked.
    #[test]
    fn vmas_that_stay_are_not_checked((mut paper, request) in layouts(0.0)) {
        let touched: Vec<_> = runs(
            segments(&paper, &request, request.source()).map(|(_, segment)| segment),
        )
        .flat_map(|run| [run.source(), run.destination()])
        .collect();

        for area in &mut paper.areas {
            area.kind.sealed = !touched
                .iter()
                .any(|range| range.start < area.range.end && area.range.start < range.end);
        }
        prop_assert_eq!(
            plan(&paper, request, PAGE).err().is_none(),
            expected(&paper, &request).is_none()
        );
        let refused_a_part = matches!(
            plan(&paper, request, PAGE),
            Err(Refusal::Segment { .. } | Refusal::Destination { .. })
        );
        prop_assert!(!refused_a_part);
    }
}
