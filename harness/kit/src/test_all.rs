// SPDX-License-Identifier: GPL-2.0

//! All tests in all configurations, long runs and deliberate bugs included, for days if need be.
//!
//! It consists of parts, each of which takes minutes. What came of a part is kept in a file, with
//! what was tested: a part that has passed is not run again as long as that is the same. So a run
//! can be stopped at any time, and the next one goes on.

mod part;
mod record;
mod table;

use crate::{
    paths::{
        write_whole,
        Paths, //
    },
    tree::Tree, //
};
use anyhow::{
    ensure,
    Result, //
};
use part::Part;
use record::Record;
use std::{
    path::PathBuf,
    time::{
        Duration,
        Instant, //
    }, //
};

/// Where the table goes.
fn table_file(paths: &Paths) -> PathBuf {
    paths.work.join("tested.md")
}

/// The parts of a configuration, a suite or a mutant by one of these names, or all.
fn chosen(paths: &Paths, names: &[String]) -> Result<Vec<Part>> {
    let all = part::all(paths)?;
    let is_known = |name: &String| all.iter().any(|part| part.is_called(name));

    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let mut known: Vec<&str> = all
            .iter()
            .flat_map(|part| [part.config, &*part.suite])
            .collect();
        known.sort_unstable();
        known.dedup();
        anyhow::bail!(
            "PARTS: there is no '{unknown}', there are {}, and each mutant by its name",
            known.join(", ")
        );
    }
    Ok(all
        .into_iter()
        .filter(|part| names.is_empty() || names.iter().any(|name| part.is_called(name)))
        .collect())
}

/// Refuses a name that is none of a configuration, a suite or a mutant.
pub fn judge(paths: &Paths, names: &[String]) -> Result<()> {
    chosen(paths, names).map(drop)
}

/// Runs those of the parts that have not passed yet, and starts none after some minutes. Writes the
/// table of all that are known. Fails if a part does, and returns whether none is left.
pub fn run(tree: &Tree, names: &[String], minutes: Option<u64>) -> Result<bool> {
    let paths = tree.paths;
    let parts = chosen(paths, names)?;
    let limit = minutes.map(|minutes| Duration::from_secs(60 * minutes));
    let start = Instant::now();
    let mut left = 0;
    let mut failures = Vec::new();

    for (index, part) in parts.iter().enumerate() {
        let made_of = part.made_of(tree)?;
        if let Some(record) = Record::read(paths, part) {
            if record.passed() && record.is_of(&made_of)? {
                continue;
            }
        }
        if limit.is_some_and(|limit| start.elapsed() > limit) {
            left += 1;
            continue;
        }
        println!("{} of {}: {part}", index + 1, parts.len());
        let began = Instant::now();
        let outcome = part.run(tree);
        let record = Record::of(paths, &made_of, outcome, began.elapsed())?;
        for note in &record.outcome.notes {
            println!("  {}", note.replace('\n', "\n  "));
        }
        if !record.passed() {
            failures.push(part.to_string());
        }
        record.keep(paths, part)?;
        write_whole(&table_file(paths), table::write(tree)?)?;
    }
    write_whole(&table_file(paths), table::write(tree)?)?;
    println!("the table is {}", table_file(paths).display());
    ensure!(
        failures.is_empty(),
        "these failed, and run again next time: {}",
        failures.join(", ")
    );
    if left > 0 {
        println!("{left} parts are left: run it again");
    }
    Ok(left == 0)
}

#[cfg(test)]
mod tests {
    use super::{
        chosen,
        judge,
        part::{
            self,
            What, //
        }, //
    };
    use crate::{
        base::names,
        mutants,
        paths::{
            top,
            Paths, //
        },
        suite, //
    };

    // Otherwise a part would fail each time.
    #[test]
    fn parts_are_of_suites_that_exist() {
        for name in names(&top().unwrap()).unwrap() {
            let paths = Paths::find(&name).unwrap();
            for part in part::all(&paths).unwrap() {
                if let What::Suite = part.what {
                    suite::judge(std::slice::from_ref(&part.suite)).unwrap();
                }
            }
        }
    }

    #[test]
    fn a_mutant_is_chosen_by_its_name() {
        let top = top().unwrap();
        let paths = Paths::find(&names(&top).unwrap()[0]).unwrap();
        let mutant = mutants::all(&paths).unwrap().remove(0).name;
        let chosen = chosen(&paths, std::slice::from_ref(&mutant)).unwrap();

        assert_eq!(chosen.len(), 1);
        assert_eq!(chosen[0].piece, Some(mutant));
        assert!(judge(&paths, &["none".to_owned()]).is_err());
    }
}
