// SPDX-License-Identifier: GPL-2.0

//! A run: phases, in each of which movers and some antagonists work at once.

use super::{
    antagonists::Entry,
    hang,
    mover::Mover,
    sabotage::Sabotage,
    scene::Scene,
    workers::{
        random,
        Verdict,
        Watchdog,
        Worker, //
    }, //
};
use crate::say::say;
use anyhow::{
    bail,
    Context,
    Result, //
};
use std::{
    sync::atomic::Ordering,
    thread::{
        self,
        Scope, //
    },
    time::{
        Duration,
        Instant, //
    }, //
};

/// How often the time is looked at.
const TICK: Duration = Duration::from_millis(50);

/// Phases of one scene.
pub struct Run<'a> {
    pub scene: &'a Scene,
    pub seed: u64,
    /// What the movers do wrong.
    pub sabotage: Option<Sabotage>,
    /// How long a worker may take to act once.
    pub patience: Duration,
    /// How often each antagonist acted.
    pub acts: Vec<(&'static str, u64)>,
}

impl Run<'_> {
    /// Lets antagonists loose for a while.
    pub fn phase(&mut self, entries: &[&'static Entry], length: Duration) -> Result<()> {
        let verdict = Verdict::default();
        let movers: Vec<Worker> = self
            .scene
            .regions
            .iter()
            .map(|region| Worker::new(&format!("mover of {}", region.name)))
            .collect();
        let others: Vec<Worker> = entries
            .iter()
            .map(|entry| Worker::new(entry.name))
            .collect();
        let mut antagonists = Vec::new();
        for entry in entries {
            antagonists.push((entry.make)(self.scene).context(entry.name)?);
        }

        thread::scope(|scope| {
            for (worker, region) in movers.iter().zip(&self.scene.regions) {
                let mut mover = Mover::new(self.scene, region, self.sabotage);
                let rng = random(self.seed, &worker.name);
                let verdict = &verdict;
                spawn(scope, &worker.name, move || {
                    worker.work(verdict, rng, |rng| mover.act(rng));
                });
            }
            for (worker, mut antagonist) in others.iter().zip(antagonists) {
                let rng = random(self.seed, &worker.name);
                let verdict = &verdict;
                spawn(scope, &worker.name, move || {
                    worker.work(verdict, rng, |rng| antagonist.act(rng));
                });
            }
            let workers = movers.iter().chain(&others);
            if let Some(worker) = watch(&verdict, workers, length, self.patience) {
                println!(
                    "stress: {} hangs, after {} acts; {}",
                    worker.name,
                    worker.acts.load(Ordering::Relaxed),
                    self.describe(entries)
                );
                hang::report();
                std::process::exit(1);
            }
        });

        for (entry, worker) in entries.iter().zip(&others) {
            self.count(entry.name, worker.acts.load(Ordering::Relaxed));
        }
        match verdict.failure() {
            Some(failure) => bail!("{failure}; {}", self.describe(entries)),
            None => Ok(()),
        }
    }

    /// What it takes to do the same again.
    fn describe(&self, entries: &[&'static Entry]) -> String {
        let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();

        format!("seed {}, with {}", self.seed, names.join(","))
    }

    fn count(&mut self, name: &'static str, acts: u64) {
        match self.acts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += acts,
            None => self.acts.push((name, acts)),
        }
    }

    /// Prints what was done.
    pub fn report(&self, seconds: f64) {
        for (name, acts) in &self.acts {
            say!("{name:16} acted {acts} times");
        }
        println!(
            "| {} segments moved, in {seconds:.1} s",
            self.scene.segments.load(Ordering::Relaxed)
        );
    }
}

/// Starts a thread with a name, which the kernel knows the first 15 letters of.
fn spawn<'scope>(scope: &'scope Scope<'scope, '_>, name: &str, run: impl FnOnce() + Send + 'scope) {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn_scoped(scope, run)
        .expect("a thread");
}

/// Stops workers when their time is over, and waits for them. Returns one that hangs: it may never
/// end, and cannot be waited for.
fn watch<'a>(
    verdict: &Verdict,
    workers: impl Iterator<Item = &'a Worker> + Clone,
    length: Duration,
    patience: Duration,
) -> Option<&'a Worker> {
    let start = Instant::now();
    let mut watchdog = Watchdog::new(workers.clone(), patience);

    while !workers.clone().all(Worker::ended) {
        if start.elapsed() >= length {
            verdict.stop();
        }
        if let Some(worker) = watchdog.hanging() {
            return Some(worker);
        }
        thread::sleep(TICK);
    }
    None
}
