//! Selftests: programs of the kernel tree that run in a guest.

use crate::{
    guest::{Content, Guest},
    kernel,
    outcome::Outcome,
    paths::Paths,
    step::Step,
    toolchain::Toolchain,
};
use anyhow::{ensure, Result};
use regex_lite::Regex;
use std::{path::Path, process::Command, time::Duration};

/// The test that the series adds.
const OWN: &str = "mremap_multi_vma";

/// Tests of the base kernel that call `mremap()`, and how they are run. Of the userfaultfd tests,
/// those of events remap.
const BASE: [(&str, &str); 5] = [
    ("mremap_test", "./mremap_test"),
    ("mremap_dontunmap", "./mremap_dontunmap"),
    ("hugepage-mremap", "./hugepage-mremap"),
    ("mseal_test", "./mseal_test"),
    ("uffd-unit-tests", "./uffd-unit-tests -f events"),
];

/// Builds the selftests that guests run, without shared libraries.
pub fn programs(paths: &Paths) -> Result<Vec<Content>> {
    let toolchain = Toolchain::find(paths)?;
    let objects = paths.objects("test");
    let out = paths.work.join("selftests");
    let mut names: Vec<&str> = BASE.iter().map(|(name, _)| *name).collect();
    names.push(OWN);
    names.dedup();

    std::fs::create_dir_all(&out)?;
    Step::new(paths, "headers")
        .run(kernel::make(paths, &toolchain, &objects).args(["-s", "headers"]))?;
    Step::new(paths, "build selftests").run(
        Command::new("make")
            .current_dir(paths.tree.join("tools/testing/selftests/mm"))
            .arg(format!("OUTPUT={}", out.display()))
            .arg(format!(
                "KHDR_INCLUDES=-isystem {}",
                objects.join("usr/include").display()
            ))
            .arg("EXTRA_CFLAGS=-static -DLOCAL_CONFIG")
            .args(names.iter().map(|name| out.join(name))),
    )?;
    Ok(names
        .iter()
        .map(|name| (format!("guest/{name}"), out.join(name)))
        .collect())
}

/// What makes room for huge pages.
const HUGE_PAGES: &str = "echo 80 > /proc/sys/vm/nr_hugepages\n";

/// What the base's tests need: to map more than there is, and to find the addresses free that they
/// choose, which now and then they are not where programs are put at random.
const FOR_BASE: &str = "echo 1 > /proc/sys/vm/overcommit_memory\n\
                        echo 0 > /proc/sys/kernel/randomize_va_space\n";

/// Runs commands in a guest after some settings, each with a limit of seconds. Returns what each
/// one printed.
fn run_in_guest(
    paths: &Paths,
    name: &str,
    image: &Path,
    content: &[Content],
    settings: &str,
    commands: &[&str],
    limit: u64,
) -> Result<Vec<String>> {
    let mut script = settings.to_owned();
    for command in commands {
        script += &format!(
            "echo '>>> {command}'\ntimeout -s KILL {limit} {command} 2>&1\necho \"<<< $?\"\n"
        );
    }
    let guest = Guest {
        image,
        content,
        script: &script,
        parameters: "",
        cpus: 2,
        count: false,
        limit: Duration::from_secs(60 + limit * commands.len() as u64),
    };
    let console = guest.run(paths, name)?;

    Ok(commands
        .iter()
        .map(|command| {
            let begin = console.find(&format!(">>> {command}\n")).unwrap_or(0);
            let part = &console[begin..];
            part[..part.find("<<< ").map_or(part.len(), |end| end + 8)].to_owned()
        })
        .collect())
}

