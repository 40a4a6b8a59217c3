// SPDX-License-Identifier: GPL-2.0

//! Drawing what moves where, and what is there.

use super::{
    dice::Dice,
    units::{
        follow,
        Theme, //
    }, //
};
use crate::{
    arena::{
        in_table,
        overlap,
        PMD, //
    },
    plan::{
        Layout,
        Move,
        Unit, //
    }, //
};

/// Where destinations start that are far from the source.
const FAR: usize = 128 * PMD;

/// How far from the destination something may be mapped that is not in the way.
const AROUND: usize = 12;

/// How the destination lies to the source.
#[derive(Clone, Copy)]
enum Relation {
    Far,
    Above,
    Below,
}

/// Draws which part of the units moves, and where to.
pub fn step(dice: &mut Dice, source: &[Unit]) -> Move {
    let (Some(first), Some(last)) = (source.first(), source.last()) else {
        unreachable!("a source has units");
    };
    let huge = source.iter().any(|unit| unit.kind.hugetlb());
    let mut from = first.at;
    let mut end = last.range().end;

    if dice.chance(35) && !first.kind.hugetlb() {
        from += dice.number(0..=first.pages - 1);
    }
    if dice.chance(35) && !last.kind.hugetlb() {
        end -= dice.number(0..=last.pages - 1);
    } else if dice.chance(15) {
        end += dice.number(1..=8);
    }
    // A source of one unit that is cut at both ends may have become empty.
    let pages = end.max(from + 1) - from;

    let relations = [
        (Relation::Far, 60),
        (Relation::Above, 20),
        (Relation::Below, 20),
    ];
    let gap = dice.weighted(&[(0, 75), (1, 10), (7, 15)]);
    let mut to = match dice.weighted(&relations) {
        Relation::Above => from + pages + gap,
        Relation::Below => from.saturating_sub(pages + gap).max(1),
        Relation::Far if dice.chance(50) => FAR + in_table(from),
        Relation::Far => FAR + dice.number(1..=PMD),
    };
    if huge {
        // It goes to where huge pages can, or is refused. Ranges never overlap by this.
        to = if to > from {
            to.next_multiple_of(PMD) + in_table(from)
        } else {
            (to - in_table(to)).saturating_sub(PMD) + in_table(from)
        };
    }
    Move {
        from,
        pages,
        to,
        keep: dice.chance(35),
    }
}

/// Sometimes lets the mapping at the end of the source that is next to the destination cover that
/// as well.
pub fn stretch(dice: &mut Dice, layout: &mut Layout) {
    let step = layout.step;
    let near = |distance: usize| distance < 2 * AROUND;

    if !dice.chance(25) {
        return;
    }
    let margin = dice.number(0..=4);
    if step.to > step.from && near(step.to - step.source().end) {
        if let Some(unit) = layout.units.last_mut().filter(|unit| !unit.kind.hugetlb()) {
            let end = step.destination().end + margin;
            unit.pages = end.max(unit.range().end) - unit.at;
            unit.born = None;
        }
    } else if step.to < step.from && near(step.from - step.destination().end) {
        if let Some(unit) = layout.units.first_mut().filter(|unit| !unit.kind.hugetlb()) {
            let start = (step.to - margin).min(unit.at);
            unit.pages += unit.at - start;
            unit.at = start;
            unit.born = None;
        }
    }
}

/// Maps something at the destination and next to it.
pub fn furnish(dice: &mut Dice, theme: &mut Theme, layout: &mut Layout) {
    if dice.chance(35) {
        return;
    }
    neighbours(dice, layout);

    let destination = layout.step.destination();
    let mut at = destination.start.saturating_sub(dice.number(0..=AROUND));
    while at < destination.end + AROUND {
        at += dice.weighted(&[(0, 40), (2, 30), (9, 20), (60, 10)]);
        let mut unit = theme.unit(dice, at);
        if let Some(before) = layout.units.last().filter(|before| before.at < unit.at) {
            follow(dice, before, &mut unit);
        }
        if dice.chance(10) {
            theme.bear(dice, &mut unit);
        }
        at = unit.range().end;
        add(layout, unit);
        if dice.chance(30) {
            return;
        }
    }
}

/// Maps below and above the destination what the first and the last unit of the source may merge
/// with.
fn neighbours(dice: &mut Dice, layout: &mut Layout) {
    let Move { from, to, .. } = layout.step;
    let destination = layout.step.destination();
    let end = layout.step.source().end;
    let pages = dice.number(1..=6);

    let first = layout.units_in(from..from + 1).next().cloned();
    if let Some(mut unit) = first.filter(|unit| !unit.kind.hugetlb()) {
        let before = from - unit.at;
        if unit.kind.of_file() {
            unit.part.offset = (unit.part.offset + before).saturating_sub(pages);
        }
        unit.born = unit.born.map(|born| born + before - pages);
        unit.at = to.saturating_sub(pages);
        unit.pages = pages;
        if dice.chance(60) {
            add(layout, unit);
        }
    }
    let last = layout.units_in(end - 1..end).next().cloned();
    if let Some(mut unit) = last.filter(|unit| !unit.kind.hugetlb()) {
        let before = end - unit.at;
        if unit.kind.of_file() {
            unit.part.offset += before;
        }
        unit.born = unit.born.map(|born| born + before);
        unit.at = destination.end;
        unit.pages = pages;
        if dice.chance(60) {
            add(layout, unit);
        }
    }
}

/// Adds a unit, if it is in nobody's way.
fn add(layout: &mut Layout, unit: Unit) {
    let source = layout.step.source();
    let fits = !overlap(&unit.range(), &source)
        && unit.check().is_ok()
        && layout.units.iter().all(|other| !unit.collides(other));

    if fits {
        layout.units.push(unit);
    }
}
