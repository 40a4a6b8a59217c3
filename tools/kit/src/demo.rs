//! Guests to look at: the demonstration program, and a shell.

use crate::{
    guest::{self, Guest, Machine},
    host, kernel,
    outcome::Outcome,
    paths::Paths,
    programs, selftest,
};
use anyhow::{ensure, Result};
use std::{path::PathBuf, time::Duration};

/// What the demonstration is: an argument of the program, and what the kernel is told. A move of a
/// region, then the same call where it is turned off.
const PARTS: [(&str, &str); 2] = [("", ""), ("off", "mremap_range=off")];

/// Runs the program with an argument, in a guest, which prints what it has to say.
fn show(
    paths: &Paths,
    (image, program): &(PathBuf, PathBuf),
    argument: &str,
    parameters: &str,
) -> Result<()> {
    let guest = Guest {
        image,
        content: &[("guest/demo".to_owned(), program.clone())],
        script: &format!("/guest/demo {argument} || echo '| the demo failed'"),
        parameters,
        cpus: 1,
        machine: Machine::Pc,
        show: true,
        limit: Duration::from_secs(120),
    };
    let console = guest.run(paths, "demo")?;
    ensure!(
        console.contains("\n|") && !console.contains("the demo failed"),
        "the demo failed, see build/logs/demo.console"
    );
    Ok(())
}

/// Builds the kernel and the program.
fn prepare(paths: &Paths, config: &str) -> Result<(PathBuf, PathBuf)> {
    Ok((
        kernel::series(paths, config)?,
        host::static_program(paths, "demo")?,
    ))
}

/// Shows the demonstration.
pub fn run(paths: &Paths) -> Result<()> {
    let made = prepare(paths, "test")?;

    for (argument, parameters) in PARTS {
        show(paths, &made, argument, parameters)?;
    }
    Ok(())
}

/// Expects the demonstration to go as it should, each part on its own.
pub fn check(paths: &Paths, config: &str) -> Result<Outcome> {
    let made = prepare(paths, config)?;
    let mut outcome = Outcome::default();

    for (argument, parameters) in PARTS {
        let shown = show(paths, &made, argument, parameters);
        outcome.check(shown.is_ok(), || {
            format!("demo {argument}: {:#}", shown.as_ref().unwrap_err())
        });
    }
    Ok(outcome)
}

/// Opens a shell in the patched kernel, with the test programs at hand.
pub fn shell(paths: &Paths) -> Result<()> {
    let image = kernel::series(paths, "test")?;
    let mut content = selftest::programs(paths)?;
    for program in programs::ALL {
        content.push((
            format!("guest/{program}"),
            host::static_program(paths, program)?,
        ));
    }
    let script = "echo 'a shell in the patched kernel; leave it with exit'\n\
                  export PS1='mremap:\\w# '\nsetsid cttyhack sh\n";

    guest::interactive(paths, &image, &content, script)
}
