// SPDX-License-Identifier: GPL-2.0

//! What was measured, as Markdown.

mod c_loop;

use super::target::{
    Targets,
    Verdict, //
};
use bench::{
    case::Case,
    cases::{
        MOST,
        MOST_HUGE, //
    },
    figure::Figure,
    results::{
        Kernel,
        Results, //
    }, //
};
use c_loop::Pair;
use std::{
    collections::BTreeSet,
    fmt::Write, //
};

/// A figure with its spread.
fn cell(figure: Option<Figure>) -> String {
    figure.map_or("not available".to_owned(), |figure| {
        format!(
            "{:.0} ({:.0}..{:.0})",
            figure.median, figure.least, figure.most
        )
    })
}

/// A number that is counted.
fn whole(count: Option<u64>) -> String {
    count.map_or("not available".to_owned(), |count| count.to_string())
}

/// A row, or the rule below the first one.
fn row(cells: impl IntoIterator<Item = String>) -> String {
    let mut text = String::from("|");
    for cell in cells {
        write!(text, " {cell} |").expect("a string");
    }
    text + "\n"
}

fn head<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let rule = names.iter().map(|_| "---".to_owned()).collect::<Vec<_>>();

    row(names) + &row(rule)
}

/// The targets, and what came of them.
pub fn judged(verdicts: &[Verdict]) -> String {
    let rows = verdicts.iter().map(|verdict| {
        row([
            verdict.what.clone(),
            verdict
                .found
                .map_or("not available".to_owned(), |found| verdict.number(found)),
            verdict.number(verdict.most),
            (if verdict.met() { "met" } else { "**missed**" }).to_owned(),
        ])
    });
    let head = head(["target", "measured", "at most", ""]);

    head + &rows.collect::<String>()
}

/// What single calls cost in each kernel, the first of which is the base.
fn calls(kernels: &[Kernel]) -> String {
    let Some((base, others)) = kernels.split_first() else {
        return String::new();
    };
    let mut names = vec!["call".to_owned(), base.name.clone()];
    for other in others {
        names.extend([
            other.name.clone(),
            format!("{} / {}", other.name, base.name),
        ]);
    }
    let rows = base.calls().map(|name| {
        let before = base.call(name);
        let mut cells = vec![name.to_owned(), cell(before)];
        for other in others {
            let now = other.call(name);
            let ratio = now
                .zip(before)
                .map(|(now, before)| now.least / before.least);
            cells.extend([cell(now), share(ratio)]);
        }
        row(cells)
    });

    head(names.iter().map(String::as_str)) + &rows.collect::<String>()
}

fn share(ratio: Option<f64>) -> String {
    ratio.map_or(String::new(), |ratio| format!("{ratio:.3}"))
}

/// The columns that name a layout.
fn moved() -> Vec<String> {
    ["moved", "segments", "pages of each"]
        .map(str::to_owned)
        .into()
}

fn layout(case: Case) -> Vec<String> {
    let keep = if case.keep { ", DONTUNMAP" } else { "" };
    vec![
        format!("{}{keep}", case.kind),
        case.segments.to_string(),
        case.pages.to_string(),
    ]
}

/// How many TLB shootdowns moves of a layout take in each kernel.
fn shootdowns(targets: &Targets, kernels: &[Kernel]) -> String {
    let cases: BTreeSet<Case> = kernels.iter().flat_map(Kernel::counted).collect();
    let mut names = moved();
    for kernel in kernels {
        let name = &kernel.name;
        names.extend([format!("{name}, loop"), format!("{name}, one call")]);
    }
    names.push("target".to_owned());

    let rows = cases.into_iter().map(|case| {
        let mut cells = layout(case);
        for kernel in kernels {
            let counts = kernel.shootdowns(case);
            cells.extend([
                whole(counts.map(|counts| counts.by_loop)),
                whole(counts.and_then(|counts| counts.by_one)),
            ]);
        }
        cells.push(
            targets
                .shootdowns(case)
                .map_or(String::new(), |most| most.to_string()),
        );
        row(cells)
    });
    head(names.iter().map(String::as_str)) + &rows.collect::<String>()
}

