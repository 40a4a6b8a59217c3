// SPDX-License-Identifier: GPL-2.0

//! Trying layouts, one after the other.

use super::{
    leaks::InUse,
    stats::Stats,
    trial::{
        Lab,
        Outcome, //
    }, //
};
use anyhow::Result;
use layout::{
    KernelLog,
    Layout, //
};
use std::time::{
    Duration,
    Instant, //
};

/// Of so many layouts one may be unsteady.
const STEADY: usize = 100;

/// How often a layout is tried that shows nothing, since what is counted changes by itself.
const ROUNDS: usize = 3;

/// How often progress is told, and how long shrinking may take.
const PROGRESS: Duration = Duration::from_secs(10);
const SHRINK_TRIALS: usize = 400;

/// Tries layouts and tells of those that fail.
pub struct Runner {
    lab: Lab,
    log: KernelLog,
    stats: Stats,
    told: Instant,
    /// What was in use when the first layout was done.
    in_use: Option<InUse>,
    /// How many failures to go on after.
    failures: usize,
}

impl Runner {
    pub fn new(lab: Lab, failures: usize) -> Self {
        Runner {
            lab,
            log: KernelLog::open(),
            stats: Stats::new(),
            told: Instant::now(),
            in_use: None,
            failures,
        }
    }

    /// Tries a layout. The name is what it can be found by again.
    pub fn try_out(&mut self, name: &str, layout: &Layout) -> Result<()> {
        let mut outcome = self.lab.try_out(layout)?;
        for _ in 1..ROUNDS {
            if !matches!(outcome, Outcome::Unsteady(_)) {
                break;
            }
            outcome = self.lab.try_out(layout)?;
        }
        let complaints = self.log.complaints();
        if !complaints.is_empty() {
            outcome = Outcome::Wrong(complaints);
        }

        self.stats.layouts += 1;
        if self.in_use.is_none() {
            self.in_use = Some(InUse::now());
        }
        match outcome {
            Outcome::Alike(done) => self.stats.count(layout, &done),
            Outcome::Unsteady(what) => {
                self.stats.unsteady += 1;
                println!("{name}: unsteady: {what}");
            }
            Outcome::Different(what) | Outcome::Wrong(what) => {
                self.stats.failed += 1;
                self.report(name, layout, &what)?;
            }
        }
        if self.told.elapsed() > PROGRESS {
            self.told = Instant::now();
            println!("{}", self.stats.progress());
        }
        Ok(())
    }

    /// Were there as many failures as are worth going on after?
    pub fn enough(&self) -> bool {
        self.stats.failed >= self.failures
    }

    /// Tells what was covered. Returns whether all went well.
    pub fn finish(self) -> Result<bool> {
        println!("{}", self.stats.summary());
        let mut good = self.stats.failed == 0;

        if self.stats.unsteady * STEADY > self.stats.layouts {
            println!("that many unsteady layouts show nothing");
            good = false;
        }

        if let Some(before) = self.in_use.filter(|_| self.lab.alone) {
            for growth in InUse::now().growth(&before, self.stats.layouts) {
                println!("{growth}");
                good = false;
            }
        }
        Ok(good)
    }

    fn report(&mut self, name: &str, layout: &Layout, what: &[String]) -> Result<()> {
        println!("{name}: FAILED");
        show(layout, what);

        let (lab, log) = (&self.lab, &mut self.log);
        let mut shown = what.to_vec();
        let small = layout.shrink(SHRINK_TRIALS, |candidate| {
            let outcome = lab.try_once(candidate);
            let complaints = log.complaints();
            match outcome {
                _ if !complaints.is_empty() => shown = complaints,
                Ok(Outcome::Different(what) | Outcome::Wrong(what)) => shown = what,
                _ => return false,
            }
            true
        });
        if small != *layout {
            println!("the smallest like it:");
            show(&small, &shown);
        }
        Ok(())
    }
}

fn show(layout: &Layout, what: &[String]) {
    println!("  {layout}");
    for line in layout.picture().lines() {
        println!("    {line}");
    }
    for difference in what {
        println!("  - {difference}");
    }
}
