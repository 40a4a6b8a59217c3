// SPDX-License-Identifier: GPL-2.0

//! The layouts that are swept.

use layout::{
    arena::PMD,
    Features,
    Fill,
    Kind,
    Layout,
    Mark,
    Move,
    Part,
    Prot,
    Unit, //
};

/// Where the source and the destination are.
const SOURCE: usize = 16 * PMD;
const DESTINATION: usize = 128 * PMD;

/// What is mapped at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    Nothing,
    /// Below and above it, what the first and the last segment may merge with.
    Neighbours,
    /// In the way, from below its start to above its end.
    Over,
}

/// A layout, and what it is called.
#[derive(Clone, Debug)]
pub struct Config {
    pub name: String,
    pub layout: Layout,
}

/// Kinds of segments: what a unit is, and what was done to it.
fn kinds(features: &Features) -> Vec<(Kind, Fill, &'static [Mark])> {
    let all: [(Kind, Fill, &[Mark]); 19] = [
        (Kind::Anon, Fill::All, &[]),
        (Kind::Anon, Fill::Nothing, &[]),
        (Kind::Anon, Fill::All, &[Mark::Locked]),
        (Kind::Anon, Fill::All, &[Mark::Huge]),
        (Kind::Anon, Fill::All, &[Mark::Mergeable]),
        (Kind::Anon, Fill::All, &[Mark::Merged]),
        (Kind::Anon, Fill::All, &[Mark::Named]),
        (Kind::Anon, Fill::All, &[Mark::PagedOut]),
        (Kind::SharedAnon, Fill::All, &[]),
        (Kind::MemfdShared, Fill::All, &[]),
        (Kind::MemfdPrivate, Fill::Some, &[]),
        (Kind::FileShared, Fill::All, &[]),
        (Kind::FilePrivate, Fill::Some, &[]),
        (Kind::FilePrivate, Fill::All, &[Mark::Locked]),
        (Kind::Shm, Fill::All, &[]),
        (Kind::HugeShared, Fill::Some, &[]),
        (Kind::HugePrivate, Fill::Some, &[]),
        (Kind::Zero, Fill::All, &[]),
        (Kind::Zero, Fill::Nothing, &[]),
    ];
    all.into_iter()
        .filter(|(kind, _, marks)| {
            features.has_kind(*kind) && marks.iter().all(|mark| features.has_mark(*mark))
        })
        .collect()
}

/// Layouts that take more than a pattern: what is odd about each, and the layout.
const ODD: [(&str, &str); 4] = [
    // At the destination the table of the first one is that of the start of the second, too. At the
    // source the second one has no table there, and gets none when it goes back.
    (
        "a segment that shares a table at the destination only",
        "move 8700+1044 to 66045; 8700+4 anon r-- all; 8704+1024 anon rw- none; \
         9728+8 anon rw- all; 9736+4 anon r-- all; 9740+4 anon rw- all",
    ),
    (
        "the same of a file",
        "move 8700+1044 to 66045; 8700+4 anon r-- all; 8704+1024 memfd-shared rw- none file=0+0; \
         9728+8 memfd-shared rw- all file=0+1024; 9736+4 anon r-- all; 9740+4 anon rw- all",
    ),
    // The first two have all of a table, which moves as it is. It has to go back as it is: there is
    // no other table at the source any more.
    (
        "two segments that have a table in common",
        "move 8704+1032 to 66048; 8704+256 anon rw- all; 8960+256 anon r-- all; 9728+8 anon rw- all",
    ),
    // The first one is cut and stays, so it is copied. Its pages take several tables.
    (
        "a copy that lacks one table of some",
        "move 8701+1035 to 66046 dontunmap; 8700+1028 anon rw- all; 9728+8 anon r-- all",
    ),
];

/// Odd layouts.
pub fn odd() -> impl Iterator<Item = Config> {
    ODD.into_iter().map(|(name, text)| Config {
        name: name.to_owned(),
        layout: text.parse().expect("a layout"),
    })
}

/// All combinations of patterns that make sense.
pub fn all(features: &Features, segments: &[usize]) -> Vec<Config> {
    let mut configs = Vec::new();

    for count in segments {
        for (kind, fill, marks) in kinds(features) {
            for keep in [false, true] {
                for cut in [false, true] {
                    for around in [Around::Nothing, Around::Neighbours, Around::Over] {
                        let recipe = Recipe {
                            count: *count,
                            pattern: pattern(kind, fill, marks),
                            keep,
                            cut,
                            around,
                        };
                        configs.extend(recipe.config());
                    }
                }
            }
        }
    }
    configs
}

