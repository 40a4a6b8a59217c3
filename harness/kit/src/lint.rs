// SPDX-License-Identifier: GPL-2.0

//! Formatting and lints, as `make lint` has them.

use crate::{
    outcome::Outcome,
    paths::Paths,
    step::{
        output,
        Step, //
    }, //
};
use anyhow::Result;
use std::process::Command;

/// Runs each check of `harness/lint.sh`, whatever came of the others.
pub fn suite(paths: &Paths) -> Result<Outcome> {
    let lint = || Command::new(paths.top.join("harness/lint.sh"));
    let names = output(lint().arg("names"))?;
    let mut outcome = Outcome::default();

    for name in names.split_whitespace() {
        let failed = Step::new(paths, &format!("lint {name}"))
            .run(lint().arg(name))
            .err();

        outcome.check(failed.is_none(), || format!("{:#}", failed.unwrap()));
    }
    Ok(outcome)
}
