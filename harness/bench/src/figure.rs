// SPDX-License-Identifier: GPL-2.0

//! Figures: what several measurements of the same come to.

/// The median, and what was least and most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Figure {
    /// The figure of some measurements, each divided by `parts`. None of none.
    pub fn of(measured: &[u64], parts: usize) -> Option<Self> {
        let mut sorted: Vec<f64> = measured
            .iter()
            .map(|took| *took as f64 / parts as f64)
            .collect();
        sorted.sort_by(f64::total_cmp);

        let middle = sorted.len() / 2;
        Some(Figure {
            least: *sorted.first()?,
            most: *sorted.last()?,
            median: match sorted.len() % 2 {
                0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
                _ => sorted[middle],
            },
        })
    }

    /// How far the measurements are apart, as a part of the median.
    pub fn spread(&self) -> f64 {
        (self.most - self.least) / self.median
    }
}

#[cfg(test)]
mod tests {
    use super::Figure;

    #[test]
    fn the_median_is_in_the_middle() {
        let odd = Figure::of(&[50, 10, 20], 10).unwrap();
        assert_eq!((odd.least, odd.median, odd.most), (1.0, 2.0, 5.0));
        assert_eq!(odd.spread(), 2.0);

        assert_eq!(Figure::of(&[4, 1, 3, 2], 1).unwrap().median, 2.5);
        assert_eq!(Figure::of(&[7], 1).unwrap().spread(), 0.0);
        assert_eq!(Figure::of(&[], 1), None);
    }
}
