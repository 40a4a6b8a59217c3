// SPDX-License-Identifier: GPL-2.0

//! Threads that act over and over until they are told to stop, and what is known of them.

use anyhow::Result;
use rand::{
    rngs::ChaCha8Rng,
    SeedableRng, //
};
use std::{
    sync::{
        atomic::{
            AtomicBool,
            AtomicU64,
            Ordering, //
        },
        Mutex, //
    },
    time::{
        Duration,
        Instant, //
    }, //
};

/// A thread.
pub struct Worker {
    pub name: String,
    /// How often it has acted.
    pub acts: AtomicU64,
    ended: AtomicBool,
}

/// What ends a run.
#[derive(Default)]
pub struct Verdict {
    stop: AtomicBool,
    /// What went wrong first.
    failure: Mutex<Option<String>>,
}

impl Verdict {
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn fail(&self, who: &str, error: &anyhow::Error) {
        self.failure
            .lock()
            .unwrap()
            .get_or_insert_with(|| format!("{who}: {error:#}"));
        self.stop();
    }

    /// What went wrong, if anything.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap().clone()
    }
}

/// The random numbers of one thread. They depend on nothing else, so that threads can be left out
/// without changing what the others do.
pub fn random(seed: u64, name: &str) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let stream = name
        .bytes()
        .fold(0, |sum: u64, byte| sum.wrapping_mul(257) + u64::from(byte));

    rng.set_stream(stream);
    rng
}

impl Worker {
    pub fn new(name: &str) -> Self {
        Worker {
            name: name.to_owned(),
            acts: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        }
    }

    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Acts until it is time to stop, or something is wrong.
    pub fn work(
        &self,
        verdict: &Verdict,
        mut rng: ChaCha8Rng,
        mut act: impl FnMut(&mut ChaCha8Rng) -> Result<()>,
    ) {
        while !verdict.stopped() {
            if let Err(error) = act(&mut rng) {
                verdict.fail(&self.name, &error);
            }
            self.acts.fetch_add(1, Ordering::Relaxed);
        }
        self.ended.store(true, Ordering::SeqCst);
    }
}

/// Finds out whether a worker hangs.
pub struct Watchdog<'a> {
    seen: Vec<(&'a Worker, u64, Instant)>,
    patience: Duration,
}

impl<'a> Watchdog<'a> {
    pub fn new(workers: impl IntoIterator<Item = &'a Worker>, patience: Duration) -> Self {
        let now = Instant::now();

        Watchdog {
            seen: workers.into_iter().map(|worker| (worker, 0, now)).collect(),
            patience,
        }
    }

    /// A worker that has not ended and has not acted for too long.
    pub fn hanging(&mut self) -> Option<&'a Worker> {
        for (worker, acts, since) in &mut self.seen {
            let now = worker.acts.load(Ordering::Relaxed);

            if now != *acts || worker.ended() {
                (*acts, *since) = (now, Instant::now());
            } else if since.elapsed() > self.patience {
                return Some(worker);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn names_have_numbers_of_their_own() {
        let first = |name| random(1, name).random::<u64>();

        assert_eq!(first("load"), first("load"));
        assert_ne!(first("load"), first("store"));
    }

    #[test]
    fn the_first_failure_counts() {
        let verdict = Verdict::default();
        let worker = Worker::new("one");

        worker.work(&verdict, random(1, "one"), |_| anyhow::bail!("broken"));
        Worker::new("two").work(&verdict, random(1, "two"), |_| panic!("it is over"));
        assert_eq!(verdict.failure().unwrap(), "one: broken");
    }

    #[test]
    fn a_worker_that_does_nothing_hangs() {
        let (idle, busy) = (Worker::new("idle"), Worker::new("busy"));
        let mut watchdog = Watchdog::new([&busy, &idle], Duration::ZERO);

        busy.acts.store(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(watchdog.hanging().unwrap().name, "idle");
    }
}
