//! The assembled tree: the base with the series on top, one commit for each patch.
//!
//! `series` in the folder of the base lists the patches, as quilt reads it.

use crate::{
    new_files,
    paths::{remove_folder, write_whole, Paths},
    source,
    step::{filter, output},
};
use anyhow::{bail, ensure, Context, Result};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where git looks for files while the series is being committed.
struct Index<'a> {
    paths: &'a Paths,
    file: PathBuf,
}

impl Index<'_> {
    /// A git command that works on this index, and not on the files of the tree.
    fn git(&self, args: &[&str]) -> Command {
        let mut git = Command::new("git");

        git.current_dir(&self.paths.tree)
            .env("GIT_INDEX_FILE", &self.file)
            .args(args);
        git
    }
}

/// The names in `series`.
fn series(paths: &Paths) -> Result<Vec<String>> {
    let file = paths.base.folder.join("series");
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;

    Ok(text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Commits one patch and the new files that come with it on top of `parent`.
fn commit_patch(index: &Index, parent: &str, file: &Path, files: &[String]) -> Result<String> {
    let paths = index.paths;
    let mail = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let out = paths.work.join("mail");

    fs::create_dir_all(&out)?;
    let (message, diff) = (out.join("message"), out.join("diff"));
    let info = filter(
        Command::new("git")
            .current_dir(&out)
            .args(["mailinfo", "-k", "message", "diff"]),
        &mail,
    )?;
    let info = String::from_utf8_lossy(&info).into_owned();
    let field = |name: &str| {
        info.lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_default()
            .trim()
            .to_owned()
    };

    let applied = index
        .git(&["apply", "--cached", "--whitespace=nowarn"])
        .arg(&diff)
        .output()?;
    if !applied.status.success() {
        let errors = String::from_utf8_lossy(&applied.stderr).into_owned();
        bail!(
            "{} does not apply to Linux {}:\n  {}\n  (file and line of each hunk as above)",
            file.display(),
            source::version(&paths.tree)?,
            errors.trim().replace('\n', "\n  ")
        );
    }
    for path in files {
        let blob = output(
            index
                .git(&["hash-object", "-w"])
                .arg(new_files::home(paths, path)?),
        )?;
        let entry = format!("100644,{},{path}", blob.trim());
        output(&mut index.git(&["update-index", "--add", "--cacheinfo", &entry]))?;
    }

    let subject = field("Subject:");
    let subject = subject
        .split_once("] ")
        .map_or(subject.as_str(), |(_, rest)| rest);
    let text = format!("{subject}\n\n{}", fs::read_to_string(&message)?);
    let tree = output(&mut index.git(&["write-tree"]))?;
    let mut commit_tree = index.git(&["commit-tree", tree.trim(), "-p", parent]);
    for (variable, name, default) in [
        ("NAME", "Author:", "nobody"),
        ("EMAIL", "Email:", "nobody@localhost"),
        ("DATE", "Date:", "1970-01-01T00:00:00Z"),
    ] {
        // Mutants are patches without a mail around them.
        let value = Some(field(name)).filter(|value| !value.is_empty());
        let value = value.unwrap_or(default.to_owned());
        for role in ["AUTHOR", "COMMITTER"] {
            commit_tree.env(format!("GIT_{role}_{variable}"), &value);
        }
    }
    let commit = filter(&mut commit_tree, text.trim_end().as_bytes())?;
    Ok(String::from_utf8_lossy(&commit).trim().to_owned())
}

/// Commits the whole series and returns the last commit. Leaves the files of the tree alone.
fn commit_series(index: &Index) -> Result<String> {
    let paths = index.paths;
    let files = new_files::by_patch(paths)?;
    let mut head = output(&mut index.git(&["rev-parse", "base^{commit}"]))?
        .trim()
        .to_owned();

    output(&mut index.git(&["read-tree", "base"]))?;
    for name in series(paths)? {
        let number = name.split('-').next().unwrap_or_default();
        let own = files.get(number).map_or(&[][..], Vec::as_slice);
        head = commit_patch(index, &head, &paths.base.folder.join(&name), own)?;
    }
    Ok(head)
}

/// Puts the files of a commit into the tree. Only those that differ are touched, so that only what
/// depends on them is built again.
pub fn check_out(paths: &Paths, commit: &str) -> Result<()> {
    output(
        Command::new("git")
            .current_dir(&paths.tree)
            .args(["checkout", "-q", "-f", "--detach", commit]),
    )?;
    Ok(())
}

/// Makes the tree that of the base kernel.
pub fn check_out_base(paths: &Paths) -> Result<()> {
    source::prepare(paths)?;
    check_out(paths, "base")
}

/// Makes the tree that of the patched kernel, with a deliberate bug if there is to be one.
pub fn check_out_series(paths: &Paths) -> Result<()> {
    source::prepare(paths)?;
    let index = Index {
        paths,
        file: paths.work.join("series.index"),
    };
    let head = commit_series(&index)?;
    output(
        Command::new("git")
            .current_dir(&paths.tree)
            .args(["branch", "-f", "series", &head]),
    )?;
    match &paths.mutant {
        Some(patch) => check_out(paths, &commit_patch(&index, &head, patch, &[])?),
        None => check_out(paths, &head),
    }
}

/// Another checkout of the patched kernel, for builds of single commits: in the usual one they would
/// touch files that everything depends on.
pub fn apart(paths: &Paths) -> Result<Paths> {
    check_out_series(paths)?;
    let apart = paths.apart();

    // Without that file git would take the repository around it for the checkout.
    if !apart.tree.join(".git").is_file() {
        remove_folder(&apart.tree)?;
        fs::create_dir_all(&apart.work)?;
        output(
            Command::new("git")
                .current_dir(&paths.tree)
                .args(["worktree", "add", "-q", "-f", "--detach"])
                .arg(&apart.tree)
                .arg("base"),
        )?;
    }
    Ok(apart)
}

/// The files that each commit of the branch `series` changes, in order.
fn changed_by_commits(paths: &Paths) -> Result<Vec<Vec<String>>> {
    let git = |args: &[&str]| -> Result<Vec<String>> {
        let printed = output(Command::new("git").current_dir(&paths.tree).args(args))?;
        Ok(printed.lines().map(str::to_owned).collect())
    };

    git(&["rev-list", "--reverse", "base..series"])?
        .iter()
        .map(|commit| {
            git(&[
                "diff-tree",
                "-r",
                "--no-commit-id",
                "--name-only",
                "--no-renames",
                commit,
            ])
        })
        .collect()
}

/// The files that the branch `series` adds, with the number of the patch that each comes with.
fn added(paths: &Paths) -> Result<BTreeMap<String, usize>> {
    let all = changed(paths, "A", &[])?;
    let new: BTreeSet<&str> = all.lines().collect();
    let mut added = BTreeMap::new();
    let mut number = 0;

    for files in changed_by_commits(paths)? {
        // Git writes no patch without an edit. What such a commit changes in new files becomes part
        // of the patches that they come with.
        let edits = files.iter().any(|file| !new.contains(file.as_str()));
        number += usize::from(edits);
        for file in files {
            if !new.contains(file.as_str()) || added.contains_key(&file) {
                continue;
            }
            ensure!(
                edits,
                "the commit that adds {file} edits no file of the base: make it part of another one"
            );
            added.insert(file, number);
        }
    }
    Ok(added)
}

/// Writes the commits of the branch `series`, as it is in the tree, back to the repository. New
/// files go back to where they came from.
pub fn export(paths: &Paths) -> Result<()> {
    let files = added(paths)?;
    for path in new_files::found(paths)? {
        ensure!(
            files.contains_key(&path),
            "the branch series does not add {path}: remove {}, if that is meant",
            new_files::home(paths, &path)?.display()
        );
    }

    let dir = &paths.base.folder;
    let excluded = files.keys().map(|path| format!(":(exclude){path}"));
    for name in series(paths)? {
        let _ = fs::remove_file(dir.join(name));
    }
    let written = output(
        Command::new("git")
            .current_dir(&paths.tree)
            .args([
                "format-patch",
                "--zero-commit",
                "--no-signature",
                "--no-numbered",
                "--no-base",
                "-o",
            ])
            .arg(dir)
            .args(["base..series", "--", "."])
            .args(excluded),
    )?;
    let names: Vec<&str> = written
        .lines()
        .filter_map(|line| line.rsplit('/').next())
        .collect();
    write_whole(&dir.join("series"), names.join("\n") + "\n")?;

    for path in files.keys() {
        let home = new_files::home(paths, path)?;
        let commit = format!("series:{path}");
        let text = filter(
            Command::new("git")
                .current_dir(&paths.tree)
                .args(["show", &commit]),
            b"",
        )?;
        if !fs::read(&home).is_ok_and(|known| known == text) {
            fs::create_dir_all(home.parent().unwrap_or(&paths.top))?;
            write_whole(&home, text)?;
        }
    }
    new_files::write_list(paths, &files)?;
    println!("wrote {} patches", names.len());
    Ok(())
}

/// The files that the series adds (`A`), edits (`M`) or either, of those that patterns of git match,
/// or of all: one in each line.
pub fn changed(paths: &Paths, how: &str, patterns: &[&str]) -> Result<String> {
    output(
        Command::new("git")
            .current_dir(&paths.tree)
            .args(["diff", "--name-only", "--no-renames"])
            .arg(format!("--diff-filter={how}"))
            .args(["base..series", "--"])
            .args(patterns),
    )
}
