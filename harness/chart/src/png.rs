//! An SVG as PNG.

use crate::draw::FONT;
use anyhow::{ensure, Context, Result};
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{fontdb::Family, fontdb::Query, Options, Tree},
};

/// How many pixels of the PNG one of the SVG is, in each direction.
const SCALE: f32 = 2.0;

/// Renders an SVG with a font of the system.
pub fn render(svg: &str) -> Result<Vec<u8>> {
    let mut options = Options::default();
    let fonts = options.fontdb_mut();
    let query = Query {
        families: &[Family::Name(FONT)],
        ..Query::default()
    };

    fonts.load_system_fonts();
    ensure!(
        fonts.query(&query).is_some(),
        "there is no font {FONT}: install fonts-dejavu-core"
    );
    let tree = Tree::from_str(svg, &options)?;
    let size = tree
        .size()
        .to_int_size()
        .scale_by(SCALE)
        .context("the chart is too large")?;
    let mut pixels = Pixmap::new(size.width(), size.height()).context("the chart is too large")?;

    resvg::render(
        &tree,
        Transform::from_scale(SCALE, SCALE),
        &mut pixels.as_mut(),
    );
    Ok(pixels.encode_png()?)
}
