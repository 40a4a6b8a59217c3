// SPDX-License-Identifier: GPL-2.0

//! What moves may cost at most.

use crate::base::Base;
use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};
use bench::{
    case::{
        Case,
        Kind, //
    },
    figure::Figure,
    results::Kernel, //
};
use std::{
    fmt,
    fs, //
};

/// The file with the targets, in the folder of a base.
const FILE: &str = "targets";

/// How far the cost of one call may be above its target. Single calls have no such room.
const TOLERANCE: f64 = 0.03;

const fn anonymous(segments: usize) -> Case {
    Case {
        kind: Kind::Anon,
        keep: false,
        segments,
        pages: 1,
    }
}

/// What growth is measured of.
const FEW: Case = anonymous(1_000);
const MANY: Case = anonymous(60_000);

/// The targets of a base.
#[derive(Debug)]
pub struct Targets {
    /// One call, as a part of a call for each segment in the same kernel.
    moves: Vec<(Case, f64)>,
    /// One call, as a part of one call by the loop in C.
    c_loop: Vec<(Case, f64)>,
    /// How many TLB shootdowns one call may send to a CPU.
    shootdowns: Vec<(Case, f64)>,
    /// What each segment of many may cost by one call, as a part of what each of few costs.
    growth: f64,
    /// What single calls may cost, as a part of what they cost in the base kernel. The least that
    /// was measured counts: what is freed of earlier calls falls into some, some hundred
    /// instructions at a time, and into how many is not theirs to say.
    calls: f64,
}

/// Reads a number or a fraction.
fn number(text: &str) -> Option<f64> {
    let (above, below) = text.split_once('/').unwrap_or((text, "1"));
    let number = above.parse::<f64>().ok()? / below.parse::<f64>().ok()?;

    (number.is_finite() && number > 0.0).then_some(number)
}

fn find(targets: &[(Case, f64)], wanted: Case) -> Option<f64> {
    let found = targets.iter().find(|(case, _)| *case == wanted);

    found.map(|(_, most)| *most)
}

impl Targets {
    /// Reads those of a base.
    pub fn of(base: &Base) -> Result<Self> {
        let file = base.folder.join(FILE);
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;

        Self::parse(&text, base.c_loop).with_context(|| file.display().to_string())
    }

    fn parse(text: &str, has_c_loop: bool) -> Result<Self> {
        let (mut moves, mut c_loop, mut shootdowns) = (Vec::new(), Vec::new(), Vec::new());
        let (mut growth, mut calls) = (None, None);

        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (key, most) = line
                .split_once('=')
                .with_context(|| format!("'{line}' is no key=value"))?;
            let most = number(most).with_context(|| format!("{key}= is no number"))?;
            match key.split_once(' ') {
                Some(("moves", case)) => moves.push((case.parse()?, most)),
                Some(("loop", case)) => c_loop.push((case.parse()?, most)),
                Some(("shootdowns", case)) => shootdowns.push((case.parse()?, most)),
                None if key == "growth" => growth = Some(most),
                None if key == "calls" => calls = Some(most),
                _ => bail!("the line {key}= means nothing"),
            }
        }
        ensure!(
            c_loop.is_empty() != has_c_loop,
            "lines 'loop' are for a base with loop=yes, which has to have some"
        );
        Ok(Targets {
            moves,
            c_loop,
            shootdowns,
            growth: growth.context("there is no line growth=")?,
            calls: calls.context("there is no line calls=")?,
        })
    }

    /// The target of a case by one call beside a call for each segment, if it has one.
    pub fn ratio(&self, wanted: Case) -> Option<f64> {
        find(&self.moves, wanted)
    }

    /// The same beside the loop in C.
    pub fn beside_loop(&self, wanted: Case) -> Option<f64> {
        find(&self.c_loop, wanted)
    }

    /// How many shootdowns a case may take by one call, if it has a target.
    pub fn shootdowns(&self, wanted: Case) -> Option<f64> {
        find(&self.shootdowns, wanted)
    }
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
    /// One on a ratio, without any room.
    fn ratio(what: String, found: Option<f64>, most: f64) -> Self {
        Verdict {
            what,
            found,
            most,
            tolerance: 0.0,
            decimals: RATIO,
        }
    }

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

/// One call in a kernel, as a part of one call by the loop in C.
pub fn beside_loop(kernel: &Kernel, c_loop: &Kernel, case: Case) -> Option<f64> {
    let [one, other] =
        [kernel, c_loop].map(|kernel| kernel.costs(case).and_then(|costs| costs.by_one));

    Some(one?.median / other?.median)
}

/// How much more the one of two costs than the other, whichever that is.
fn apart(one: Figure, other: Figure) -> f64 {
    one.least.max(other.least) / one.least.min(other.least)
}

