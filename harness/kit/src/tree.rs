// SPDX-License-Identifier: GPL-2.0

//! A kernel tree: the base, the series on top of it, or that with a deliberate bug.
//!
//! There is one folder for all of them, as most of what is built of one fits the next, or is in the
//! compiler's cache. So what is built takes a tree, which sees to it that the folder holds its files.

use crate::{
    assemble,
    git::git,
    paths::{
        remove_folder,
        write_whole,
        Paths, //
    },
    source,
    step::output, //
};
use anyhow::{
    ensure,
    Result, //
};
use std::{
    cell::OnceCell,
    fs,
    path::{
        Path,
        PathBuf, //
    }, //
};

/// Which tree it is.
#[derive(Clone, Debug)]
pub enum At {
    Base,
    Series,
    /// The series, and a patch with a deliberate bug on top.
    Mutant(PathBuf),
    /// A commit that is there, by a name of git's.
    Commit(String),
}

/// A kernel tree.
pub struct Tree<'a> {
    /// Where it is, and what it is based on.
    pub paths: &'a Paths,
    pub at: At,
    /// Found when it is needed first, as it may have to be assembled, and not all tests need it.
    commit: OnceCell<String>,
}

impl<'a> Tree<'a> {
    pub fn new(paths: &'a Paths, at: At) -> Self {
        Tree {
            paths,
            at,
            commit: OnceCell::new(),
        }
    }

    /// The tree that this one is compared with.
    pub fn base(&self) -> Self {
        Tree::new(self.paths, At::Base)
    }

    /// Its commit. Assembles it first where that is due.
    pub fn commit(&self) -> Result<&str> {
        if let Some(known) = self.commit.get() {
            return Ok(known);
        }
        let paths = self.paths;
        let commit = match &self.at {
            At::Commit(name) => assemble::commit(paths, name)?,
            At::Base => {
                source::prepare(paths)?;
                assemble::commit(paths, "base")?
            }
            At::Series => {
                source::prepare(paths)?;
                paths.times.of("assemble", || assemble::series(paths))?
            }
            At::Mutant(patch) => {
                let series = Tree::new(paths, At::Series);
                assemble::mutant(paths, series.commit()?, patch)?
            }
        };
        Ok(self.commit.get_or_init(|| commit))
    }

    /// What its kernel is made of: a number for each file and folder at the top, without those that
    /// say something about it, and without `tools`, unless programs of that matter.
    pub fn kernel_files(&self, with_tools: bool) -> Result<String> {
        let all = output(git(&self.paths.checkout).args(["ls-tree", self.commit()?]))?;
        let matters = |line: &&str| match line.rsplit('\t').next() {
            Some("Documentation" | "MAINTAINERS") => false,
            Some("tools") => with_tools,
            _ => true,
        };

        Ok(all.lines().filter(matters).collect::<Vec<_>>().join("\n"))
    }

    /// Puts its files into the folder of the checkout, if others are there, and returns that.
    pub fn check_out(&self) -> Result<&'a Path> {
        let commit = self.commit()?;
        let folder = self.paths.checkout.as_path();
        // As long as this is there, the files are of two commits.
        let half = self.paths.work.join("checkout.half");
        let interrupted = half.exists();
        let edits = output(git(folder).args(["status", "--porcelain", "--untracked-files=no"]))?;

        ensure!(
            edits.is_empty() || interrupted,
            "{} has edits that are not committed:\n{edits}commit them on the branch series and \
             run 'make export', or drop them by 'git checkout -f' there",
            folder.display()
        );
        // The series is checked out by its name, so that what is committed there becomes a part.
        let (branch, checkout) = match self.at {
            At::Series => (Some("refs/heads/series"), &["series"][..]),
            _ => (None, &["--detach", commit][..]),
        };
        let is_there = assemble::commit(self.paths, "HEAD")? == commit
            && branch.is_none_or(|branch| is_on(folder, branch));
        if interrupted || !is_there {
            write_whole(&half, commit)?;
            // Only files that differ are touched, so that only what depends on them is built again.
            output(git(folder).args(["checkout", "-q", "-f"]).args(checkout))?;
            fs::remove_file(&half)?;
        }
        Ok(folder)
    }

    /// A file of it, wherever the folder is.
    pub fn read(&self, file: &str) -> Result<String> {
        let name = format!("{}:{file}", self.commit()?);

        output(git(&self.paths.checkout).args(["show", &name]))
    }

    /// The files that it adds to the base (`A`), edits (`M`) or either, of those that patterns of
    /// git match, or of all: one in each line.
    pub fn changed(&self, how: &str, patterns: &[&str]) -> Result<String> {
        let range = format!("base..{}", self.commit()?);

        output(
            git(&self.paths.checkout)
                .args(["diff", "--name-only", "--no-renames"])
                .arg(format!("--diff-filter={how}"))
                .args([&range, "--"])
                .args(patterns),
        )
    }

    /// What it is called in names of files and steps.
    pub fn title(&self) -> &'static str {
        match self.at {
            At::Base => "base",
            At::Series => "series",
            At::Mutant(_) => "mutant",
            At::Commit(_) => "commit",
        }
    }

    /// The name of something that is made of it. The series is what there is without a word.
    pub fn named(&self, what: &str) -> String {
        match self.at {
            At::Series => what.to_owned(),
            _ => format!("{what}-{}", self.title()),
        }
    }

    /// The image of a configuration: that of the series in the usual one is `bzImage`.
    pub fn image(&self, config: &str) -> PathBuf {
        let name = match (&self.at, config) {
            (At::Series, "test") => "bzImage".to_owned(),
            _ => format!("{}-{config}", self.named("bzImage")),
        };

        self.paths.work.join(name)
    }

    /// The objects of a configuration. Trees share them: they differ in little.
    pub fn objects(&self, config: &str) -> PathBuf {
        self.paths.objects(config)
    }
}

