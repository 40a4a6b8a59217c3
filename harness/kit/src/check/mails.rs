// SPDX-License-Identifier: GPL-2.0

//! The mails: what the kernel's own scripts say of them.

use super::asked;
use crate::{
    git::git,
    outcome::Outcome,
    patch::{
        Index,
        Patch, //
    },
    paths::{
        remove_folder,
        Paths, //
    },
    series::{
        self,
        Mails, //
    },
    stack::Part,
    step::{
        feed,
        output, //
    },
    tree::Tree, //
};
use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};
use regex_lite::Regex;
use std::{
    fs,
    path::{
        Path,
        PathBuf, //
    },
    process::Command, //
};

/// Where a base lists what `checkpatch.pl` says and is left as it is.
const EXCEPTIONS: &str = "checkpatch";

/// One of these.
#[derive(Debug, PartialEq)]
struct Exception {
    /// The type that `checkpatch.pl` gives it.
    kind: String,
    /// A part of the patch's name.
    patch: String,
    why: String,
}

/// Reads the list: in each line the type, a part of the name or `*` for all patches, and the reason.
fn exceptions(text: &str) -> Result<Vec<Exception>> {
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));

    lines
        .map(|line| {
            let mut words = line.splitn(3, ' ');
            let (Some(kind), Some(patch), Some(why)) = (words.next(), words.next(), words.next())
            else {
                bail!("{EXCEPTIONS}: '{line}' is no type, part of a patch's name or *, and reason");
            };
            Ok(Exception {
                kind: kind.to_owned(),
                patch: if patch == "*" { "" } else { patch }.to_owned(),
                why: why.to_owned(),
            })
        })
        .collect()
}

/// Each patch is clean by `checkpatch.pl --strict`, except for the exceptions of the base, all of
/// which are needed.
pub fn patches(tree: &Tree, name: &str) -> Result<Outcome> {
    let file = tree.paths.base.folder.join(EXCEPTIONS);
    let exceptions = match file.is_file() {
        true => exceptions(&fs::read_to_string(&file)?)?,
        false => Vec::new(),
    };
    let mut used = vec![false; exceptions.len()];
    let mut outcome = Outcome::default();

    for part in asked(tree, name)? {
        for mail in series::mails(tree, &part)?.patches {
            let mut left = Vec::new();
            for (kind, said) in checkpatch(tree, &mail)? {
                let known = exceptions.iter().position(|known| {
                    series::name(&mail).contains(&known.patch) && known.kind == kind
                });
                match known {
                    Some(known) => used[known] = true,
                    None => left.push(said),
                }
            }
            outcome.check(left.is_empty(), || {
                let name = series::name(&mail);
                format!("{}: {name}:\n  {}", part.name, left.join("\n  "))
            });
        }
    }
    // A part of the stack does not need them all.
    if name.is_empty() {
        for (Exception { kind, patch, why }, used) in exceptions.iter().zip(used) {
            println!("  {kind} {patch}: {why}");
            outcome.check(used, || {
                format!("nothing is excepted by {kind} {patch} any more")
            });
        }
    }
    Ok(outcome)
}

/// What `checkpatch.pl` says of a mail: of which type it is, and the line.
fn checkpatch(tree: &Tree, mail: &Path) -> Result<Vec<(String, String)>> {
    let line = Regex::new(r"^.*:([0-9]+): ((ERROR|WARNING|CHECK):([A-Z_]+): .*)$")?;
    let said = feed(
        Command::new("scripts/checkpatch.pl")
            .current_dir(tree.check_out()?)
            .args(["--strict", "--terse", "--show-types", "--no-summary"])
            .arg(mail),
        b"",
    )?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();

    Ok(said
        .lines()
        .filter_map(|text| line.captures(text))
        .map(|found| (found[4].to_owned(), format!("{}: {}", &found[1], &found[2])))
        .collect())
}

/// `b4`, with which maintainers take series, finds the whole of each in a mailbox, and what it takes
/// applies in order, and gives the commits of the series.
pub fn mailbox(tree: &Tree, name: &str) -> Result<Outcome> {
    let mut outcome = Outcome::default();

    for part in asked(tree, name)? {
        let mails = series::mails(tree, &part)?;
        let folder = tree.paths.work.join("mailbox").join(&part.name);
        let count = mails.patches.len();
        let said = taken(tree, &mails, &folder)?;

        outcome.check(said.contains(&format!("Total patches: {count}")), || {
            format!("{}: b4 does not take the series:\n{said}", part.name)
        });
        let applied = apply(tree.paths, &part, &folder.join("taken.mbx"), &folder);
        outcome.check(applied.is_ok(), || {
            format!("{}: {:#}", part.name, applied.unwrap_err())
        });
    }
    Ok(outcome)
}

