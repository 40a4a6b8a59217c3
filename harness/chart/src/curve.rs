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

/// The curves of all kernels. Moves that a kernel cannot make have no curve.
pub fn curves(results: &Results) -> Vec<Curve> {
    let of_kernel = |kernel: &Kernel| {
        let name = &kernel.name;
        [
            Curve {
                name: format!("{name}, a call for each"),
                by_one: false,
                points: points(kernel, |costs| Some(costs.by_loop.median)),
            },
            Curve {
                name: format!("{name}, one call"),
                by_one: true,
                // One call for one mapping is a call for each.
                points: points(kernel, |costs| Some(costs.by_one?.median))
                    .into_iter()
                    .filter(|(segments, _)| *segments > 1.0)
                    .collect(),
            },
        ]
    };
    let all = results.kernels.iter().flat_map(of_kernel);

    all.filter(|curve| !curve.points.is_empty()).collect()
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
        };
        assert_eq!(
            curves(&results),
            [Curve {
                name: "k, a call for each".to_owned(),
                by_one: false,
                points: vec![(1.0, 100.0), (10.0, 10.0)],
            }]
        );
    }
}
