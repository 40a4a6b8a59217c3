// SPDX-License-Identifier: GPL-2.0

//! The series as mails: `build/<base>/series/`, a cover letter and a patch for each commit.
//!
//! `cover-letter` in the folder of the base is its text, the subject first. Nothing is ever sent:
//! whom the patches would be for is written to `cc` beside the mails.

use crate::{
    git::git,
    paths::{
        remove_folder,
        write_whole,
        Paths, //
    },
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

/// Writes the mails, and whom they would be for. Returns their files in order.
pub fn write(tree: &Tree) -> Result<Vec<PathBuf>> {
    let mails = mails(tree)?;

    write_whole(&tree.paths.mails().join("cc"), recipients(tree, &mails)?)?;
    Ok(mails)
}

/// Writes the mails, and returns their files in order: the cover letter is the first.
pub fn mails(tree: &Tree) -> Result<Vec<PathBuf>> {
    let paths = tree.paths;
    let signer = Signer::find(paths)?;
    let cover = paths.base.folder.join("cover-letter");
    let text =
        fs::read_to_string(&cover).with_context(|| format!("cannot read {}", cover.display()))?;
    let folder = paths.mails();

    remove_folder(&folder)?;
    fs::create_dir_all(&folder)?;
    let written = output(
        git(tree.check_out()?)
            .env("GIT_COMMITTER_NAME", &signer.name)
            .env("GIT_COMMITTER_EMAIL", &signer.email)
            // The description of a branch becomes the cover letter.
            .args(["-c", &format!("branch.series.description={text}")])
            .args(["format-patch", "--cover-letter"])
            .args(["--cover-from-description=subject", "--signoff"])
            .args(["--thread=shallow", "--no-base", "--no-signature"])
            .args(["--subject-prefix", &paths.base.subject_prefix, "-o"])
            .arg(&folder)
            .arg("base..series"),
    )?;
    Ok(written.lines().map(PathBuf::from).collect())
}

/// Whom each patch would be for, as `scripts/get_maintainer.pl` has it.
fn recipients(tree: &Tree, mails: &[PathBuf]) -> Result<String> {
    let mut text = String::new();

    for mail in mails.iter().skip(1) {
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
