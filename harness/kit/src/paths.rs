// SPDX-License-Identifier: GPL-2.0

//! Where things are in the repository.

use crate::{
    base::Base,
    stack::Part,
    times::Times, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use std::path::{
    Path,
    PathBuf, //
};

/// The repository, which is found from the place of this program's source.
pub fn top() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .context("the repository is not where this program was built from")
}

/// The repository, and what is made in it.
#[derive(Clone)]
pub struct Paths {
    /// The repository.
    pub top: PathBuf,
    /// The kernel that the series is for.
    pub base: Base,
    /// The source of the kernel that the user names with `LINUX_SRC`, if that is asked for.
    pub linux_src: Option<PathBuf>,
    /// Everything that is made.
    pub build: PathBuf,
    /// What is made for this base.
    pub work: PathBuf,
    /// The git checkout of the kernel, which holds the files of one tree at a time.
    pub checkout: PathBuf,
    /// Full logs of long steps.
    pub logs: PathBuf,
    /// How long these take.
    pub times: Times,
}

impl Paths {
    /// Where things are for the base of that name, in the repository of this program's source. It is
    /// the one that the user's options are for.
    pub fn find(name: &str) -> Result<Self> {
        let top = top()?;
        let base = Base::find(&top, name)?;
        let mut paths = Self::of(top, base);

        paths.linux_src = std::env::var_os("LINUX_SRC")
            .filter(|source| !source.is_empty())
            .map(PathBuf::from);
        paths.make()?;
        Ok(paths)
    }

    /// The same for another base, of which the user's options say nothing.
    pub fn beside(&self, name: &str) -> Result<Self> {
        let mut paths = Self::of(self.top.clone(), Base::find(&self.top, name)?);

        paths.times = self.times.clone();
        paths.make()?;
        Ok(paths)
    }

    /// Makes what everything else needs.
    fn make(&self) -> Result<()> {
        std::fs::create_dir_all(&self.logs)
            .with_context(|| format!("cannot make {}", self.logs.display()))
    }

    /// Where things are for a base, in a repository.
    pub fn of(top: PathBuf, base: Base) -> Self {
        let build = top.join("build");
        let work = build.join(base.folder.file_name().unwrap_or_default());

        Paths {
            base,
            linux_src: None,
            checkout: work.join("linux"),
            logs: work.join("logs"),
            top,
            build,
            work,
            times: Times::default(),
        }
    }

    /// The same with another checkout, and all that is made from it.
    pub fn apart(&self) -> Self {
        let work = self.work.join("apart");

        Paths {
            checkout: work.join("linux"),
            work,
            ..self.clone()
        }
    }

    /// The console of a guest.
    pub fn console(&self, guest: &str) -> PathBuf {
        self.logs.join(format!("{guest}.console"))
    }

    /// A series as mails.
    pub fn mails(&self, part: &Part) -> PathBuf {
        match part.is_main() {
            true => self.work.join("series"),
            false => self.work.join("fixes").join(&part.name),
        }
    }

    /// The objects of a configuration.
    pub fn objects(&self, config: &str) -> PathBuf {
        self.work.join(format!("obj-{config}"))
    }

    /// The Kconfig fragments of that name: that of all bases, and what this base has beside it.
    pub fn fragments(&self, config: &str) -> Result<Vec<PathBuf>> {
        let file = format!("{config}.config");
        let mut paths = vec![self.top.join("configs").join(&file)];

        ensure!(
            paths[0].is_file(),
            "there is no configuration '{config}' in configs/"
        );
        paths.push(self.base.folder.join("config").join(&file));
        paths.retain(|path| path.is_file());
        Ok(paths)
    }
}

/// Removes a folder with all that is in it, if it is there.
pub fn remove_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

/// Replaces a file as a whole: an interruption leaves the old one or the new one.
pub fn write_whole(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    let half = path.with_extension("half");

    std::fs::write(&half, text)
        .and_then(|()| std::fs::rename(&half, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use crate::scratch::Repository;

    #[test]
    fn a_base_adds_to_fragments() {
        let repository = Repository::new("fragments");
        let count = |config| repository.0.fragments(config).map(|found| found.len());
        repository.write("configs/test.config", "");
        assert_eq!(count("test").unwrap(), 1);
        repository.write("bases/4.2/config/test.config", "");
        assert_eq!(count("test").unwrap(), 2);
        let last = repository.0.fragments("test").unwrap().pop().unwrap();
        assert!(last.ends_with("bases/4.2/config/test.config"));

        // There is nothing to add to.
        repository.write("bases/4.2/config/other.config", "");
        let error = count("other").unwrap_err().to_string();
        assert!(error.contains("no configuration 'other'"), "{error}");
    }
}
