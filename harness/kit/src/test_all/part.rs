// SPDX-License-Identifier: GPL-2.0

//! The parts: a suite in a configuration, or a piece of a long run.

use crate::{
    guest::Machine,
    kconfig::Wanted,
    mutants::{
        self,
        Mutant, //
    },
    outcome::Outcome,
    paths::Paths,
    programs,
    suite,
    toolchain::Toolchain,
    tree::Tree, //
};
use anyhow::Result;
use std::{
    fmt,
    time::Duration, //
};

/// What a part does.
#[derive(Clone, Debug)]
pub enum What {
    /// The suite of its name.
    Suite,
    /// Random layouts, on CPUs that take turns or run at the same time.
    Fuzz { layouts: u64, machine: Machine },
    /// Allocations that fail, for minutes.
    Sweep { minutes: u64 },
    /// Moves against everything else, for minutes.
    Stress { minutes: u64 },
    /// A deliberate bug.
    Mutant(Mutant),
}

/// A part.
#[derive(Clone, Debug)]
pub struct Part {
    /// The configuration of the kernel.
    pub config: &'static str,
    /// What the table calls it. Pieces of a long run have the same name.
    pub suite: String,
    /// Which piece it is.
    pub piece: Option<String>,
    pub what: What,
    /// Of what is drawn at random.
    seed: u64,
}

/// Suites by configuration.
const SUITES: [(&str, &[&str]); 6] = [
    (
        "test",
        &[
            "host",
            "lint",
            "same",
            "vma",
            "maple",
            "kunit",
            "kunit-uml",
            "compile-fail",
            "selftests",
            "base-selftests",
            "off-selftests",
            "oracle",
            "limits",
            "fuzz",
            "sweep",
            "stress",
            "uprobes",
            "demo",
            "bench",
            "thirdparty",
        ],
    ),
    ("debug", &["kunit", "selftests", "fuzz", "sweep", "stress"]),
    (
        "preempt",
        &[
            "kunit",
            "selftests",
            "selftests-32",
            "fuzz",
            "sweep",
            "stress",
            "uprobes",
        ],
    ),
    ("few", &["kunit", "selftests", "fuzz"]),
    ("tiny", &["kunit"]),
    (
        "arm64",
        &[
            "kunit",
            "selftests",
            "base-selftests",
            "fuzz",
            "sweep",
            "stress",
            "uprobes",
        ],
    ),
];

/// Suites of programs that are in the kernel's tree, in `tools`.
const USE_TOOLS: [&str; 6] = [
    "vma",
    "maple",
    "selftests",
    "selftests-32",
    "base-selftests",
    "off-selftests",
];

/// A long run: its name, its configuration, how many pieces it has, and what each does.
const LONG: [(&str, &str, u64, What); 5] = [
    (
        "long-fuzz",
        "test",
        20,
        What::Fuzz {
            layouts: 5000,
            machine: Machine::Pc,
        },
    ),
    (
        "fuzz-parallel",
        "test",
        2,
        What::Fuzz {
            layouts: 1000,
            machine: Machine::Parallel,
        },
    ),
    ("long-sweep", "debug", 6, What::Sweep { minutes: 10 }),
    ("long-stress", "debug", 3, What::Stress { minutes: 10 }),
    (
        "long-fuzz",
        "arm64",
        5,
        What::Fuzz {
            layouts: 1000,
            machine: Machine::Pc,
        },
    ),
];

/// Seeds of long runs begin here: suites draw those below.
const SEED: u64 = 10_000_000;

/// All parts of a base, those of one configuration one after the other.
pub fn all(paths: &Paths) -> Result<Vec<Part>> {
    let mut parts = Vec::new();

    for (config, suites) in SUITES {
        parts.extend(suites.iter().map(|suite| Part {
            config,
            suite: (*suite).to_owned(),
            piece: None,
            what: What::Suite,
            seed: 1,
        }));
        for (suite, _, pieces, what) in LONG.iter().filter(|(_, of, _, _)| *of == config) {
            parts.extend((1..=*pieces).map(|piece| Part {
                config,
                suite: (*suite).to_owned(),
                piece: Some(piece.to_string()),
                what: what.clone(),
                seed: SEED * piece,
            }));
        }
    }
    parts.extend(mutants::all(paths)?.into_iter().map(|mutant| Part {
        config: mutants::CONFIG,
        suite: "mutants".to_owned(),
        piece: Some(mutant.name.clone()),
        what: What::Mutant(mutant),
        seed: 1,
    }));
    Ok(parts)
}

impl Part {
    /// Is that the name of its configuration, of its suite, or of its mutant?
    pub fn is_called(&self, name: &str) -> bool {
        let is_mutant = matches!(&self.what, What::Mutant(mutant) if mutant.name == name);

        self.config == name || self.suite == name || is_mutant
    }

    /// What is tested, and how: another text means another test.
    pub fn made_of(&self, tree: &Tree) -> Result<String> {
        let wanted = Wanted::of(tree, &Toolchain::find(tree.paths)?, self.config)?;
        let what = match &self.what {
            What::Mutant(mutant) => mutant.text.clone(),
            other => format!("{other:?}"),
        };

        Ok(format!(
            "{}\n{}\n{what} {}",
            tree.kernel_files(USE_TOOLS.contains(&&*self.suite))?,
            wanted.text,
            self.seed
        ))
    }

    /// Runs it. If it cannot be run, that is a failure of it.
    pub fn run(&self, tree: &Tree) -> Outcome {
        Outcome::of(self.outcome(tree))
    }

    fn outcome(&self, tree: &Tree) -> Result<Outcome> {
        let of = |run: programs::Run| Ok(programs::check(tree, self.config, &run));

        match &self.what {
            What::Suite => suite::run_one(tree, self.config, &self.suite),
            What::Fuzz { layouts, machine } => {
                programs::fuzz_many(tree, self.config, self.seed, *layouts, *machine)
            }
            What::Sweep { minutes } => of(programs::sweep(self.seed, *minutes)),
            What::Stress { minutes } => of(programs::stress(
                self.seed,
                Duration::from_secs(60 * minutes),
            )),
            What::Mutant(mutant) => mutant.attempt(tree.paths),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {}", self.config, self.suite)?;
        match &self.piece {
            Some(piece) => write!(f, " {piece}"),
            None => Ok(()),
        }
    }
}