/// What moves of a layout cost in each kernel. Of the base there is the loop alone.
fn moves(targets: &Targets, kernels: &[Kernel], cases: BTreeSet<Case>) -> String {
    let Some((base, others)) = kernels.split_first() else {
        return String::new();
    };
    let mut names = moved();
    names.push(format!("{}, loop", base.name));
    for other in others {
        let name = &other.name;
        names.extend([
            format!("{name}, loop"),
            format!("{name}, one call"),
            "one call / loop".to_owned(),
        ]);
    }
    names.push("target".to_owned());

    let rows = cases.into_iter().map(|case| {
        let mut cells = layout(case);
        cells.push(cell(base.costs(case).map(|costs| costs.by_loop)));
        for other in others {
            let costs = other.costs(case);
            cells.extend([
                cell(costs.map(|costs| costs.by_loop)),
                cell(costs.and_then(|costs| costs.by_one)),
                share(costs.and_then(|costs| costs.ratio())),
            ]);
        }
        cells.push(share(targets.ratio(case)));
        row(cells)
    });
    head(names.iter().map(String::as_str)) + &rows.collect::<String>()
}

/// All that was measured in one unit.
fn measured(targets: &Targets, results: &Results) -> String {
    let unit = results.unit.name();
    let cases: BTreeSet<Case> = results.kernels.iter().flat_map(Kernel::cases).collect();

    let text = format!(
        "Single calls, in {unit}: the median, least and most.\n\n{}\n\
         Moves of many mappings, in {unit} for each segment.\n\n{}",
        calls(&results.kernels),
        moves(targets, &results.kernels, cases)
    );
    match pair(results) {
        Some(pair) => format!("{text}\n{}", pair.measured(results.unit, targets)),
        None => text,
    }
}

/// The patched kernel, which is the second one, beside itself with the loop in C.
fn pair(results: &Results) -> Option<Pair<'_>> {
    Some(Pair {
        rust: results.kernels.get(1)?,
        c_loop: results.c_loop.as_ref()?,
    })
}

/// What else there is to say.
pub struct Notes {
    /// By how much two runs of a kernel differ, as a part, and where.
    pub apart: (f64, String),
    /// What others see of a long move.
    pub waiting: Vec<String>,
    /// The same of one by the loop in C.
    pub waiting_for_c: Vec<String>,
}

/// The whole file.
pub fn all(
    targets: &Targets,
    verdicts: &[Verdict],
    results: &Results,
    wall: Option<&Results>,
    notes: &Notes,
) -> String {
    let mut text = format!(
        "# What moves cost\n\n{}\n{}\nTwo runs of this kernel differ by {:.2} % at most, in {}.\n",
        judged(verdicts),
        measured(targets, results),
        100.0 * notes.apart.0,
        notes.apart.1
    );

    text += &format!(
        "\nTLB shootdowns that another CPU receives during a move, where it runs a thread of the same \
         process.\n\n{}",
        shootdowns(targets, &results.kernels)
    );
    if let Some(pair) = pair(results) {
        text += &format!(
            "\nThe same of one call by the loop in C, and in Rust.\n\n{}",
            pair.shootdowns()
        );
    }
    text += "\nOthers beside a long move by one call:\n\n";
    for line in &notes.waiting {
        text += &format!("- {line}\n");
    }
    if !notes.waiting_for_c.is_empty() {
        text += "\nOthers beside a long move by one call, by the loop in C:\n\n";
    }
    for line in &notes.waiting_for_c {
        text += &format!("- {line}\n");
    }
    text += &format!(
        "\nLayouts of more than {MOST} pages, or {MOST_HUGE} huge ones, take too much memory.\n"
    );
    text + "\n"
        + &match wall {
            Some(wall) => measured(targets, wall),
            None => "Times are left out: no KVM boots a guest here.\n".to_owned(),
        }
}

