// SPDX-License-Identifier: GPL-2.0

//! What was measured of several kernels.

use crate::{
    case::Case,
    figure::Figure,
    line::{
        Costs,
        Line,
        Shootdowns, //
    }, //
};
use serde::{
    Deserialize,
    Serialize, //
};

/// What a nanosecond of the guest's clock is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Instructions,
    Nanoseconds,
}

impl Unit {
    pub fn name(self) -> &'static str {
        match self {
            Unit::Instructions => "instructions",
            Unit::Nanoseconds => "nanoseconds",
        }
    }
}

/// A kernel, and what was measured of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Kernel {
    pub name: String,
    pub lines: Vec<Line>,
}

/// What was measured, in one unit.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Results {
    pub unit: Unit,
    pub kernels: Vec<Kernel>,
    /// The patched kernel once more, told to leave several mappings to the loop in C that its base
    /// has for them. Not every base has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c_loop: Option<Kernel>,
}

impl Kernel {
    /// The layouts that were moved.
    pub fn cases(&self) -> impl Iterator<Item = Case> + '_ {
        self.lines.iter().filter_map(|line| match line {
            Line::Moves { case, .. } => Some(*case),
            _ => None,
        })
    }

    /// The names of the single calls.
    pub fn calls(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| match line {
            Line::Call { name, .. } => Some(name.as_str()),
            _ => None,
        })
    }

    /// What the moves of a layout cost for each segment, if they were measured.
    pub fn costs(&self, wanted: Case) -> Option<Costs> {
        self.lines.iter().find_map(|line| match line {
            Line::Moves {
                case,
                by_loop,
                by_one,
            } if *case == wanted => Some(Costs {
                by_loop: Figure::of(by_loop, case.segments)?,
                by_one: by_one
                    .as_ref()
                    .and_then(|took| Figure::of(took, case.segments)),
            }),
            _ => None,
        })
    }

    /// The layouts that shootdowns were counted of.
    pub fn counted(&self) -> impl Iterator<Item = Case> + '_ {
        self.lines.iter().filter_map(|line| match line {
            Line::Shootdowns { case, .. } => Some(*case),
            _ => None,
        })
    }

    /// How many shootdowns a move of a layout takes, if they were counted.
    pub fn shootdowns(&self, wanted: Case) -> Option<Shootdowns> {
        self.lines.iter().find_map(|line| match line {
            Line::Shootdowns {
                case,
                by_loop,
                by_one,
            } if *case == wanted => Some(Shootdowns {
                by_loop: *by_loop.iter().max()?,
                by_one: by_one
                    .as_ref()
                    .and_then(|counts| counts.iter().max().copied()),
            }),
            _ => None,
        })
    }

    /// What a single call costs, if it was measured.
    pub fn call(&self, wanted: &str) -> Option<Figure> {
        self.lines.iter().find_map(|line| match line {
            Line::Call { name, took } if name == wanted => Figure::of(took, 1),
            _ => None,
        })
    }
}

/// By how much the medians of two runs of the same kernel differ at most, as a part of them, and
/// in what.
pub fn difference(one: &Kernel, other: &Kernel) -> (f64, String) {
    let moves = one.cases().flat_map(|case| {
        let [a, b] = [one, other].map(|kernel| kernel.costs(case));
        let loops = a.zip(b).map(|(a, b)| (a.by_loop, b.by_loop));
        let ones = a.zip(b).and_then(|(a, b)| a.by_one.zip(b.by_one));
        [
            (format!("{case} by a call for each"), loops),
            (format!("{case} by one call"), ones),
        ]
    });
    let calls = one
        .calls()
        .map(|name| (name.to_owned(), one.call(name).zip(other.call(name))));
    let apart = |(a, b): (Figure, Figure)| (a.median - b.median).abs() / a.median;

    moves
        .chain(calls)
        .filter_map(|(what, pair)| Some((apart(pair?), what)))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .unwrap_or((0.0, "nothing".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{
        difference,
        Kernel, //
    };
    use crate::{
        cases::GIGABYTE,
        line::Line, //
    };

    fn kernel(by_one: u64, call: u64) -> Kernel {
        Kernel {
            name: "a kernel".to_owned(),
            lines: vec![
                Line::Moves {
                    case: GIGABYTE,
                    by_loop: vec![200],
                    by_one: Some(vec![by_one]),
                },
                Line::Call {
                    name: "grow".to_owned(),
                    took: vec![call],
                },
                Line::Shootdowns {
                    case: GIGABYTE,
                    by_loop: vec![100, 98],
                    by_one: Some(vec![1, 2]),
                },
            ],
        }
    }

    #[test]
    fn what_was_measured_is_found() {
        let kernel = kernel(100, 50);
        let costs = kernel.costs(GIGABYTE).unwrap();

        assert_eq!((costs.by_loop.median, costs.ratio()), (2.0, Some(0.5)));
        assert_eq!(kernel.call("grow").unwrap().median, 50.0);
        assert_eq!(kernel.call("shrink"), None);
        assert_eq!(kernel.cases().collect::<Vec<_>>(), [GIGABYTE]);
        assert_eq!(kernel.counted().collect::<Vec<_>>(), [GIGABYTE]);
    }

    #[test]
    fn the_most_shootdowns_count() {
        let counts = kernel(100, 50).shootdowns(GIGABYTE).unwrap();

        assert_eq!((counts.by_loop, counts.by_one), (100, Some(2)));
    }

    #[test]
    fn the_largest_difference_counts() {
        let first = kernel(100, 50);

        assert_eq!(difference(&first, &first).0, 0.0);
        assert_eq!(
            difference(&first, &kernel(125, 50)),
            (0.25, format!("{GIGABYTE} by one call"))
        );
        assert_eq!(
            difference(&first, &kernel(125, 75)),
            (0.5, "grow".to_owned())
        );
    }
}
