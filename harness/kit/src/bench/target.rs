// SPDX-License-Identifier: GPL-2.0

//! What moves may cost at most.

use bench::{
    case::{
        Case,
        Kind, //
    },
    cases::GIGABYTE,
    results::Kernel, //
};
use std::fmt;

/// How far the cost of one call may be above its target. Single calls have no such room.
const TOLERANCE: f64 = 0.03;

/// What single calls may cost at most, as a part of what they cost in the base kernel. The least that
/// was measured counts: what is freed of earlier calls falls into some, some hundred instructions at a
/// time, and into how many is not theirs to say.
const CALL: f64 = 1.01;

/// How many TLB shootdowns one call for 1,000 segments of a page may send to a CPU: one for each of
/// the two page tables that their entries are in, and one when what is empty of those is freed.
const SHOOTDOWNS: u64 = 3;

/// What they are counted of.
const COUNTED: [Case; 4] = [
    FEW,
    case(Kind::Anon, true, 1_000),
    case(Kind::Shmem, false, 1_000),
    case(Kind::File, false, 1_000),
];

/// What each segment of many may cost by one call at most, as a part of what each of few costs.
const GROWTH: f64 = 1.3;

const fn case(kind: Kind, keep: bool, segments: usize) -> Case {
    Case {
        kind,
        keep,
        segments,
        pages: 1,
    }
}

const FEW: Case = case(Kind::Anon, false, 1_000);
const MANY: Case = case(Kind::Anon, false, 60_000);

/// What one call may cost at most, as a part of a call for each segment in the same kernel.
const MOVES: [(Case, f64); 11] = [
    (case(Kind::Anon, false, 2), 3.0 / 4.0),
    (FEW, 1.0 / 4.0),
    (case(Kind::Anon, false, 10_000), 1.0 / 4.0),
    (case(Kind::Anon, true, 1_000), 1.0 / 2.0),
    (case(Kind::Shmem, false, 1_000), 1.0 / 3.0),
    (case(Kind::Shmem, false, 10_000), 1.0 / 3.0),
    (case(Kind::File, false, 1_000), 1.0 / 3.0),
    (case(Kind::File, false, 10_000), 1.0 / 3.0),
    (case(Kind::Sysv, false, 100), 2.0 / 3.0),
    (case(Kind::Hugetlb, false, 100), 2.0 / 3.0),
    (GIGABYTE, 2.0 / 3.0),
];

/// The target of a case, if it has one.
pub fn ratio(wanted: Case) -> Option<f64> {
    let found = MOVES.iter().find(|(case, _)| *case == wanted);
    found.map(|(_, most)| *most)
}

/// How many shootdowns a case may take by one call, if it has a target.
pub fn shootdowns(wanted: Case) -> Option<u64> {
    COUNTED.contains(&wanted).then_some(SHOOTDOWNS)
}

/// A target, and what came of it.
#[derive(Debug)]
pub struct Verdict {
    pub what: String,
    /// What was measured, if it could be.
    pub found: Option<f64>,
    pub most: f64,
    tolerance: f64,
    /// How many decimals say enough: none of what is counted.
    decimals: usize,
}

/// Decimals of ratios.
const RATIO: usize = 3;

impl Verdict {
    pub fn met(&self) -> bool {
        self.found
            .is_some_and(|found| found <= self.most * (1.0 + self.tolerance))
    }

    /// A figure as it is written.
    pub fn number(&self, figure: f64) -> String {
        format!("{figure:.*}", self.decimals)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let met = if self.met() { "met" } else { "missed" };
        match self.found {
            Some(found) => write!(f, "{}: {}", self.what, self.number(found))?,
            None => write!(f, "{}: not available", self.what)?,
        }
        write!(f, ", at most {}: {met}", self.number(self.most))
    }
}