#[cfg(test)]
mod tests {
    use super::{
        all,
        judged,
        measured,
        shootdowns,
        Notes, //
    };
    use crate::bench::target::{
        judge,
        tests::example, //
    };
    use bench::{
        cases::{
            self,
            GIGABYTE, //
        },
        line::Line,
        results::{
            Kernel,
            Results,
            Unit, //
        }, //
    };

    fn kernel(name: &str, by_one: Option<u64>, call: u64) -> Kernel {
        Kernel {
            name: name.to_owned(),
            lines: vec![
                Line::Moves {
                    case: GIGABYTE,
                    by_loop: vec![1000, 3000],
                    by_one: by_one.map(|took| vec![took]),
                },
                Line::Call {
                    name: "grow".to_owned(),
                    took: vec![call],
                },
                Line::Shootdowns {
                    case: cases::shootdowns(true)[0],
                    by_loop: vec![1002],
                    by_one: by_one.map(|_| vec![3]),
                },
            ],
        }
    }

    #[test]
    fn every_kernel_has_its_columns() {
        let results = Results {
            unit: Unit::Instructions,
            kernels: vec![kernel("base", None, 100), kernel("this", Some(500), 101)],
            c_loop: None,
        };
        let text = measured(&example(false), &results);

        for line in [
            "| call | base | this | this / base |",
            "| grow | 100 (100..100) | 101 (101..101) | 1.010 |",
            "| moved | segments | pages of each | base, loop | this, loop | this, one call | \
             one call / loop | target |",
            "| sparse | 100 | 2560 | 20 (10..30) | 20 (10..30) | 5 (5..5) | 0.250 | 0.667 |",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn shootdowns_are_whole_numbers() {
        let kernels = [kernel("base", None, 100), kernel("this", Some(500), 101)];
        let text = shootdowns(&example(false), &kernels);

        for line in [
            "| moved | segments | pages of each | base, loop | base, one call | this, loop | \
             this, one call | target |",
            "| anon | 1000 | 1 | 1002 | not available | 1002 | 3 | 3 |",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn what_was_missed_stands_out() {
        let verdicts = judge(
            &example(false),
            &kernel("base", None, 100),
            &kernel("this", Some(500), 102),
            None,
        );
        let text = judged(&verdicts);

        assert!(text.contains("| sparse 100x2560, one call / loop | 0.250 | 0.667 | met |"));
        assert!(text.contains("| grow, this kernel / base | 1.020 | 1.010 | **missed** |"));
        assert!(text.contains("| not available | 0.250 | **missed** |"));
    }

    #[test]
    fn the_loop_in_c_has_its_tables_where_it_is() {
        let notes = |waiting_for_c| Notes {
            apart: (0.0, "nothing".to_owned()),
            waiting: vec!["it waited".to_owned()],
            waiting_for_c,
        };
        let text = |c_loop: Option<Kernel>| {
            let targets = example(c_loop.is_some());
            let waited = c_loop.iter().map(|_| "it waited for C".to_owned());
            let waited = notes(waited.collect());
            let results = Results {
                unit: Unit::Instructions,
                kernels: vec![kernel("base", None, 100), kernel("this", Some(500), 101)],
                c_loop,
            };
            all(&targets, &[], &results, Some(&results), &waited)
        };
        let (without, with) = (text(None), text(Some(kernel("c-loop", Some(1500), 100))));
        let moved = "| sparse | 100 | 2560 | 20 (10..30) | 15 (15..15) | 5 (5..5) | 0.250 | \
                     0.667 | 0.333 |  |";

        // In instructions, and by the wall.
        assert_eq!(with.lines().filter(|line| *line == moved).count(), 2);
        for part in [
            "one call, C loop",
            "- it waited for C\n",
            "by the loop in C",
        ] {
            assert!(with.contains(part), "{part}\n{with}");
            assert!(!without.contains(part), "{part}\n{without}");
        }
        // Nothing else changes.
        assert!(without
            .lines()
            .all(|line| with.lines().any(|other| other == line)));
    }
}