/// Puts mails into a mailbox, and has `b4` take the series out of it. Returns what it says.
fn taken(tree: &Tree, mails: &Mails, folder: &Path) -> Result<String> {
    let mut mbox = Vec::new();

    for mail in mails.all() {
        mbox.extend(fs::read(mail)?);
        mbox.push(b'\n');
    }
    remove_folder(folder)?;
    fs::create_dir_all(folder)?;
    let file = folder.join("series.mbox");
    fs::write(&file, &mbox)?;
    let text = String::from_utf8_lossy(&mbox).into_owned();
    let id = text
        .lines()
        .find_map(|line| {
            // Versions of git spell it differently.
            line.strip_prefix("Message-ID: <")
                .or_else(|| line.strip_prefix("Message-Id: <"))?
                .strip_suffix('>')
        })
        .context("the first mail has no message ID")?
        .to_owned();
    let said = Command::new(tree.paths.build.join("tools/b4/bin/b4"))
        .current_dir(folder)
        .env("HOME", folder)
        .args(["--offline-mode", "am", "--no-cache", "--no-parent"])
        .args(["--mbox-name", "taken", "-o", ".", "-m"])
        .args([file.as_os_str(), id.as_ref()])
        .output()
        .context("b4 does not run: make check-series installs it")?;

    Ok(String::from_utf8_lossy(&said.stderr).into_owned())
}

/// Applies the mails of a mailbox to what a series is on top of. They have to give its files.
fn apply(paths: &Paths, part: &Part, mailbox: &Path, folder: &Path) -> Result<()> {
    let split = folder.join("split");
    let index = Index::of(paths, &part.below)?;

    fs::create_dir_all(&split)?;
    output(
        git(&paths.checkout)
            .arg("mailsplit")
            .arg(format!("-o{}", split.display()))
            .arg(mailbox),
    )?;
    // Their names are numbers.
    let mut mails: Vec<PathBuf> = fs::read_dir(&split)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    mails.sort();
    for mail in mails {
        index.apply(&Patch::read(paths, mail)?)?;
    }
    let made = output(&mut index.git(&["write-tree"]))?;
    let wanted = format!("{}^{{tree}}", part.branch);
    let wanted = output(git(&paths.checkout).args(["rev-parse", &wanted]))?;
    ensure!(
        made == wanted,
        "the mails apply to {}, but do not give what {} has",
        part.below,
        part.branch
    );
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::{
        apply,
        exceptions,
        EXCEPTIONS, //
    };
    use crate::{
        assemble::series,
        base,
        paths,
        scratch::Repository,
        stack::all, //
    };
    use std::fs;

    #[test]
    fn exceptions_have_reasons() {
        let read = exceptions("# why\n\nKIND * for all\nOTHER a-b one reason\n").unwrap();
        assert_eq!((&*read[0].kind, &*read[0].patch), ("KIND", ""));
        assert_eq!((&*read[1].patch, &*read[1].why), ("a-b", "one reason"));
        assert!(exceptions("KIND a-b\n").is_err());

        let top = paths::top().unwrap();
        for name in base::names(&top).unwrap() {
            let file = top.join("bases").join(name).join(EXCEPTIONS);
            if file.is_file() {
                exceptions(&fs::read_to_string(file).unwrap()).unwrap();
            }
        }
    }

    #[test]
    fn mails_have_to_give_the_series() {
        let repository = Repository::new("apply");
        repository.unpack(&[("mm/a.c", "1\n")]);
        repository.add_patch("0001-a.patch", "mm/a.c", "1", "2");
        repository.add_patch("0002-b.patch", "mm/a.c", "2", "3");
        series(&repository.0).unwrap();
        let part = &all(&repository.0.base).unwrap()[0];
        let folder = repository.0.work.join("mailbox");
        let applied = |patches: &[&str]| {
            let mails: String = patches
                .iter()
                .map(|name| {
                    let mail = repository.read(&format!("bases/4.2/{name}"));
                    format!("From x Thu Jan  1 00:00:00 2026\n{mail}\n")
                })
                .collect();
            let _ = fs::remove_dir_all(&folder);
            repository.write("build/4.2/mailbox/taken.mbx", &mails);
            let mailbox = folder.join("taken.mbx");
            apply(&repository.0, part, &mailbox, &folder).map_err(|error| error.to_string())
        };

        assert_eq!(applied(&["0001-a.patch", "0002-b.patch"]), Ok(()));
        let error = applied(&["0001-a.patch"]).unwrap_err();
        assert!(error.contains("do not give what series has"), "{error}");
        let error = applied(&["0002-b.patch", "0001-a.patch"]).unwrap_err();
        assert!(error.contains("does not apply"), "{error}");
    }
}
