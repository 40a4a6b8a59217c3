// SPDX-License-Identifier: GPL-2.0

//! Chance, by a seed.

use rand::{
    rngs::ChaCha8Rng,
    seq::SliceRandom,
    RngExt,
    SeedableRng, //
};
use std::ops::RangeInclusive;

pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    pub fn chance(&mut self, percent: u32) -> bool {
        self.0.random_ratio(percent, 100)
    }

    pub fn number(&mut self, range: RangeInclusive<usize>) -> usize {
        self.0.random_range(range)
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.number(0..=from.len() - 1)].clone()
    }

    /// Picks one of some, each as often as the number that comes with it says.
    pub fn weighted<T: Clone>(&mut self, from: &[(T, usize)]) -> T {
        let total: usize = from.iter().map(|(_, weight)| weight).sum();
        let mut left = self.number(0..=total - 1);

        for (value, weight) in from {
            if left < *weight {
                return value.clone();
            }
            left -= weight;
        }
        unreachable!("the weights add up")
    }

    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        values.shuffle(&mut self.0);
    }
}
