// SPDX-License-Identifier: GPL-2.0

//! Which functions of the kernel a move spends its instructions in.
//!
//! A timer of the kernel's perf events takes down where the CPU is, during the calls alone. How
//! much a function costs is its part of the samples, of what a move costs when nobody looks.

use crate::{
    perf::Sampler,
    shift::Shift,
    symbols::Symbols, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use bench::{
    case::{
        Case,
        Way, //
    },
    figure::Figure, //
};
use clap::Args;
use std::collections::BTreeMap;

#[derive(Args)]
pub struct Profile {
    /// How often the layout is moved.
    #[arg(long, default_value_t = 300)]
    moves: usize,
    /// How far samples are apart, in nanoseconds; the kernel takes 10,000 at least.
    #[arg(long, default_value_t = 19_997)]
    period: u64,
    /// How many functions to print.
    #[arg(long, default_value_t = 30)]
    top: usize,
    /// Print where in this function the samples are.
    #[arg(long)]
    within: Option<String>,
}

/// How many round trips are measured without a profile.
const PLAIN: usize = 5;

impl Profile {
    pub fn run(&self, case: Case, way: Way) -> Result<()> {
        let mut shift = Shift::new(case)?;
        if !shift.possible(way)? {
            println!("| {case}: this kernel moves several mappings by no call");
            return shift.remove();
        }
        let plain = (0..PLAIN)
            .map(|_| shift.round_trip(way))
            .collect::<Result<Vec<_>>>()?;
        let cost = Figure::of(&plain, case.segments)
            .context("nothing was measured")?
            .median;

        let sampler = Sampler::new(self.period)?;
        let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
        for _ in 0..self.moves {
            shift.time_between(way, || sampler.start(), || sampler.stop())?;
            for at in sampler.take() {
                *counts.entry(at).or_default() += 1;
            }
        }
        shift.remove()?;
        self.print(&Symbols::read()?, &counts, cost, &format!("{case} {way:?}"))
    }

    fn print(
        &self,
        symbols: &Symbols,
        counts: &BTreeMap<u64, usize>,
        cost: f64,
        what: &str,
    ) -> Result<()> {
        let total: usize = counts.values().sum();
        ensure!(total > 0, "no samples were taken");
        let mut functions: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, count) in counts {
            *functions.entry(symbols.name(*at)).or_default() += count;
        }
        let mut sorted: Vec<_> = functions.into_iter().collect();
        sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));

        let share = |count: usize| count as f64 / total as f64;
        println!("| {what}: {cost:.0} instructions for each segment, {total} samples");
        for (name, count) in sorted.iter().take(self.top) {
            println!(
                "| {:8.1} {:5.1} % {name}",
                cost * share(*count),
                100.0 * share(*count)
            );
        }
        let rest: usize = sorted.iter().skip(self.top).map(|(_, count)| count).sum();
        println!(
            "| {:8.1} {:5.1} % in {} others",
            cost * share(rest),
            100.0 * share(rest),
            sorted.len().saturating_sub(self.top)
        );
        if let Some(wanted) = &self.within {
            for (at, count) in counts {
                if symbols.name(*at) == wanted {
                    println!(
                        "| {:8.2} {wanted}+{:#x}",
                        cost * share(*count),
                        at - symbols.start(*at)
                    );
                }
            }
        }
        Ok(())
    }
}
