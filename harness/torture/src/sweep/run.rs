// SPDX-License-Identifier: GPL-2.0

//! Sweeping one configuration after the other.

use super::{
    config::Config,
    inject::{
        Fault,
        Needs, //
    },
    judge::{
        Judge,
        PATIENCE, //
    },
    session::{
        self,
        needs,
        under_faults, //
    }, //
};
use anyhow::{
    Context,
    Result, //
};
use layout::{
    in_child,
    Capture,
    Depth,
    KernelLog,
    Layout,
    Snapshot,
    Verdict, //
};
use std::{
    collections::{
        BTreeSet,
        HashSet, //
    },
    fmt,
    ops::Range,
    path::PathBuf, //
};

/// At how many points of a call memory may run out for the rest of it.
const BUDGETS: i64 = 40;

/// How many allocations of a call fail alone. Of more than that some are left out, other ones with
/// another seed.
const ALONE: u64 = 100;

/// The smallest slab object that is worth its own budget.
const STEP: i64 = 64;

/// How many differences of a call are told, and how many kinds of them.
const TOLD: usize = 8;
const KINDS: usize = 5;

/// Sums over all configurations.
#[derive(Default)]
pub struct Totals {
    pub configs: usize,
    pub left_out: usize,
    pub faults: u64,
    pub failed: u64,
    pub differences: usize,
    /// Configurations with differences.
    pub different: usize,
}

impl Totals {
    /// Was anything swept, and nothing found?
    pub fn right(&self) -> bool {
        self.differences == 0 && self.configs > 0
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} configurations ({} left out), {} allocations failed, {} calls failed, \
             {} differences",
            self.configs, self.left_out, self.faults, self.failed, self.differences
        )
    }
}

pub struct Sweep {
    folder: PathBuf,
    seed: u64,
    log: KernelLog,
    pub totals: Totals,
}

/// The faults to try a call under: groups, of which each shows its differences.
fn faults(needs: &Needs, seed: u64) -> [Vec<Fault>; 4] {
    // Measuring may need some memory less than the call that follows.
    let allocations = needs.allocations + 2;
    let every = allocations.div_ceil(ALONE);
    let alone = (1 + seed % every..=allocations).step_by(every as usize);
    let budgets = |most: i64, step: i64| {
        let step = (most / BUDGETS).max(step);
        (0..=most / step + 1).map(move |number| number * step)
    };
    let share = |number: i64, of: i64| of * number / BUDGETS;

    [
        alone.map(Fault::Nth).collect(),
        budgets(needs.bytes, STEP).map(Fault::Slab).collect(),
        budgets(needs.pages, 1).map(Fault::Pages).collect(),
        (0..=BUDGETS)
            .map(|number| Fault::Both(share(number, needs.bytes), share(number, needs.pages)))
            .collect(),
    ]
}

/// Differences as they are told.
fn told(fault: Fault, mut what: Vec<String>) -> Vec<String> {
    let more = what.len().saturating_sub(TOLD);
    what.truncate(TOLD);

    let mut lines = vec![format!("{fault}:")];
    lines.extend(what.iter().map(|what| format!("- {what}")));
    if more > 0 {
        lines.push(format!("- and {more} more"));
    }
    lines
}

/// What is the same for differences of one kind.
fn without_numbers(what: &[String]) -> BTreeSet<String> {
    what.iter()
        .map(|line| line.replace(|letter: char| letter.is_ascii_hexdigit(), ""))
        .collect()
}

impl Sweep {
    pub fn new(folder: PathBuf, seed: u64) -> Self {
        Sweep {
            folder,
            seed,
            log: KernelLog::open(),
            totals: Totals::default(),
        }
    }