/// Judges a kernel beside the one that it is based on, and beside itself with the loop in C, if its
/// base has that.
pub fn judge(
    targets: &Targets,
    base: &Kernel,
    kernel: &Kernel,
    c_loop: Option<&Kernel>,
) -> Vec<Verdict> {
    let moves = targets.moves.iter().map(|&(case, most)| Verdict {
        tolerance: TOLERANCE,
        ..Verdict::ratio(
            format!("{case}, one call / loop"),
            kernel.costs(case).and_then(|costs| costs.ratio()),
            most,
        )
    });
    let loops = targets.c_loop.iter().map(|&(case, most)| Verdict {
        tolerance: TOLERANCE,
        ..Verdict::ratio(
            format!("{case}, one call, Rust / C loop"),
            c_loop.and_then(|c_loop| beside_loop(kernel, c_loop, case)),
            most,
        )
    });
    let shootdowns = targets.shootdowns.iter().map(|&(case, most)| Verdict {
        what: format!("{case}, TLB shootdowns by one call"),
        found: kernel
            .shootdowns(case)
            .and_then(|counts| counts.by_one)
            .map(|count| count as f64),
        most,
        tolerance: 0.0,
        decimals: 0,
    });
    let each = |case| Some(kernel.costs(case)?.by_one?.median);
    let growth = Verdict::ratio(
        format!("each segment by one call, {MANY} / {FEW}"),
        each(MANY).zip(each(FEW)).map(|(many, few)| many / few),
        targets.growth,
    );
    let calls = base.calls().map(|name| {
        Verdict::ratio(
            format!("{name}, this kernel / base"),
            kernel
                .call(name)
                .zip(base.call(name))
                .map(|(now, before)| now.least / before.least),
            targets.calls,
        )
    });
    let switched = c_loop.into_iter().flat_map(|c_loop| {
        c_loop.calls().map(|name| {
            Verdict::ratio(
                format!("{name}, range moves on and off"),
                kernel
                    .call(name)
                    .zip(c_loop.call(name))
                    .map(|(on, off)| apart(on, off)),
                targets.calls,
            )
        })
    });

    moves
        .chain(loops)
        .chain([growth])
        .chain(shootdowns)
        .chain(calls)
        .chain(switched)
        .collect()
}

#[cfg(test)]
pub mod tests {
    use super::{
        judge,
        Kernel,
        Targets,
        FEW,
        MANY, //
    };
    use crate::{
        base::{
            names,
            Base, //
        },
        paths::top, //
    };
    use bench::{
        case::Case,
        cases,
        line::Line, //
    };

    const TEXT: &str = "# of no kernel\nmoves anon 2x1=3/4\nmoves anon 1000x1=1/4\n\
                        moves sparse 100x2560=2/3\ngrowth=1.3\nshootdowns anon 1000x1=3\n\
                        calls=1.01\n";

    const LOOP: &str = "loop anon 1000x1=0.30\n";

    /// Targets of a base that does not exist, without the loop in C or with it.
    pub fn example(has_c_loop: bool) -> Targets {
        let more = if has_c_loop { LOOP } else { "" };

        Targets::parse(&format!("{TEXT}{more}"), has_c_loop).unwrap()
    }

    /// Shootdowns of a call for each segment, and of one call.
    fn shootdowns(case: Case, by_one: u64) -> Line {
        Line::Shootdowns {
            case,
            by_loop: vec![1002],
            by_one: Some(vec![by_one]),
        }
    }

    /// A kernel with the cost of each segment by one call in parts of a million of the loop.
    fn kernel(by_one: impl Fn(f64) -> u64, call: u64) -> Kernel {
        let targets = example(false);
        let mut lines: Vec<Line> = targets
            .moves
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
        lines.extend(
            targets
                .shootdowns
                .iter()
                .map(|(case, _)| shootdowns(*case, 3)),
        );
        lines.push(Line::Call {
            name: "grow".to_owned(),
            took: vec![call],
        });
        Kernel {
            name: "a kernel".to_owned(),
            lines,
        }
    }

    /// One that meets all targets.
    fn good(call: u64) -> Kernel {
        kernel(|most| (most * 1e6) as u64, call)
    }

    /// What is missed.
    fn missed(base: &Kernel, kernel: &Kernel, c_loop: Option<&Kernel>) -> Vec<String> {
        let verdicts = judge(&example(c_loop.is_some()), base, kernel, c_loop);
        let missed = verdicts.iter().filter(|verdict| !verdict.met());
        missed.map(|verdict| verdict.what.clone()).collect()
    }