/// Judges a kernel beside the one that it is based on.
pub fn judge(base: &Kernel, kernel: &Kernel) -> Vec<Verdict> {
    let moves = MOVES.into_iter().map(|(case, most)| Verdict {
        what: format!("{case}, one call / loop"),
        found: kernel.costs(case).and_then(|costs| costs.ratio()),
        most,
        tolerance: TOLERANCE,
        decimals: RATIO,
    });
    let shootdowns = COUNTED.into_iter().map(|case| Verdict {
        what: format!("{case}, TLB shootdowns by one call"),
        found: kernel
            .shootdowns(case)
            .and_then(|counts| counts.by_one)
            .map(|count| count as f64),
        most: SHOOTDOWNS as f64,
        tolerance: 0.0,
        decimals: 0,
    });
    let each = |case| Some(kernel.costs(case)?.by_one?.median);
    let growth = Verdict {
        what: format!("each segment by one call, {MANY} / {FEW}"),
        found: each(MANY).zip(each(FEW)).map(|(many, few)| many / few),
        most: GROWTH,
        tolerance: 0.0,
        decimals: RATIO,
    };
    let calls = base.calls().map(|name| Verdict {
        what: format!("{name}, this kernel / base"),
        found: kernel
            .call(name)
            .zip(base.call(name))
            .map(|(now, before)| now.least / before.least),
        most: CALL,
        tolerance: 0.0,
        decimals: RATIO,
    });

    moves
        .chain([growth])
        .chain(shootdowns)
        .chain(calls)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{
        judge,
        Kernel,
        COUNTED,
        FEW,
        MANY,
        MOVES, //
    };
    use bench::{
        case::Case,
        cases,
        line::Line, //
    };

    /// Shootdowns of a call for each segment, and of one call.
    fn shootdowns(case: Case, by_one: u64) -> Line {
        Line::Shootdowns {
            case,
            by_loop: vec![1002],
            by_one: Some(vec![by_one]),
        }
    }

    /// A kernel with the cost of each segment by one call in parts of a thousand of the loop.
    fn kernel(by_one: impl Fn(f64) -> u64, call: u64) -> Kernel {
        let mut lines: Vec<Line> = MOVES
            .iter()
            .map(|&(case, most)| Line::Moves {
                case,
                by_loop: vec![1_000_000 * case.segments as u64],
                by_one: Some(vec![by_one(most) * case.segments as u64]),
            })
            .collect();
        lines.push(Line::Moves {
            case: MANY,
            by_loop: vec![1],
            by_one: Some(vec![300_000 * MANY.segments as u64]),
        });
        lines.extend(COUNTED.map(|case| shootdowns(case, 3)));
        lines.push(Line::Call {
            name: "grow".to_owned(),
            took: vec![call],
        });
        Kernel {
            name: "a kernel".to_owned(),
            lines,
        }
    }

    /// What is missed.
    fn missed(base: &Kernel, kernel: &Kernel) -> Vec<String> {
        let verdicts = judge(base, kernel);
        let missed = verdicts.iter().filter(|verdict| !verdict.met());
        missed.map(|verdict| verdict.what.clone()).collect()
    }

    #[test]
    fn ratios_have_a_little_room() {
        let base = kernel(|_| 1, 1000);
        let factor = |by| move |most: f64| (most * by * 1e6) as u64;

        assert!(missed(&base, &kernel(factor(1.0), 1000)).is_empty());
        assert!(missed(&base, &kernel(factor(1.029), 1000)).is_empty());
        assert_eq!(
            missed(&base, &kernel(factor(1.031), 1000)).len(),
            MOVES.len()
        );
    }

    #[test]
    fn single_calls_have_none() {
        let kernel = |call| kernel(|most| (most * 1e6) as u64, call);

        assert!(missed(&kernel(1000), &kernel(1010)).is_empty());
        assert_eq!(
            missed(&kernel(1000), &kernel(1011)),
            ["grow, this kernel / base"]
        );
    }

    #[test]
    fn growth_is_seen() {
        let base = kernel(|_| 1, 1000);
        // Every segment of few costs so much less that those of many are too dear.
        let dear = kernel(|most| (most * 0.9 * 1e6) as u64, 1000);

        assert_eq!(
            missed(&base, &dear),
            [format!("each segment by one call, {MANY} / {FEW}")]
        );
    }

    #[test]
    fn what_is_not_there_is_missed() {
        let nothing = Kernel {
            name: "nothing".to_owned(),
            lines: Vec::new(),
        };
        assert_eq!(
            missed(&nothing, &nothing).len(),
            MOVES.len() + 1 + COUNTED.len()
        );
    }

    #[test]
    fn one_shootdown_more_is_missed() {
        let mut kernel = kernel(|most| (most * 1e6) as u64, 1000);
        kernel.lines.insert(0, shootdowns(FEW, 4));

        let verdicts = judge(&kernel, &kernel);
        let missed: Vec<String> = verdicts
            .iter()
            .filter(|verdict| !verdict.met())
            .map(ToString::to_string)
            .collect();
        let line = format!("{FEW}, TLB shootdowns by one call: 4, at most 3: missed");
        assert_eq!(missed, [line]);
    }

    #[test]
    fn all_that_has_a_target_is_measured() {
        let quick = cases::quick();

        for (case, _) in MOVES {
            assert!(quick.contains(&case), "{case}");
        }
        assert!(quick.contains(&MANY));
        assert_eq!(cases::shootdowns(true), COUNTED);
    }
}
