// SPDX-License-Identifier: GPL-2.0

//! How long steps take.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{
        Duration,
        Instant, //
    }, //
};

/// The steps of this run so far. Clones are of the same run.
#[derive(Clone, Default)]
pub struct Times(Rc<RefCell<Vec<(String, Duration)>>>);

impl Times {
    /// Does a step.
    pub fn of<T>(&self, name: &str, step: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = step();

        self.add(name, start.elapsed());
        done
    }

    pub fn add(&self, name: &str, time: Duration) {
        self.0.borrow_mut().push((name.to_owned(), time));
    }

    /// The time of the longest step so far whose name starts like this.
    pub fn longest(&self, start: &str) -> Duration {
        let steps = self.0.borrow();
        let times = steps.iter().filter(|(name, _)| name.starts_with(start));

        times.map(|(_, time)| *time).max().unwrap_or_default()
    }

    /// Those that took longest, with their seconds, a line for each.
    pub fn slowest(&self, count: usize) -> String {
        let mut steps = self.0.borrow().clone();

        steps.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
        steps
            .iter()
            .take(count)
            .map(|(name, time)| format!("  {name:32} {:>5} s\n", time.as_secs()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Times;
    use std::time::Duration;

    #[test]
    fn the_slowest_come_first() {
        let times = Times::default();
        for (name, seconds) in [("one", 3), ("two", 70), ("three", 1), ("four", 9)] {
            times.clone().add(name, Duration::from_secs(seconds));
        }
        let slowest = times.slowest(3);
        let lines: Vec<Vec<&str>> = slowest
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();

        assert_eq!(
            lines,
            [["two", "70", "s"], ["four", "9", "s"], ["one", "3", "s"]]
        );
        assert_eq!(times.of("five", || 5), 5);
        assert_eq!(times.slowest(9).lines().count(), 5);
        assert_eq!(times.longest("t"), Duration::from_secs(70));
        assert_eq!(times.longest("six"), Duration::ZERO);
    }
}
