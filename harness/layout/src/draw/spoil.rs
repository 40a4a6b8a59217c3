// SPDX-License-Identifier: GPL-2.0

//! Sometimes giving a reason to refuse a move.

use super::dice::Dice;
use crate::{
    arena::overlap,
    features::Features,
    mark::{
        Mark,
        Twist, //
    },
    plan::Layout, //
};

/// What a move is refused for.
#[derive(Clone, Copy)]
enum Reason {
    Marked,
    Overlap,
    Low,
    StartsInHole,
    CutsHuge,
}

/// Spoils one layout in ten.
pub fn spoil(dice: &mut Dice, features: &Features, layout: &mut Layout) {
    if !dice.chance(10) {
        return;
    }
    let reasons = [
        (Reason::Marked, 60),
        (Reason::Overlap, 10),
        (Reason::Low, 10),
        (Reason::StartsInHole, 10),
        (Reason::CutsHuge, 10),
    ];
    match dice.weighted(&reasons) {
        Reason::Marked => mark(dice, features, layout),
        Reason::Overlap => {
            let step = &mut layout.step;
            step.to = step.from + dice.number(0..=step.pages - 1);
        }
        Reason::Low => layout.twists.push(Twist::Low),
        Reason::StartsInHole => {
            let step = &mut layout.step;
            step.from -= 1;
            step.to -= 1;
            step.pages += 1;
        }
        Reason::CutsHuge => {
            let step = &mut layout.step;
            step.to += dice.number(0..=1);
            step.pages -= usize::from(step.pages > 1);
        }
    }
}

/// Seals or watches a unit, of the source or of what is in the way.
fn mark(dice: &mut Dice, features: &Features, layout: &mut Layout) {
    let (source, destination) = (layout.step.source(), layout.step.destination());
    let mark = dice.pick(&[Mark::Sealed, Mark::Watched]);
    let mut candidates: Vec<_> = layout
        .units
        .iter_mut()
        .filter(|unit| {
            let matters = [&source, &destination].map(|range| overlap(&unit.range(), range));
            matters.contains(&true) && mark.suits(unit.kind) && features.has_mark(mark)
        })
        .collect();

    if !candidates.is_empty() {
        let index = dice.number(0..=candidates.len() - 1);
        candidates[index].marks.push(mark);
    }
}
