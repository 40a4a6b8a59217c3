// SPDX-License-Identifier: GPL-2.0

//! Draws the cost of moves, as SVG, from the results that kit wrote.

mod curve;
mod draw;

use anyhow::{
    Context,
    Result, //
};
use bench::results::Results;
use clap::Parser;
use std::{
    fs,
    path::PathBuf, //
};

#[derive(Parser)]
#[command(about = "Draws the cost of moves")]
struct Cli {
    /// The results, `results.json`.
    results: PathBuf,
    /// Where the SVG goes.
    svg: PathBuf,
    /// What was measured, for the title.
    system: String,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let text = fs::read_to_string(&cli.results)
        .with_context(|| format!("cannot read {}", cli.results.display()))?;
    let all: Vec<Results> = serde_json::from_str(&text)
        .with_context(|| format!("{} has no results", cli.results.display()))?;
    let results = all.first().context("nothing was measured")?;
    let svg = draw::svg(&curve::curves(results), results.unit.name(), &cli.system)?;

    fs::write(&cli.svg, svg).with_context(|| format!("cannot write {}", cli.svg.display()))
}
