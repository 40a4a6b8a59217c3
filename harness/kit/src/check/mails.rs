// SPDX-License-Identifier: GPL-2.0

//! The mails: what the kernel's own scripts say of them.

use crate::{
    outcome::Outcome,
    series,
    step::{
        feed,
        output, //
    },
    tree::Tree, //
};
use anyhow::{
    Context,
    Result, //
};
use regex_lite::Regex;
use std::{
    fs,
    process::Command, //
};

/// What `checkpatch.pl` says and is left as it is.
struct Exception {
    /// A part of the patch's name.
    patch: &'static str,
    /// The type that `checkpatch.pl` gives it.
    kind: &'static str,
    why: &'static str,
}

const EXCEPTIONS: [Exception; 7] = [
    Exception {
        patch: "",
        kind: "FILE_PATH_CHANGES",
        why: "one entry in MAINTAINERS lists all new files, in the last patch",
    },
    Exception {
        patch: "count-and-trace",
        kind: "PARENTHESIS_ALIGNMENT",
        why: "a TRACE_EVENT() is laid out like this everywhere",
    },
    Exception {
        patch: "count-and-trace",
        kind: "OPEN_ENDED_LINE",
        why: "a TRACE_EVENT() is laid out like this everywhere",
    },
    Exception {
        patch: "KUnit-tests",
        kind: "CONST_STRUCT",
        why: "the test fills the operations in",
    },
    Exception {
        patch: "selftests-mm",
        kind: "BIT_MACRO",
        why: "user space has no BIT()",
    },
    Exception {
        patch: "selftests-mm",
        kind: "VOLATILE",
        why: "each page has to be read from memory, whatever was read before",
    },
    Exception {
        patch: "selftests-mm",
        kind: "COMPLEX_MACRO",
        why: "FIXTURE_VARIANT_ADD() is followed by an initialiser",
    },
];

/// Each patch is clean by `checkpatch.pl --strict`, except for the exceptions, all of which are needed.
pub fn patches(tree: &Tree) -> Result<Outcome> {
    let mails = series::mails(tree)?;
    let line = Regex::new(r"^.*:([0-9]+): ((ERROR|WARNING|CHECK):([A-Z_]+): .*)$")?;
    let mut used = [false; EXCEPTIONS.len()];
    let mut outcome = Outcome::default();

    for mail in &mails[1..] {
        let name = series::name(mail);
        let said = feed(
            Command::new("scripts/checkpatch.pl")
                .current_dir(tree.check_out()?)
                .args(["--strict", "--terse", "--show-types", "--no-summary"])
                .arg(mail),
            b"",
        )?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let mut left = Vec::new();

        for found in said.lines().filter_map(|text| line.captures(text)) {
            let exception = EXCEPTIONS
                .iter()
                .position(|known| name.contains(known.patch) && known.kind == &found[4]);
            match exception {
                Some(known) => used[known] = true,
                None => left.push(format!("{}: {}", &found[1], &found[2])),
            }
        }
        outcome.check(left.is_empty(), || {
            format!("{name}:\n  {}", left.join("\n  "))
        });
    }
    for (exception, used) in EXCEPTIONS.iter().zip(used) {
        let Exception { patch, kind, why } = exception;
        println!("  {kind} {patch}: {why}");
        outcome.check(used, || {
            format!("nothing is excepted by {kind} {patch} any more")
        });
    }
    Ok(outcome)
}

/// `b4`, with which maintainers take series, finds the whole of it in a mailbox.
pub fn mailbox(tree: &Tree) -> Result<Outcome> {
    let mails = series::mails(tree)?;
    let folder = tree.paths.work.join("mailbox");
    let mut mbox = Vec::new();

    for mail in &mails {
        mbox.extend(fs::read(mail)?);
        mbox.push(b'\n');
    }
    fs::create_dir_all(&folder)?;
    let file = folder.join("series.mbox");
    fs::write(&file, &mbox)?;
    let cover = String::from_utf8_lossy(&mbox).into_owned();
    let id = cover
        .lines()
        .find_map(|line| {
            // Versions of git spell it differently.
            line.strip_prefix("Message-ID: <")
                .or_else(|| line.strip_prefix("Message-Id: <"))?
                .strip_suffix('>')
        })
        .context("the cover letter has no message ID")?
        .to_owned();
    let said = Command::new(tree.paths.build.join("tools/b4/bin/b4"))
        .current_dir(&folder)
        .env("HOME", &folder)
        .args(["--offline-mode", "am", "--no-cache", "--no-parent"])
        .args(["--mbox-name", "taken", "-o", ".", "-m"])
        .args([file.as_os_str(), id.as_ref()])
        .output()
        .context("b4 does not run: make check-series installs it")?;
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    let mut outcome = Outcome::default();

    outcome.check(
        said.contains(&format!("Total patches: {}", mails.len() - 1)),
        || format!("b4 does not take the series:\n{said}"),
    );
    Ok(outcome)
}

/// `MAINTAINERS` is well-formed, and every new file has somebody to send it to.
pub fn maintainers(tree: &Tree) -> Result<Outcome> {
    let test = feed(
        Command::new("scripts/get_maintainer.pl")
            .current_dir(tree.check_out()?)
            .args(["--self-test=sections,patterns"]),
        b"",
    )?;
    let said =
        String::from_utf8_lossy(&test.stderr).into_owned() + &String::from_utf8_lossy(&test.stdout);
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("mremap") || line.contains("rust/kernel/mm"))
        .collect();
    let mut outcome = Outcome::default();

    outcome.check(ours.is_empty(), || ours.join("\n"));
    for file in tree.changed("A", &[])?.lines() {
        let found = output(
            Command::new("scripts/get_maintainer.pl")
                .current_dir(tree.check_out()?)
                .args(["--no-git", "--no-git-fallback", "--no-rolestats", "-f"])
                .arg(file),
        )?;
        outcome.check(
            found.lines().any(|line| !line.contains("linux-kernel@")),
            || format!("nobody maintains {file}"),
        );
    }
    Ok(outcome)
}
