// SPDX-License-Identifier: GPL-2.0

//! Drawing units, and the source.

use super::dice::Dice;
use crate::{
    arena::PMD,
    features::{
        Features,
        HUGE_PAGES, //
    },
    kind::{
        Fill,
        Kind,
        Prot, //
    },
    mark::Mark,
    plan::{
        Part,
        Unit,
        FILES,
        FILE_PAGES, //
    }, //
};

/// Where sources start, roughly, and where units are made that are to have moved before.
const SOURCE: usize = 16 * PMD;
pub const BIRTHPLACE: usize = 256 * PMD;

/// Some units that others are made like, so that neighbours have a chance to merge.
pub struct Theme {
    patterns: Vec<Unit>,
    features: Features,
    /// The files that units are of.
    files: [usize; 2],
    /// Where the next unit is made that is not made in its place.
    birthplace: usize,
}

pub fn theme(dice: &mut Dice, features: &Features) -> Theme {
    let patterns = (0..dice.number(1..=4))
        .map(|_| pattern(dice, features))
        .collect();

    Theme {
        patterns,
        features: *features,
        files: [0, 1].map(|_| dice.number(0..=FILES - 1)),
        birthplace: BIRTHPLACE + dice.number(0..=PMD),
    }
}

/// A unit without a place.
fn pattern(dice: &mut Dice, features: &Features) -> Unit {
    let kinds = [
        (Kind::Anon, 50),
        (Kind::SharedAnon, 6),
        (Kind::MemfdShared, 12),
        (Kind::MemfdPrivate, 12),
        (Kind::FileShared, 6),
        (Kind::FilePrivate, 8),
        (Kind::Shm, 6),
        (Kind::HugeShared, 2),
        (Kind::HugePrivate, 2),
        (Kind::Zero, 4),
    ];
    let kinds: Vec<(Kind, usize)> = kinds
        .into_iter()
        .filter(|(kind, _)| features.has_kind(*kind))
        .collect();
    let kind = dice.weighted(&kinds);
    let fills = [
        (Fill::Nothing, 25),
        (Fill::Read, 10),
        (Fill::Some, 20),
        (Fill::All, 45),
    ];

    Unit {
        at: 0,
        pages: 0,
        kind,
        prot: prot(dice),
        fill: dice.weighted(&fills),
        part: Part::default(),
        born: None,
        marks: marks(dice, kind, features),
    }
}

fn prot(dice: &mut Dice) -> Prot {
    let weights = [8, 25, 50, 8, 8];
    let prots: Vec<(Prot, usize)> = Prot::ALL.into_iter().zip(weights).collect();
    dice.weighted(&prots)
}

fn marks(dice: &mut Dice, kind: Kind, features: &Features) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();

    if !dice.chance(40) {
        return marks;
    }
    for _ in 0..dice.number(1..=2) {
        let mark = dice.pick(&Mark::ALL);
        let rival = marks.iter().any(|other| mark.excludes(*other));
        let fits = mark.suits(kind) && features.has_mark(mark) && !mark.refuses();
        if fits && !rival && !marks.contains(&mark) {
            marks.push(mark);
        }
    }
    marks
}

fn pages(dice: &mut Dice, unit: &Unit) -> usize {
    if unit.kind.hugetlb() {
        return PMD * dice.number(1..=2);
    }
    if unit.has(Mark::Huge) && dice.chance(60) {
        return dice.weighted(&[(PMD, 6), (2 * PMD, 2), (PMD + 8, 2)]);
    }
    let size = dice.weighted(&[(1..=1, 250), (2..=8, 620), (9..=40, 123), (400..=1200, 7)]);
    dice.number(size)
}

impl Theme {
    /// A unit somewhere at or above a page, much like one of the patterns.
    pub fn unit(&mut self, dice: &mut Dice, at: usize) -> Unit {
        let mut unit = if dice.chance(75) {
            dice.pick(&self.patterns)
        } else {
            pattern(dice, &self.features)
        };
        if dice.chance(40) {
            unit.prot = prot(dice);
        }
        unit.pages = pages(dice, &unit);
        let aligned = unit.kind.hugetlb() || unit.has(Mark::Huge) && unit.pages >= PMD;
        unit.at = if aligned {
            at.next_multiple_of(PMD)
        } else {
            at
        };
        if unit.kind.of_file() {
            unit.part = Part {
                file: self.files[dice.number(0..=1)],
                offset: dice.number(0..=64) * 8,
            };
        }
        unit
    }

    /// Lets a unit be made elsewhere first: right after the last one that was, or not.
    pub fn bear(&mut self, dice: &mut Dice, unit: &mut Unit) {
        if !dice.chance(50) || unit.kind.hugetlb() {
            self.birthplace += dice.number(1..=16);
        }
        if unit.kind.hugetlb() {
            self.birthplace = self.birthplace.next_multiple_of(PMD);
        }
        unit.born = Some(self.birthplace);
        self.birthplace += unit.pages;
    }
}

/// The units of the source, with holes between some of them.
pub fn source(dice: &mut Dice, theme: &mut Theme) -> Vec<Unit> {
    let inside = dice.number(1..=PMD - 1);
    let near_the_end = PMD - dice.number(1..=8);
    let mut at = SOURCE + dice.pick(&[0, inside, near_the_end]);
    let sizes = [(1..=3, 30), (4..=8, 50), (9..=20, 17), (21..=64, 3)];
    let size = dice.weighted(&sizes);
    let mut units: Vec<Unit> = Vec::new();
    let mut huge_pages = 0;

    for _ in 0..dice.number(size) {
        if dice.chance(25) {
            at += dice.number(1..=6);
        }
        let mut unit = theme.unit(dice, at);
        if unit.kind.hugetlb() {
            huge_pages += unit.pages / PMD;
            if huge_pages > HUGE_PAGES / 4 {
                continue;
            }
        }
        if let Some(before) = units.last() {
            follow(dice, before, &mut unit);
        }
        if dice.chance(15) {
            theme.bear(dice, &mut unit);
        }
        at = unit.range().end;
        units.push(unit);
    }
    units
}

/// Lets a unit of a file go on where the one before ended, as it often is.
pub fn follow(dice: &mut Dice, before: &Unit, unit: &mut Unit) {
    let same_file = unit.kind.of_file()
        && unit.kind.of_memfd() == before.kind.of_memfd()
        && before.kind.of_file()
        && unit.part.file == before.part.file;
    let offset = before.part.offset + (unit.at - before.at);

    if same_file && offset + unit.pages <= FILE_PAGES && dice.chance(70) {
        unit.part.offset = offset;
    }
}