/// The results in TAP or in the form of the userfaultfd tests: name and outcome.
fn results(text: &str) -> Vec<(String, &'static str)> {
    let tap = Regex::new(r"^(not ok|ok) [0-9]+ ?(.*)$").expect("a valid pattern");
    let uffd = Regex::new(r"^Testing (.*)\.\.\. *(done|skipped|failed)").expect("a valid pattern");
    let varying = Regex::new(r"[0-9,]+ ?ns|0x[0-9a-f]+").expect("a valid pattern");

    text.lines()
        .filter_map(|line| {
            if let Some(found) = tap.captures(line) {
                let outcome = match (&found[1], found[2].contains("# SKIP")) {
                    (_, true) => "skip",
                    ("ok", _) => "pass",
                    _ => "fail",
                };
                return Some((varying.replace_all(&found[2], "").into_owned(), outcome));
            }
            uffd.captures(line).map(|found| {
                let outcome = match &found[2] {
                    "done" => "pass",
                    "skipped" => "skip",
                    _ => "fail",
                };
                (found[1].to_owned(), outcome)
            })
        })
        .collect()
}

/// Runs the test of the series in the patched kernel.
pub fn series(paths: &Paths, config: &str) -> Result<Outcome> {
    let image = kernel::series(paths, config)?;
    let content = programs(paths)?;
    let command = format!("./{OWN}");
    let name = format!("selftests-{config}");
    let printed = run_in_guest(
        paths,
        &name,
        &image,
        &content,
        HUGE_PAGES,
        &[&command],
        1800,
    )?;
    let mut outcome = Outcome::default();

    let lines: Vec<&str> = printed[0].lines().collect();
    for (test, result) in results(&printed[0]) {
        match result {
            "pass" => outcome.passed += 1,
            "skip" => outcome.skipped += 1,
            _ => {
                outcome.failed += 1;
                let why = lines
                    .iter()
                    .filter(|line| line.contains(".c:"))
                    .filter(|line| line.contains(test.rsplit('.').next().unwrap_or(&test)))
                    .take(4)
                    .copied()
                    .collect::<Vec<_>>();
                outcome.notes.push(format!("{test}\n{}", why.join("\n")));
            }
        }
    }
    ensure!(
        printed[0].contains("# Totals:"),
        "{OWN} did not reach its end; the console is build/logs/{name}.console"
    );
    Ok(outcome)
}

/// Runs tests of the base kernel in it and in the patched one, and compares the results.
pub fn compare_with_base(paths: &Paths, config: &str) -> Result<Outcome> {
    let (base, series) = kernel::both(paths, config)?;
    let content = programs(paths)?;
    let commands = BASE.map(|(_, command)| command);
    let settings = [HUGE_PAGES, FOR_BASE].concat();
    let run = |name, image| run_in_guest(paths, name, image, &content, &settings, &commands, 300);
    let (before, after) = (run("base", &base)?, run("series", &series)?);
    let mut outcome = Outcome::default();

    for (command, (before, after)) in commands.iter().zip(before.iter().zip(&after)) {
        let (before, after) = (results(before), results(after));

        outcome.check(!before.is_empty(), || {
            format!("{command} printed no result")
        });
        for (index, (test, result)) in before.iter().enumerate() {
            match after.get(index) {
                Some((_, now)) if now != result => outcome.check(false, || {
                    format!("{command}: {test}: {result} on the base, {now} with the series")
                }),
                Some(_) if *result == "skip" => outcome.skipped += 1,
                Some(_) => outcome.passed += 1,
                None => outcome.check(false, || format!("{command}: {test} did not run")),
            }
        }
        outcome.check(before.len() == after.len(), || {
            format!("{command}: {} results, then {}", before.len(), after.len())
        });
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::results;

    #[test]
    fn tap_is_read() {
        let text = "TAP version 13\n1..3\nok 1 move.anon.whole\n# a comment\n\
                    not ok 2 move.anon.cut\nok 3 swap # SKIP no swap\n";

        assert_eq!(
            results(text),
            [
                ("move.anon.whole".to_owned(), "pass"),
                ("move.anon.cut".to_owned(), "fail"),
                ("swap # SKIP no swap".to_owned(), "skip"),
            ]
        );
    }

    #[test]
    fn results_of_userfaultfd_tests_are_read() {
        let text = "Testing UFFDIO_API (with syscall)... done\n\
                    Testing register-ioctls on anon... skipped [reason: no]\n";

        assert_eq!(
            results(text),
            [
                ("UFFDIO_API (with syscall)".to_owned(), "pass"),
                ("register-ioctls on anon".to_owned(), "skip"),
            ]
        );
    }
}
