// SPDX-License-Identifier: GPL-2.0

//! Programs of others, which use memory in all ways and are tested by tests of their own: in a guest
//! where one call moves several mappings, and in one where it does not. Each has to end alike.

mod commands;
mod root;

use crate::{
    guest::{
        Guest,
        Ran,
        Started, //
    },
    kernel::{
        self,
        Image, //
    },
    outcome::Outcome,
    paths::Paths,
    tree::Tree, //
};
use anyhow::Result;
use root::{
    programs,
    Programs,
    ROOT, //
};
use std::time::Duration;

/// How long all of them may take.
const LIMIT: Duration = Duration::from_secs(90 * 60);

/// The memory of guests in MiB: Debian is in it.
const MEMORY: usize = 5 << 10;

/// What Debian expects where it runs.
fn settings() -> String {
    format!(
        "for what in proc sys dev; do mount --bind /$what /{ROOT}/$what; done\n\
         mount -t tmpfs shm /{ROOT}/dev/shm\n\
         mount -t tmpfs tmp /{ROOT}/tmp\n\
         echo 1 > /proc/sys/vm/unprivileged_userfaultfd\n"
    )
}

/// Boots one of the guests.
fn start(
    paths: &Paths,
    image: &Image,
    programs: &Programs,
    name: &str,
    parameters: &str,
) -> Result<Started> {
    Guest {
        archive: Some(&programs.archive),
        settings: &settings(),
        parameters,
        memory: MEMORY,
        ..Guest::of(image, LIMIT)
    }
    .start(paths, name, &commands::all(programs))
}

/// Runs all of the programs. One that fails with and without it is counted as skipped.
pub fn suite(tree: &Tree, config: &str) -> Result<Outcome> {
    let paths = tree.paths;
    let programs = programs(paths)?;
    let image = kernel::image(tree, config)?;
    let on = start(paths, &image, &programs, "thirdparty", "")?;
    let off = start(paths, &image, &programs, "thirdparty-off", kernel::OFF)?;

    Ok(compare(&on.end()?, &off.end()?))
}

/// Compares how programs ended, with it and without.
fn compare(on: &[Ran], off: &[Ran]) -> Outcome {
    let mut outcome = Outcome::default();

    for (on, off) in on.iter().zip(off) {
        let name = commands::name(&on.command);

        match (on.status, off.status) {
            (0, 0) => outcome.passed += 1,
            (a, b) if a == b => {
                outcome.skipped += 1;
                outcome
                    .notes
                    .push(format!("{name} ends with {a} where it is off, too"));
            }
            (a, b) => {
                let ran = if a == 0 { off } else { on };
                outcome.failed += 1;
                outcome.notes.push(format!(
                    "{name} ends with {a}, and with {b} where it is off:\n  {}",
                    ran.last_lines(20)
                ));
            }
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::{
        commands,
        compare, //
    };
    use crate::guest::Ran;

    fn ran(name: &str, status: i32) -> Ran {
        Ran {
            command: commands::named(name, "x"),
            status,
            output: "the end\n".to_owned(),
        }
    }

    #[test]
    fn programs_end_alike() {
        let on = [ran("a", 0), ran("b", 3), ran("c", 1), ran("d", 0)];
        let off = [ran("a", 0), ran("b", 3), ran("c", 0), ran("d", 2)];
        let outcome = compare(&on, &off);

        assert_eq!((outcome.passed, outcome.skipped, outcome.failed), (1, 1, 2));
        assert_eq!(outcome.notes[0], "b ends with 3 where it is off, too");
        assert_eq!(
            outcome.notes[1],
            "c ends with 1, and with 0 where it is off:\n  the end"
        );
    }
}