fn pattern(kind: Kind, fill: Fill, marks: &[Mark]) -> Unit {
    let huge = kind.hugetlb() || marks.contains(&Mark::Huge);

    Unit {
        at: 0,
        pages: if huge { PMD } else { 3 },
        kind,
        prot: Prot::WRITE,
        fill,
        part: Part::default(),
        born: None,
        marks: marks.to_vec(),
    }
}

/// What a layout is made by.
struct Recipe {
    count: usize,
    /// What each unit is like.
    pattern: Unit,
    keep: bool,
    cut: bool,
    around: Around,
}

impl Recipe {
    /// The units of the source. No neighbours merge, and every third is followed by a hole.
    ///
    /// ```text
    /// [ rw ][ r ][ rw ]  [ r ][ rw ][ r ]  [ rw ] ...
    /// ```
    fn source(&self) -> Vec<Unit> {
        let mut at = SOURCE;
        let mut units = Vec::new();

        for number in 0..self.count {
            let mut unit = self.unit(at);
            unit.prot = [Prot::WRITE, Prot::READ][number % 2];
            at += unit.pages;
            if number % 3 == 2 {
                at += unit.pages;
            }
            units.push(unit);
        }
        units
    }

    /// A unit, of the part of its file that has the same distance to others.
    fn unit(&self, at: usize) -> Unit {
        let mut unit = self.pattern.clone();
        unit.at = at;
        if unit.kind.of_file() {
            unit.part.offset = 16 + at % 0x1000;
        }
        unit
    }

    fn config(&self) -> Option<Config> {
        let huge_pages = self.pattern.pages == PMD;
        let hugetlb = self.pattern.kind.hugetlb();
        // Huge pages are few, cannot be cut, and cannot stay behind.
        if huge_pages && self.count > 4 || hugetlb && (self.cut || self.keep) {
            return None;
        }
        let mut units = self.source();
        let (first, last) = (units.first()?, units.last()?);
        let cut = usize::from(self.cut);
        let from = first.at + cut;
        // A single mapping moves by the base's own way, unless a hole comes with it.
        let hole = if self.count == 1 {
            self.pattern.pages
        } else {
            0
        };
        let pages = last.range().end - cut + hole - from;
        let step = Move {
            from,
            pages,
            to: DESTINATION + cut,
            keep: self.keep,
        };
        self.furnish(&mut units, &step);

        let layout = Layout {
            step,
            twists: Vec::new(),
            units,
        };
        let name = format!(
            "{} of {}{}{}{}, {:?} at the destination",
            self.count,
            self.pattern.kind.name(),
            self.marks(),
            if self.keep { ", dontunmap" } else { "" },
            if self.cut { ", cut" } else { "" },
            self.around
        );
        layout.check().ok().map(|()| Config { name, layout })
    }

    fn marks(&self) -> String {
        let names = self
            .pattern
            .marks
            .iter()
            .map(|mark| format!(" {}", mark.name()));
        format!(" {}{}", self.pattern.fill.name(), names.collect::<String>())
    }

    fn furnish(&self, units: &mut Vec<Unit>, step: &Move) {
        let destination = step.destination();
        let size = self.pattern.pages;

        match self.around {
            Around::Nothing => {}
            Around::Neighbours => {
                let mut below = self.unit(destination.start - size);
                let mut above = self.unit(destination.end);
                if below.kind.of_file() {
                    below.part.offset = (16 + step.from % 0x1000).saturating_sub(size);
                    above.part.offset = 16 + step.source().end % 0x1000;
                }
                above.prot = units.last().map_or(Prot::WRITE, |unit| unit.prot);
                units.extend([below, above]);
            }
            // One mapping that is cut at both ends, and by each run.
            Around::Over => units.push(Unit {
                at: destination.start - 2,
                pages: destination.len() + 4,
                kind: Kind::Anon,
                prot: Prot::WRITE,
                fill: Fill::Some,
                part: Part::default(),
                born: None,
                marks: Vec::new(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_layouts_can_be_made() {
        for config in odd() {
            config.layout.check().unwrap();
        }
    }
}
