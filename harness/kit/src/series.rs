// SPDX-License-Identifier: GPL-2.0

//! Series as mails: a cover letter and a patch for each commit. Those of the main series are in
//! `build/<base>/series/`, those of fixes in `build/<base>/fixes/<name>/`.
//!
//! `cover-letter` in the folder of a series is its text, the subject first. Nothing is ever sent:
//! whom the patches would be for is written to `cc` beside the mails.

use crate::{
    git::git,
    paths::{
        remove_folder,
        write_whole,
        Paths, //
    },
    stack::Part,
    step::output,
    tree::Tree, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use std::{
    fs,
    path::{
        Path,
        PathBuf, //
    },
    process::Command, //
};

/// Who the patches are signed off by, from git's configuration.
pub struct Signer {
    pub name: String,
    pub email: String,
}

impl Signer {
    pub fn find(paths: &Paths) -> Result<Self> {
        let get = |key: &str| {
            let value = output(git(&paths.top).args(["config", "--get", key])).unwrap_or_default();
            let value = value.trim().to_owned();

            ensure!(
                !value.is_empty(),
                "git does not know who you are, to sign patches off: git config {key} ..."
            );
            Ok(value)
        };
        Ok(Signer {
            name: get("user.name")?,
            email: get("user.email")?,
        })
    }
}

/// The mails of a series.
pub struct Mails {
    /// A single patch needs none.
    pub cover: Option<PathBuf>,
    /// In order.
    pub patches: Vec<PathBuf>,
}

impl Mails {
    /// All of them, the cover letter first.
    pub fn all(&self) -> impl Iterator<Item = &PathBuf> {
        self.cover.iter().chain(&self.patches)
    }
}

/// Writes the mails of a series, and whom they would be for. Says where.
pub fn write(tree: &Tree, part: &Part) -> Result<()> {
    let mails = mails(tree, part)?;
    let folder = tree.paths.mails(part);

    write_whole(&folder.join("cc"), recipients(tree, &mails)?)?;
    println!("{} mails in {}", mails.all().count(), folder.display());
    Ok(())
}

/// Writes the mails of a series.
pub fn mails(tree: &Tree, part: &Part) -> Result<Mails> {
    let paths = tree.paths;
    let signer = Signer::find(paths)?;
    let checkout = tree.check_out()?;
    let folder = paths.mails(part);
    let prefix = match part.is_main() {
        true => &paths.base.subject_prefix,
        false => &paths.base.fixes_prefix,
    };
    let count = output(git(checkout).args(["rev-list", "--count", &part.range()]))?;
    let cover = cover(part, count.trim().parse()?)?;

    remove_folder(&folder)?;
    fs::create_dir_all(&folder)?;
    let mut format = git(checkout);
    format
        .env("GIT_COMMITTER_NAME", &signer.name)
        .env("GIT_COMMITTER_EMAIL", &signer.email);
    if let Some(text) = &cover {
        // The description of a branch becomes the cover letter.
        format.args(["-c", &format!("branch.{}.description={text}", part.branch)]);
    }
    format
        .arg("format-patch")
        .arg(match cover {
            Some(_) => "--cover-letter",
            None => "--no-cover-letter",
        })
        .args(["--cover-from-description=subject", "--signoff"])
        .args([
            "--thread=shallow",
            "--no-base",
            "--no-signature",
            "--abbrev=12",
        ])
        .args(["--subject-prefix", prefix, "-o"])
        .arg(&folder)
        .arg(part.range());
    let written = output(&mut format)?;
    let mut patches: Vec<PathBuf> = written.lines().map(PathBuf::from).collect();

    Ok(Mails {
        cover: cover.map(|_| patches.remove(0)),
        patches,
    })
}

/// The text of the cover letter of a series of so many patches. One patch may be without.
fn cover(part: &Part, patches: usize) -> Result<Option<String>> {
    let file = part.folder.join("cover-letter");

    ensure!(
        patches != 0,
        "the series {} has no patches yet: commit them on the branch {}, and 'make export' writes \
         them",
        part.name,
        part.branch
    );
    if patches == 1 && !file.exists() {
        return Ok(None);
    }
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Some(text))
}

/// Whom each patch would be for, as `scripts/get_maintainer.pl` has it.
fn recipients(tree: &Tree, mails: &Mails) -> Result<String> {
    let mut text = String::new();

    for mail in &mails.patches {
        let found = output(
            Command::new("scripts/get_maintainer.pl")
                .current_dir(tree.check_out()?)
                .args(["--no-git", "--no-git-fallback", "--no-rolestats"])
                .arg(mail),
        )?;
        text += &format!("{}\n", name(mail));
        for line in found.lines() {
            text += &format!("\tCc: {line}\n");
        }
    }
    Ok(text)
}

/// The name of a mail's file.
pub fn name(mail: &Path) -> String {
    mail.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::{
        mails,
        name, //
    };
    use crate::{
        assemble::series,
        scratch::Repository,
        stack::select,
        tree::{
            At,
            Tree, //
        }, //
    };
    use std::fs;

    /// One fix, two others, and two patches on top.
    fn repository(test: &str) -> Repository {
        let mut repository = Repository::new(test);

        repository.unpack(&[("mm/a.c", "1\n")]);
        repository.0.base.fixes = vec!["one".to_owned(), "two".to_owned()];
        for (folder, number, line) in [
            ("fixes/one/", "0001", 1),
            ("fixes/two/", "0001", 2),
            ("fixes/two/", "0002", 3),
            ("", "0001", 4),
            ("", "0002", 5),
        ] {
            let name = format!("{folder}{number}-to-{}.patch", line + 1);
            let (old, new) = (line.to_string(), (line + 1).to_string());
            repository.add_patch(&name, "mm/a.c", &old, &new);
        }
        repository.write("bases/4.2/fixes/two/cover-letter", "two fixes\n\nWhy.\n");
        repository.identify();
        series(&repository.0).unwrap();
        repository
    }

    #[test]
    fn each_series_is_mailed_on_its_own() {
        let repository = repository("mails");
        let tree = Tree::new(&repository.0, At::Commit("series".to_owned()));
        let mails = |name| mails(&tree, &select(&repository.0.base, name).unwrap()[0]);
        let one = mails("one").unwrap();
        let two = mails("two").unwrap();

        assert!(one.cover.is_none());
        assert!(name(&one.patches[0]).starts_with("0001-"));
        let text = fs::read_to_string(&one.patches[0]).unwrap();
        assert!(text.contains("Subject: [PATCH 4.2] "), "{text}");
        assert!(text.contains("-1\n+2\n"), "{text}");
        assert_eq!(two.patches.len(), 2);
        let text = fs::read_to_string(two.cover.unwrap()).unwrap();
        assert!(
            text.contains("Subject: [PATCH 4.2 0/2] two fixes\n"),
            "{text}"
        );

        let error = mails("main").err().unwrap().to_string();
        assert!(error.contains("bases/4.2/cover-letter"), "{error}");
        repository.write("bases/4.2/cover-letter", "main\n\nWhy.\n");
        assert_eq!(mails("main").unwrap().all().count(), 3);
        assert!(one.patches[0].exists());
    }

    #[test]
    fn a_series_without_patches_is_no_mail() {
        let mut repository = repository("no-mails");
        repository.0.base.fixes.push("three".to_owned());
        series(&repository.0).unwrap();
        let tree = Tree::new(&repository.0, At::Commit("series".to_owned()));
        let part = &select(&repository.0.base, "three").unwrap()[0];

        let error = mails(&tree, part).err().unwrap().to_string();
        assert!(error.contains("series three has no patches yet"), "{error}");
    }
}
