// SPDX-License-Identifier: GPL-2.0

//! Results of test programs.

use crate::outcome::Outcome;
use regex_lite::Regex;

/// The results in TAP or in the form of the userfaultfd tests: name and outcome.
pub fn results(text: &str) -> Vec<(String, &'static str)> {
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

/// Sums up results, with what else the program said of those that failed. A program that gave up has
/// failed, whatever its results are so far.
pub fn outcome(text: &str) -> Outcome {
    let lines: Vec<&str> = text.lines().collect();
    let mut outcome = Outcome::default();

    for line in lines.iter().filter(|line| line.starts_with("Bail out!")) {
        outcome.failed += 1;
        outcome.notes.push((*line).to_owned());
    }
    for (test, result) in results(text) {
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
    outcome
}

#[cfg(test)]
mod tests {
    use super::{
        outcome,
        results, //
    };

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
    fn a_program_that_gives_up_has_failed() {
        let found = outcome("1..2\nok 1 one\nBail out! mmap: Cannot allocate memory (12)\n");

        assert_eq!((found.passed, found.failed), (1, 1));
        assert_eq!(found.notes, ["Bail out! mmap: Cannot allocate memory (12)"]);
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
