// SPDX-License-Identifier: GPL-2.0

//! Drawing curves, as SVG. Both axes are logarithmic.

use crate::curve::Curve;
use anyhow::{
    Context,
    Result, //
};
use plotters::prelude::*;

const SIZE: (u32, u32) = (960, 600);

/// The family of all texts. Whoever shows the SVG chooses the font.
const FONT: &str = "sans-serif";

/// One for each kernel. They are told apart by people who see no colours as well.
const COLORS: [RGBColor; 4] = [
    RGBColor(0x88, 0x88, 0x88),
    RGBColor(0x00, 0x5a, 0xb5),
    RGBColor(0xdc, 0x32, 0x20),
    RGBColor(0xe6, 0x9f, 0x00),
];

/// The range of some values, up to the next powers of ten.
fn decades(values: impl Iterator<Item = f64> + Clone) -> std::ops::Range<f64> {
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let most = values.fold(0.0, f64::max);

    10_f64.powf(least.log10().floor())..10_f64.powf(most.log10().ceil())
}

/// Draws curves of costs in a unit. `system` is what was measured.
pub fn svg(curves: &[Curve], unit: &str, system: &str) -> Result<String> {
    let mut text = String::new();
    let points = || curves.iter().flat_map(|curve| curve.points.iter());
    points()
        .next()
        .context("no moves of anonymous pages were measured")?;

    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let across = decades(points().map(|(segments, _)| *segments));
        let up = decades(points().map(|(_, cost)| *cost));
        let mut chart = ChartBuilder::on(&area)
            .caption(
                format!("What it costs to move mappings of one anonymous page, {system}"),
                (FONT, 20),
            )
            .margin(16)
            // The last label is wider than it has room.
            .margin_right(40)
            .x_label_area_size(44)
            .y_label_area_size(84)
            .build_cartesian_2d(across.log_scale(), up.log_scale())?;
        chart
            .configure_mesh()
            .x_desc("mappings")
            .y_desc(format!("{unit} for each mapping"))
            .x_label_formatter(&|value| format!("{value}"))
            .y_label_formatter(&|value| format!("{value}"))
            .label_style((FONT, 14))
            .light_line_style(RGBColor(0xee, 0xee, 0xee))
            .draw()?;

        for curve in curves {
            let style = ShapeStyle {
                color: COLORS[curve.color % COLORS.len()].to_rgba(),
                filled: curve.by_one,
                stroke_width: 2,
            };
            chart
                .draw_series(LineSeries::new(curve.points.iter().copied(), style))?
                .label(&curve.name)
                .legend(move |(x, y)| {
                    EmptyElement::at((x, y))
                        + PathElement::new([(0, 0), (24, 0)], style)
                        + Circle::new((12, 0), 4, style)
                });
            let dots = curve.points.iter();
            chart.draw_series(dots.map(|point| Circle::new(*point, 4, style)))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerLeft)
            .legend_area_size(32)
            .background_style(WHITE)
            .border_style(RGBColor(0xcc, 0xcc, 0xcc))
            .label_font((FONT, 14))
            .draw()?;
        area.present()?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{
        decades,
        svg, //
    };
    use crate::curve::Curve;

    #[test]
    fn axes_end_at_powers_of_ten() {
        let range = decades([20.0, 300.0].into_iter());
        assert!((range.start - 10.0).abs() < 1e-9 && (range.end - 1000.0).abs() < 1e-9);
    }

    #[test]
    fn every_curve_is_named() {
        let curve = Curve {
            name: "this, one call".to_owned(),
            color: 1,
            by_one: true,
            points: vec![(2.0, 300.0), (1000.0, 30.0)],
        };
        let text = svg(&[curve], "instructions", "Linux 4.2").unwrap();

        assert!(text.contains("this, one call"));
        assert!(text.contains("anonymous page, Linux 4.2"));
        // That of the second colour, and no other.
        assert!(text.contains("#005AB5") && !text.contains("#888888"));
        assert!(svg(&[], "instructions", "Linux 4.2").is_err());
    }
}
