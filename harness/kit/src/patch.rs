// SPDX-License-Identifier: GPL-2.0

//! Commits of patches.

use crate::{
    git::git,
    paths::Paths,
    source,
    step::{
        filter,
        output, //
    }, //
};
use anyhow::{
    bail,
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

/// Where git looks for files while patches are being committed: an index apart, as the files of the
/// checkout are left alone.
pub struct Index<'a> {
    pub paths: &'a Paths,
    file: PathBuf,
}

impl<'a> Index<'a> {
    /// An index with the files of a commit.
    pub fn of(paths: &'a Paths, commit: &str) -> Result<Self> {
        let index = Index {
            paths,
            file: paths.work.join("series.index"),
        };

        output(&mut index.git(&["read-tree", commit]))?;
        Ok(index)
    }

    /// A git command that works on this index.
    pub fn git(&self, args: &[&str]) -> Command {
        let mut git = git(&self.paths.checkout);

        git.env("GIT_INDEX_FILE", &self.file).args(args);
        git
    }

    /// Adds a file with the content of another one.
    pub fn add(&self, path: &str, from: &Path) -> Result<()> {
        let blob = output(self.git(&["hash-object", "-w"]).arg(from))?;
        let entry = format!("100644,{},{path}", blob.trim());

        output(&mut self.git(&["update-index", "--add", "--cacheinfo", &entry])).map(drop)
    }

    /// Makes the edits of a patch.
    pub fn apply(&self, patch: &Patch) -> Result<()> {
        let applied = self
            .git(&["apply", "--cached", "--whitespace=nowarn"])
            .arg(&patch.diff)
            .output()?;

        if !applied.status.success() {
            let errors = String::from_utf8_lossy(&applied.stderr).into_owned();
            bail!(
                "{} does not apply to Linux {}:\n  {}\n  (file and line of each hunk as above)",
                patch.file.display(),
                source::version(&self.paths.checkout)?,
                errors.trim().replace('\n', "\n  ")
            );
        }
        Ok(())
    }

    /// Commits what it has on top of `parent`, in the words of a patch. Returns the commit.
    pub fn commit(&self, parent: &str, patch: &Patch) -> Result<String> {
        let tree = output(&mut self.git(&["write-tree"]))?;
        let mut commit_tree = self.git(&["commit-tree", tree.trim(), "-p", parent]);

        for (variable, name, default) in [
            ("NAME", "Author:", "nobody"),
            ("EMAIL", "Email:", "nobody@localhost"),
            ("DATE", "Date:", "1970-01-01T00:00:00Z"),
        ] {
            // Mutants are patches without a mail around them.
            let value = Some(patch.field(name)).filter(|value| !value.is_empty());
            let value = value.unwrap_or(default);
            for role in ["AUTHOR", "COMMITTER"] {
                commit_tree.env(format!("GIT_{role}_{variable}"), value);
            }
        }
        let commit = filter(&mut commit_tree, patch.message()?.as_bytes())?;
        Ok(String::from_utf8_lossy(&commit).trim().to_owned())
    }
}

/// A patch, taken apart.
pub struct Patch {
    file: PathBuf,
    /// Who wrote it, when, and its subject.
    info: String,
    body: PathBuf,
    diff: PathBuf,
}

impl Patch {
    pub fn read(paths: &Paths, file: PathBuf) -> Result<Self> {
        let mail = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let out = paths.work.join("mail");

        fs::create_dir_all(&out)?;
        let info = filter(git(&out).args(["mailinfo", "-k", "message", "diff"]), &mail)?;
        Ok(Patch {
            file,
            info: String::from_utf8_lossy(&info).into_owned(),
            body: out.join("message"),
            diff: out.join("diff"),
        })
    }

    fn field(&self, name: &str) -> &str {
        self.info
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_default()
            .trim()
    }

    /// The message of its commit.
    fn message(&self) -> Result<String> {
        let subject = self.field("Subject:");
        let subject = subject.split_once("] ").map_or(subject, |(_, rest)| rest);
        let text = format!("{subject}\n\n{}", fs::read_to_string(&self.body)?);

        Ok(text.trim_end().to_owned())
    }
}
