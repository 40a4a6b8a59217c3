// SPDX-License-Identifier: GPL-2.0

//! The time that a run of test suites may take.

use crate::times::Times;
use std::time::{
    Duration,
    Instant, //
};

/// How long a run may take, if there is a limit, and since when it has been going on.
pub struct Budget<'a> {
    times: &'a Times,
    start: Instant,
    limit: Option<Duration>,
}

impl<'a> Budget<'a> {
    /// A run that starts now. `times` are those of its steps.
    pub fn new(times: &'a Times, minutes: Option<u64>) -> Self {
        Budget {
            times,
            start: Instant::now(),
            limit: minutes.map(|minutes| Duration::from_secs(60 * minutes)),
        }
    }

    /// Why a suite that builds `kernels` is not started, if it would end too late.
    pub fn refuses(&self, kernels: u32) -> Option<String> {
        self.refuses_after(self.start.elapsed(), kernels)
    }

    /// A kernel takes as long as the longest so far, and so do the guests of a suite together.
    fn refuses_after(&self, elapsed: Duration, kernels: u32) -> Option<String> {
        let limit = self.limit?;
        let needed = self.times.longest("build ") * (kernels + 1);
        let minutes = |time: Duration| time.as_secs().div_ceil(60);

        (elapsed + needed > limit).then(|| {
            format!(
                "not started: {} of the {} minutes of MINUTES= are over, and this may take another \
                 {}",
                minutes(elapsed),
                minutes(limit),
                minutes(needed)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;
    use crate::times::Times;
    use std::time::Duration;

    #[test]
    fn what_would_end_too_late_is_not_started() {
        let times = Times::default();
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let refuses = |limit, elapsed, kernels| {
            Budget::new(&times, limit).refuses_after(minutes(elapsed), kernels)
        };

        assert_eq!(refuses(Some(30), 30, 2), None);
        assert!(refuses(Some(30), 31, 0).is_some());
        times.add("build series test", minutes(10));
        times.add("guest fuzz", minutes(20));
        assert_eq!(refuses(None, 1000, 2), None);
        assert_eq!(refuses(Some(30), 10, 1), None);
        assert_eq!(
            refuses(Some(30), 10, 2).unwrap(),
            "not started: 10 of the 30 minutes of MINUTES= are over, and this may take another 30"
        );
        assert!(refuses(Some(30), 11, 1).is_some());
    }
}