    /// Sweeps a configuration, and tells what came of it.
    pub fn sweep(&mut self, config: &Config) -> Result<()> {
        let layout = &config.layout;
        let segments = self.segments(layout)?;

        if layout.verdict(&segments) != Verdict::Moves || layout.fails_by_a_call_each(&segments) {
            self.totals.left_out += 1;
            return Ok(());
        }
        let needs = self.needs(layout).context("measuring what a move needs")?;
        let judge = Judge::new(layout, &segments, &self.folder)?;
        let (faults_before, failed_before) = (self.totals.faults, self.totals.failed);
        let mut found = Vec::new();

        for (number, group) in faults(&needs, self.seed).iter().enumerate() {
            let (differences, harmless) = self.group(layout, &judge, group)?;
            found.extend(differences);
            // In the first group each allocation fails, if there are not too many.
            if number == 0 && needs.allocations <= ALONE {
                found.extend(self.too_late(layout, &segments, harmless)?);
            }
        }
        self.totals.configs += 1;
        self.totals.differences += found.len();
        self.totals.different += usize::from(!found.is_empty());
        println!(
            "{}: {} faults in {} allocations, {} calls failed, {} differences",
            config.name,
            self.totals.faults - faults_before,
            needs.allocations,
            self.totals.failed - failed_before,
            found.len()
        );
        if !found.is_empty() {
            println!("  {layout}");
        }
        for lines in found {
            lines.iter().for_each(|line| println!("  {line}"));
        }
        Ok(())
    }

    /// What can fail early comes before the destination is unmapped: a source that is cut at its
    /// ends is split first. So more allocations can fail without any harm, even to the
    /// destination, than those of unmapping it.
    fn too_late(
        &self,
        layout: &Layout,
        segments: &[Range<usize>],
        harmless: u64,
    ) -> Result<Option<Vec<String>>> {
        let source = layout.step.source();
        let cut = layout.units.iter().any(|unit| {
            let inside = |page: usize| unit.at < page && page < unit.range().end;
            inside(source.start) || inside(source.end)
        });
        let over = layout.units_in(layout.step.destination()).next().is_some();
        let runs = layout::runs(segments);

        let (true, true, false, Some(run)) = (cut, over, layout.step.keep, runs.first()) else {
            return Ok(None);
        };
        let mut clearing = 0;
        for nth in 1.. {
            let errno = in_child(PATIENCE, || {
                session::clearing(layout, &self.folder, run, nth)
            })?;
            match errno.map_err(|failure| anyhow::anyhow!("a child {failure}"))? {
                session::FEWER => break,
                errno => clearing += u64::from(errno != 0),
            }
        }

        Ok((harmless <= clearing).then(|| {
            vec![format!(
                "only {harmless} allocations fail the call without harm, and {clearing} are those \
                 of unmapping what is in the way"
            )]
        }))
    }

    /// Tries faults, in children that go on as long as nothing changes. Returns the differences,
    /// but of those that are alike only the first: under which fault, and what. Returns also how
    /// many calls failed and left all as it was.
    fn group(
        &mut self,
        layout: &Layout,
        judge: &Judge,
        faults: &[Fault],
    ) -> Result<(Vec<Vec<String>>, u64)> {
        let mut next = 0;
        let mut harmless = 0;
        let mut known = HashSet::new();
        let mut found = Vec::new();

        while next < faults.len() && found.len() < KINDS {
            let rest = &faults[next..];
            let session = in_child(PATIENCE, || under_faults(layout, &self.folder, rest))?;
            let (last, mut what) = match &session {
                Ok(session) => {
                    next += session.tried as usize;
                    self.totals.faults += session.faults;
                    self.totals.failed += session.failed;
                    let judgement = judge.judge(session);
                    let changed = session.changed.iter().filter(|call| call.errno != 0);
                    harmless += session.failed - changed.count() as u64;
                    harmless += u64::from(judgement.harmless);
                    (faults[next - 1], judgement.wrong)
                }
                Err(failure) => {
                    next = faults.len();
                    (rest[0], vec![format!("from here on, a child {failure}")])
                }
            };
            what.extend(self.log.complaints());
            if !what.is_empty() && known.insert(without_numbers(&what)) {
                found.push(told(last, what));
            }
        }
        Ok((found, harmless))
    }

    fn segments(&self, layout: &Layout) -> Result<Vec<Range<usize>>> {
        let glance = || {
            let _made = layout.make(&self.folder)?;
            Capture::take(Depth::Glance)
        };
        let capture = in_child(PATIENCE, glance)?
            .map_err(|failure| anyhow::anyhow!("a child that makes {layout} {failure}"))?;
        Ok(Snapshot::new(&capture).segments(&layout.step.source()))
    }

    fn needs(&self, layout: &Layout) -> Result<Needs> {
        let ask = |weigh: bool| -> Result<Needs> {
            in_child(PATIENCE, || needs(layout, &self.folder, weigh))?
                .map_err(|failure| anyhow::anyhow!("a child {failure}"))
        };
        Ok(Needs {
            allocations: ask(false)?.allocations,
            ..ask(true)?
        })
    }
}
