// SPDX-License-Identifier: GPL-2.0

//! One call in Rust beside one call by the loop in C that the base has: the same image, which is
//! told to take the one or the other.

use super::{
    cell,
    head,
    layout,
    moved,
    row,
    share,
    whole, //
};
use crate::bench::target::{
    beside_loop,
    Targets, //
};
use bench::{
    case::{
        Case,
        Kind, //
    },
    results::{
        Kernel,
        Unit, //
    }, //
};
use std::collections::BTreeSet;

/// What a layout is moved by.
const WAYS: [&str; 3] = ["a call for each", "one call, C loop", "one call, Rust"];

/// The kernel, and the same with the loop in C. A call for each is the same in both.
pub struct Pair<'a> {
    pub rust: &'a Kernel,
    pub c_loop: &'a Kernel,
}

/// A table of layouts, with a column for each way and more.
fn table(more: &[&str], rows: impl Iterator<Item = String>) -> String {
    let mut names = moved();
    names.extend(WAYS.iter().chain(more).map(|name| (*name).to_owned()));

    head(names.iter().map(String::as_str)) + &rows.collect::<String>()
}

impl Pair<'_> {
    /// What each segment costs.
    fn moves(&self, targets: &Targets) -> String {
        let cases: BTreeSet<Case> = self.rust.cases().collect();
        let rows = cases.into_iter().map(|case| {
            let [rust, c_loop] = [self.rust, self.c_loop].map(|kernel| kernel.costs(case));
            let mut cells = layout(case);
            cells.extend([
                cell(rust.map(|costs| costs.by_loop)),
                cell(c_loop.and_then(|costs| costs.by_one)),
                cell(rust.and_then(|costs| costs.by_one)),
                share(rust.and_then(|costs| costs.ratio())),
                share(targets.ratio(case)),
                share(beside_loop(self.rust, self.c_loop, case)),
                share(targets.beside_loop(case)),
            ]);
            row(cells)
        });

        table(&["Rust / each", "target", "Rust / C loop", "target"], rows)
    }

    /// How long the mmap lock is held at a time. Anonymous pages say it for all.
    fn holds(&self) -> String {
        let cases: BTreeSet<Case> = self
            .rust
            .cases()
            .filter(|case| case.kind == Kind::Anon && !case.keep && case.pages == 1)
            .collect();
        let rows = cases.into_iter().map(|case| {
            let [rust, c_loop] = [self.rust, self.c_loop].map(|kernel| kernel.costs(case));
            let all = |each: f64| (each * case.segments as f64).round() as u64;
            let mut cells = layout(case);
            cells.extend([
                whole(rust.map(|costs| costs.by_loop.median.round() as u64)),
                whole(c_loop.and_then(|costs| costs.by_one.map(|one| all(one.median)))),
                whole(rust.and_then(|costs| costs.by_one.map(|one| all(one.median)))),
            ]);
            row(cells)
        });

        table(&[], rows)
    }

    /// What single calls cost, which need neither.
    fn calls(&self) -> String {
        let rows = self.rust.calls().map(|name| {
            let (on, off) = (self.rust.call(name), self.c_loop.call(name));
            let ratio = on.zip(off).map(|(on, off)| on.least / off.least);

            row([name.to_owned(), cell(on), cell(off), share(ratio)])
        });

        head(["call", "on", "off", "on / off"]) + &rows.collect::<String>()
    }

    /// All that was measured in one unit.
    pub fn measured(&self, unit: Unit, targets: &Targets) -> String {
        let unit = unit.name();

        format!(
            "One call by the base's own loop in C (mremap_range=off) beside one call in Rust, in \
             the same image: {unit} for each segment.\n\n{}\n\
             How long the mmap lock is held at a time, in {unit}: a call holds it nearly from its \
             start to its end.\n\n{}\n\
             Single calls with range moves on and off, in {unit}.\n\n{}",
            self.moves(targets),
            self.holds(),
            self.calls()
        )
    }

    /// How many TLB shootdowns each way takes.
    pub fn shootdowns(&self) -> String {
        let cases: BTreeSet<Case> = self.rust.counted().collect();
        let rows = cases.into_iter().map(|case| {
            let [rust, c_loop] = [self.rust, self.c_loop].map(|kernel| kernel.shootdowns(case));
            let mut cells = layout(case);
            cells.extend([
                whole(rust.map(|counts| counts.by_loop)),
                whole(c_loop.and_then(|counts| counts.by_one)),
                whole(rust.and_then(|counts| counts.by_one)),
            ]);
            row(cells)
        });

        table(&[], rows)
    }
}

#[cfg(test)]
mod tests {
    use super::Pair;
    use crate::bench::target::tests::example;
    use bench::{
        case::{
            Case,
            Kind, //
        },
        line::Line,
        results::{
            Kernel,
            Unit, //
        }, //
    };

    const CASE: Case = Case {
        kind: Kind::Anon,
        keep: false,
        segments: 1000,
        pages: 1,
    };

    fn kernel(by_loop: u64, by_one: Option<u64>, call: u64) -> Kernel {
        Kernel {
            name: "a kernel".to_owned(),
            lines: vec![
                Line::Moves {
                    case: CASE,
                    by_loop: vec![by_loop],
                    by_one: by_one.map(|took| vec![took]),
                },
                Line::Call {
                    name: "grow".to_owned(),
                    took: vec![call],
                },
                Line::Shootdowns {
                    case: CASE,
                    by_loop: vec![1002],
                    by_one: by_one.map(|took| vec![took / 1000]),
                },
            ],
        }
    }

    /// What is said of a kernel by whose loop one call costs as much.
    fn said(by_c: Option<u64>) -> String {
        let pair = Pair {
            rust: &kernel(16_000, Some(4_000), 101),
            c_loop: &kernel(15_000, by_c, 100),
        };

        pair.measured(Unit::Instructions, &example(true)) + &pair.shootdowns()
    }

    #[test]
    fn every_way_has_its_column() {
        let text = said(Some(8_000));

        for line in [
            "| moved | segments | pages of each | a call for each | one call, C loop | \
             one call, Rust | Rust / each | target | Rust / C loop | target |",
            "| anon | 1000 | 1 | 16 (16..16) | 8 (8..8) | 4 (4..4) | 0.250 | 0.250 | 0.500 | \
             0.300 |",
            "| moved | segments | pages of each | a call for each | one call, C loop | \
             one call, Rust |",
            "| anon | 1000 | 1 | 16 | 8000 | 4000 |",
            "| call | on | off | on / off |",
            "| grow | 101 (101..101) | 100 (100..100) | 1.010 |",
            "| anon | 1000 | 1 | 1002 | 8 | 4 |",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn what_the_loop_refuses_is_not_available() {
        let text = said(None);

        for line in [
            "| anon | 1000 | 1 | 16 (16..16) | not available | 4 (4..4) | 0.250 | 0.250 |  | \
             0.300 |",
            "| anon | 1000 | 1 | 16 | not available | 4000 |",
            "| anon | 1000 | 1 | 1002 | not available | 4 |",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