    #[test]
    fn ratios_have_a_little_room() {
        let base = kernel(|_| 1, 1000);
        let factor = |by| move |most: f64| (most * by * 1e6) as u64;

        assert!(missed(&base, &kernel(factor(1.0), 1000), None).is_empty());
        assert!(missed(&base, &kernel(factor(1.029), 1000), None).is_empty());
        assert_eq!(
            missed(&base, &kernel(factor(1.031), 1000), None).len(),
            example(false).moves.len()
        );
    }

    #[test]
    fn single_calls_have_none() {
        assert!(missed(&good(1000), &good(1010), None).is_empty());
        assert_eq!(
            missed(&good(1000), &good(1011), None),
            ["grow, this kernel / base"]
        );
    }

    #[test]
    fn growth_is_seen() {
        let base = kernel(|_| 1, 1000);
        // Every segment of few costs so much less that those of many are too dear.
        let dear = kernel(|most| (most * 0.9 * 1e6) as u64, 1000);

        assert_eq!(
            missed(&base, &dear, None),
            [format!("each segment by one call, {MANY} / {FEW}")]
        );
    }

    #[test]
    fn the_loop_in_c_is_dearer() {
        let costs = |each| kernel(move |_| each, 1000);

        // Of these, one call for few costs a quarter of a million.
        assert!(missed(&good(1000), &good(1000), Some(&costs(900_000))).is_empty());
        assert_eq!(
            missed(&good(1000), &good(1000), Some(&costs(800_000))),
            [format!("{FEW}, one call, Rust / C loop")]
        );
    }

    #[test]
    fn single_calls_cost_the_same_without_range_moves() {
        let c_loop = |call| kernel(|_| 1_000_000, call);
        let what = ["grow, range moves on and off"];

        for (off, expected) in [
            (1000, &[][..]),
            (1010, &[]),
            (1011, &what),
            (991, &[]),
            (989, &what),
        ] {
            let found = missed(&good(1000), &good(1000), Some(&c_loop(off)));
            assert_eq!(found, expected, "{off}");
        }
    }

    #[test]
    fn what_is_not_there_is_missed() {
        let nothing = Kernel {
            name: "nothing".to_owned(),
            lines: Vec::new(),
        };
        let targets = example(true);

        assert_eq!(
            missed(&nothing, &nothing, Some(&nothing)).len(),
            targets.moves.len() + targets.c_loop.len() + 1 + targets.shootdowns.len()
        );
    }

    #[test]
    fn one_shootdown_more_is_missed() {
        let mut kernel = good(1000);
        kernel.lines.insert(0, shootdowns(FEW, 4));

        let verdicts = judge(&example(false), &kernel, &kernel, None);
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
        let top = top().unwrap();
        let quick = cases::quick();

        assert!(quick.contains(&FEW) && quick.contains(&MANY));
        for name in names(&top).unwrap() {
            let targets = Targets::of(&Base::find(&top, &name).unwrap()).unwrap();
            for (case, _) in targets.moves.iter().chain(&targets.c_loop) {
                assert!(quick.contains(case), "{name}: {case}");
            }
            let counted: Vec<Case> = targets.shootdowns.iter().map(|(case, _)| *case).collect();
            assert_eq!(counted, cases::shootdowns(true), "{name}");
        }
    }

    #[test]
    fn targets_are_numbers_and_fractions() {
        let targets = example(true);

        assert_eq!(targets.ratio(FEW), Some(0.25));
        assert_eq!(targets.beside_loop(FEW), Some(0.3));
        assert_eq!(targets.shootdowns(FEW), Some(3.0));
        assert_eq!((targets.ratio(MANY), targets.calls), (None, 1.01));
    }

    #[test]
    fn targets_are_complete_and_known() {
        let told = |text: &str| match Targets::parse(text, false) {
            Ok(_) => panic!("taken: {text}"),
            Err(error) => error.to_string(),
        };

        assert_eq!(
            told(&TEXT.replace("calls=1.01\n", "")),
            "there is no line calls="
        );
        assert_eq!(
            told(&format!("{TEXT}colour=1\n")),
            "the line colour= means nothing"
        );
        assert_eq!(
            told(&format!("{TEXT}moves anon=1\n")),
            "'anon' is no case, as 'anon 1000x1' is one"
        );
        for wrong in ["", "x", "1/0", "0", "-1"] {
            assert_eq!(
                told(&format!("{TEXT}growth={wrong}\n")),
                "growth= is no number"
            );
        }
        // Those of the loop in C are there if, and only if, it is.
        assert!(told(&format!("{TEXT}{LOOP}")).starts_with("lines 'loop' "));
        assert!(Targets::parse(TEXT, true).is_err());
    }
}
