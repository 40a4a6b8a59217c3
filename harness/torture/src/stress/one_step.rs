// SPDX-License-Identifier: GPL-2.0

//! What is seen of a region at one time must be before a move or after it, as a whole.

use super::position::{
    Place,
    Position,
    Spot, //
};

/// Finds out which pages contradict that a move is one step.
///
/// `seen` tells whether a page was seen in a slot. What a move leaves may be taken for the page.
pub fn half_moved(
    pages: &[usize],
    position: &Position,
    seen: impl Fn(usize, usize) -> bool,
) -> Vec<usize> {
    let right = |page: usize, moved: bool| match (position.spot(page), position.place) {
        (Spot::Either { from, to }, Place::Move { keep, over, .. }) => match moved {
            // What an earlier move left may be only a part of what this one goes over.
            false => seen(from, page) && (over || !seen(to, page)),
            true => (keep || !seen(from, page)) && seen(to, page),
        },
        (Spot::Either { .. }, Place::Rest { .. }) => false,
        (Spot::At(slot), _) => seen(slot, page),
    };
    let wrong = |moved: bool| -> Vec<usize> {
        pages
            .iter()
            .copied()
            .filter(|page| !right(*page, moved))
            .collect()
    };

    std::cmp::min_by_key(wrong(false), wrong(true), Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moving(keep: bool, over: bool) -> Position {
        Position {
            number: 1,
            rest: 0,
            part: 1..4,
            place: Place::Move {
                from: 0,
                to: 1,
                keep,
                over,
            },
        }
    }

    const PAGES: [usize; 4] = [0, 1, 2, 3];

    #[test]
    fn before_and_after_are_fine() {
        let moved = |slot, page| (slot == 1) == (page != 0);

        assert!(half_moved(&PAGES, &moving(false, false), |slot, _| slot == 0).is_empty());
        assert!(half_moved(&PAGES, &moving(false, false), moved).is_empty());
    }

    #[test]
    fn between_is_not() {
        let half = |slot, page| (slot == 1) == (page == 1);

        assert_eq!(half_moved(&PAGES, &moving(false, false), half), [1]);
    }

    #[test]
    fn a_page_that_is_nowhere_is_found() {
        let lost = |slot, page| slot == 0 && page != 2;

        assert_eq!(half_moved(&PAGES, &moving(true, true), lost), [2]);
    }

    #[test]
    fn a_copy_is_not_there_before_all_are() {
        let half = |slot, page| slot == 0 || page == 1;

        assert_eq!(half_moved(&PAGES, &moving(true, false), half), [1]);
    }
}
