// SPDX-License-Identifier: GPL-2.0

//! A source that ends inside of a huge page of hugetlb ends with that page.

use crate::{
    layout::{
        Area,
        Kind,
        Paper,
        PAGE, //
    },
    plan::{
        plan,
        segments,
        CopyReason,
        MoveKind,
        Refusal,
        Request, //
    }, //
};
use proptest::prelude::*;

/// The size of a huge page, in pages and in bytes.
const HUGE_PAGES: usize = 4;
const HUGE: usize = HUGE_PAGES * PAGE;

/// Where the hugetlb memory starts.
const START: usize = 64 * HUGE;

fn area(start: usize, end: usize, huge: Option<usize>) -> Option<Area> {
    (start < end).then_some(Area {
        range: start..end,
        kind: Kind {
            huge,
            ..Kind::default()
        },
    })
}

/// Ordinary pages, as many as `before`, then `count` huge pages of which `cut` pages are asked for.
fn sources() -> impl Strategy<Value = (Paper, Request)> {
    (0..6usize, 1..4usize, 0..16isize, any::<bool>(), 0..64usize)
        .prop_flat_map(|(before, count, distance, down, room)| {
            (
                Just((before, count, distance, down, room)),
                1..=count * HUGE_PAGES,
            )
        })
        .prop_filter_map(
            "what is asked for overlaps, or goes beyond the end",
            |((before, count, distance, down, room), cut)| {
                let old = START - before * PAGE;
                let by = distance * HUGE as isize * if down { -1 } else { 1 };
                let new = old.checked_add_signed(by)?;
                let request = Request::new(old, new, (before + cut) * PAGE, false, PAGE)?;
                let paper = Paper {
                    areas: [
                        area(old, START, None),
                        area(START, START + count * HUGE, Some(HUGE)),
                    ]
                    .into_iter()
                    .flatten()
                    .collect(),
                    max_vmas: usize::MAX,
                    end: START + room * PAGE,
                };

                (request.destination().end <= paper.end).then_some((paper, request))
            },
        )
}

proptest! {
    #[test]
    fn the_last_huge_page_moves_whole((paper, asked) in sources()) {
        let cut = asked.source().end - START;
        let len = START + cut.div_ceil(HUGE) * HUGE - asked.source().start;
        let fits = asked.source().start.abs_diff(asked.destination().start) >= len && asked.destination().start + len <= paper.end;

        match plan(&paper, asked, PAGE) {
            Ok(plan) => {
                prop_assert!(fits);
                let (old, new) = (asked.source().start, asked.destination().start);
                prop_assert_eq!(Some(*plan.request()), Request::new(old, new, len, false, PAGE));
                let last = segments(&paper, plan.request(), plan.request().source()).last();
                let (area, segment) = last.expect("there is hugetlb memory");
                prop_assert_eq!(segment.source(), START..asked.source().start + len);
                prop_assert_eq!(plan.totals().splits_last, asked.source().start + len < area.range.end);
                prop_assert_eq!(plan.totals().moved.all, len / PAGE);
                let is_cut = segment.source() != area.range;
                let kind = if is_cut { MoveKind::Copy(CopyReason::Partial) } else { MoveKind::Relocate };
                prop_assert_eq!(plan.move_kind(&area), kind);
            }
            Err(refusal) => {
                prop_assert_eq!(refusal, Refusal::RoundedUp);
                prop_assert!(!fits);
            }
        }
    }
}