/// Is a checkout on that branch?
fn is_on(checkout: &Path, branch: &str) -> bool {
    output(git(checkout).args(["symbolic-ref", "-q", "HEAD"])).is_ok_and(|on| on.trim() == branch)
}

/// Another checkout, for builds of single commits of the series: in the usual one they would touch
/// files that everything depends on.
pub fn apart(series: &Tree) -> Result<Paths> {
    let paths = series.paths;
    let apart = paths.apart();

    series.commit()?;
    // Without that file git would take the repository around it for the checkout.
    if !apart.checkout.join(".git").is_file() {
        remove_folder(&apart.checkout)?;
        fs::create_dir_all(&apart.work)?;
        output(
            git(&paths.checkout)
                .args(["worktree", "add", "-q", "-f", "--detach"])
                .arg(&apart.checkout)
                .arg("base"),
        )?;
    }
    Ok(apart)
}

#[cfg(test)]
mod tests {
    use super::{
        At,
        Tree, //
    };
    use crate::scratch::Repository;

    fn repository(test: &str) -> Repository {
        let repository = Repository::new(test);

        repository.unpack(&[("mm/a.c", "1\n")]);
        repository.add_patch("0001-a.patch", "mm/a.c", "1", "2");
        repository.write("bases/4.2/new-files", "");
        repository
    }

    /// The tree of a name of git's: other ones look for the base's source on this machine.
    fn at<'a>(repository: &'a Repository, name: &str) -> Tree<'a> {
        Tree::new(&repository.0, At::Commit(name.to_owned()))
    }

    #[test]
    fn the_checkout_holds_the_tree_that_is_asked_for() {
        let repository = repository("checkout");
        crate::assemble::series(&repository.0).unwrap();
        let file = "build/4.2/linux/mm/a.c";

        for (name, text) in [("series", "2\n"), ("base", "1\n"), ("series", "2\n")] {
            at(&repository, name).check_out().unwrap();
            assert_eq!(repository.read(file), text);
            assert_eq!(at(&repository, name).read("mm/a.c").unwrap(), text);
        }
        assert_eq!(
            at(&repository, "series").changed("M", &[]).unwrap(),
            "mm/a.c\n"
        );
        let files = |name| at(&repository, name).kernel_files(true).unwrap();
        assert!(files("series").ends_with("\tmm") && files("series") != files("base"));
    }

    #[test]
    fn edits_are_not_overwritten() {
        let repository = repository("edits");
        let file = "build/4.2/linux/mm/a.c";
        let base = at(&repository, "base");
        repository.write(file, "mine\n");

        let error = base.check_out().unwrap_err().to_string();
        assert!(error.contains(" M mm/a.c\n"), "{error}");
        assert_eq!(repository.read(file), "mine\n");

        // What an interruption left behind is nobody's.
        repository.write("build/4.2/checkout.half", "");
        base.check_out().unwrap();
        assert_eq!(repository.read(file), "1\n");
        assert!(!repository.0.work.join("checkout.half").exists());
    }

    #[test]
    fn names_follow_from_the_tree() {
        let repository = repository("names");
        let name = |at, config| {
            let image = Tree::new(&repository.0, at).image(config);
            image.file_name().unwrap().to_string_lossy().into_owned()
        };

        assert_eq!(name(At::Series, "test"), "bzImage");
        assert_eq!(name(At::Series, "debug"), "bzImage-debug");
        assert_eq!(name(At::Base, "test"), "bzImage-base-test");
        assert_eq!(name(At::Mutant("x".into()), "test"), "bzImage-mutant-test");
    }
}
