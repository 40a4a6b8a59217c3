// SPDX-License-Identifier: GPL-2.0

//! The curves of the chart: the cost of a segment over the number of segments, for anonymous pages.

use bench::{
    case::Kind,
    line::Costs,
    results::{
        Kernel,
        Results, //
    },
};

/// How moves are made, in one kernel.
#[derive(Debug, PartialEq)]
pub struct Curve {
    pub name: String,
    /// The number of its colour.
    pub color: usize,
    /// By one call, or by a call for each segment.
    pub by_one: bool,
    /// Numbers of segments, and costs.
    pub points: Vec<(f64, f64)>,
}

/// The points of a kernel for which there is a cost, by number of segments.
fn points(kernel: &Kernel, cost: impl Fn(Costs) -> Option<f64>) -> Vec<(f64, f64)> {
    let cases = kernel.cases();
    let drawn = cases.filter(|case| case.kind == Kind::Anon && !case.keep && case.pages == 1);

    let mut points: Vec<(f64, f64)> = drawn
        .filter_map(|case| Some((case.segments as f64, cost(kernel.costs(case)?)?)))
        .collect();
    points.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    points
}

/// The curve of a call for each segment.
fn by_loop(kernel: &Kernel, name: String, color: usize) -> Curve {
    Curve {
        name,
        color,
        by_one: false,
        points: points(kernel, |costs| Some(costs.by_loop.median)),
    }
}

/// The curve of one call.
fn by_one(kernel: &Kernel, name: String, color: usize) -> Curve {
    Curve {
        name,
        color,
        by_one: true,
        // One call for one mapping is a call for each.
        points: points(kernel, |costs| Some(costs.by_one?.median))
            .into_iter()
            .filter(|(segments, _)| *segments > 1.0)
            .collect(),
    }
}

/// The curves of all kernels. Moves that a kernel cannot make have no curve. Where the base has a
/// loop in C for several mappings, it has the place of the base: what that does otherwise is the
/// same in the patched kernel.
pub fn curves(results: &Results) -> Vec<Curve> {
    let both = |(color, kernel): (usize, &Kernel)| {
        let name = &kernel.name;
        [
            by_loop(kernel, format!("{name}, a call for each"), color),
            by_one(kernel, format!("{name}, one call"), color),
        ]
    };
    let kernels = results.kernels.iter().enumerate();
    let all: Vec<Curve> = match (&results.c_loop, &results.kernels[..]) {
        (Some(c_loop), [_, this, ..]) => [
            by_loop(this, "a call for each".to_owned(), 0),
            by_one(c_loop, "one call, C loop".to_owned(), 2),
            by_one(this, "one call, Rust".to_owned(), 1),
        ]
        .into_iter()
        // Colours of others come after that of the loop.
        .chain(
            kernels
                .skip(2)
                .map(|(n, kernel)| (n + 1, kernel))
                .flat_map(both),
        )
        .collect(),
        _ => kernels.flat_map(both).collect(),
    };

    all.into_iter()
        .filter(|curve| !curve.points.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{
        curves,
        Curve, //
    };
    use bench::{
        case::{
            Case,
            Kind, //
        },
        line::Line,
        results::{
            Kernel,
            Results,
            Unit, //
        },
    };

    fn line(segments: usize, pages: usize, by_one: Option<u64>) -> Line {
        Line::Moves {
            case: Case {
                kind: Kind::Anon,
                keep: false,
                segments,
                pages,
            },
            by_loop: vec![100],
            by_one: by_one.map(|took| vec![took]),
        }
    }

    #[test]
    fn what_a_kernel_cannot_do_has_no_curve() {
        let results = Results {
            unit: Unit::Instructions,
            kernels: vec![Kernel {
                name: "k".to_owned(),
                // A kernel that moves single mappings; other sizes of segments are not drawn.
                lines: vec![
                    line(10, 1, None),
                    line(1, 1, Some(90)),
                    line(10, 8, Some(9)),
                ],
            }],
            c_loop: None,
        };
        assert_eq!(
            curves(&results),
            [Curve {
                name: "k, a call for each".to_owned(),
                color: 0,
                by_one: false,
                points: vec![(1.0, 100.0), (10.0, 10.0)],
            }]
        );
    }

    #[test]
    fn the_loop_in_c_is_the_third_curve() {
        let kernel = |name: &str, by_one| Kernel {
            name: name.to_owned(),
            lines: vec![line(10, 1, Some(by_one))],
        };
        let mut results = Results {
            unit: Unit::Instructions,
            kernels: vec![kernel("base", 90), kernel("this", 30)],
            c_loop: Some(kernel("c-loop", 80)),
        };
        let drawn = |results: &Results| -> Vec<(String, usize, f64)> {
            let curves = curves(results).into_iter();
            curves
                .map(|curve| (curve.name, curve.color, curve.points[0].1))
                .collect()
        };
        let three = [
            ("a call for each".to_owned(), 0, 10.0),
            ("one call, C loop".to_owned(), 2, 8.0),
            ("one call, Rust".to_owned(), 1, 3.0),
        ];
        assert_eq!(drawn(&results), three);

        results.kernels.push(kernel("other", 20));
        let more = drawn(&results);
        assert_eq!(more[..3], three);
        assert_eq!(
            more[3..],
            [
                ("other, a call for each".to_owned(), 3, 10.0),
                ("other, one call".to_owned(), 3, 2.0),
            ]
        );
    }
}
