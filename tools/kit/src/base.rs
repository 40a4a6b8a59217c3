//! The base kernel: Debian's source package, or what `LINUX_SRC` names.

use crate::{
    paths::{remove_folder, write_whole, Paths, VERSION},
    step::{output, Step},
};
use anyhow::{ensure, Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const DEFAULT: &str = "/usr/src/linux-source-6.12.tar.xz";

/// Makes the base kernel's tree, if it is not there yet, as a git checkout with the tag `base`.
pub fn prepare(paths: &Paths) -> Result<()> {
    let source = PathBuf::from(std::env::var_os("LINUX_SRC").unwrap_or(DEFAULT.into()));
    let name = format!("LINUX_SRC={}", source.display());
    let id = identity(&source)?;
    let id_file = paths.work.join("base-id");

    if fs::read_to_string(&id_file).is_ok_and(|known| known == id) && paths.tree.is_dir() {
        return Ok(());
    }
    if source.is_dir() {
        check_version(&source, &name)?;
    }
    // What an interruption left behind is not taken for a tree.
    let half = paths.work.join("linux.half");
    remove_folder(&half)?;
    fs::create_dir_all(&half)?;
    println!("unpacking {}", source.display());
    if source.is_dir() {
        Step::new(paths, "unpack").run(
            Command::new("rsync")
                .args(["-a", "--exclude=.git"])
                .arg(format!("{}/", source.display()))
                .arg(&half),
        )?;
    } else {
        unpack(paths, &source, &half)?;
    }
    let version = check_version(&half, &name)?;

    println!("Linux {version} is the base");
    let git = |args: &[&str]| output(Command::new("git").current_dir(&half).args(args));
    git(&["init", "-q"])?;
    git(&["config", "gc.auto", "0"])?;
    // Forced: the source package ignores every file in its .gitignore.
    git(&["add", "-Af", "."])?;
    git(&[
        "-c",
        "user.name=base",
        "-c",
        "user.email=base@localhost",
        "commit",
        "-q",
        "-m",
        &format!("Linux {version}"),
    ])?;
    git(&["tag", "base"])?;
    remove_folder(&paths.apart().tree)?;
    remove_folder(&paths.tree)?;
    fs::rename(&half, &paths.tree)?;
    write_whole(&id_file, id)
}

/// Unpacks a tarball of a kernel into a folder.
pub fn unpack(paths: &Paths, tarball: &Path, folder: &Path) -> Result<()> {
    Step::new(paths, "unpack").run(
        Command::new("tar")
            .args(["--strip-components=1", "-xf"])
            .arg(tarball)
            .arg("-C")
            .arg(folder),
    )
}

/// Refuses a tree that the series is not for. `name` is what the user calls it.
pub fn check_version(tree: &Path, name: &str) -> Result<String> {
    let version = version(tree).with_context(|| name.to_owned())?;

    ensure!(
        version.starts_with(&format!("{VERSION}.")),
        "{name} is Linux {version}, the series is for {VERSION}.y"
    );
    Ok(version)
}

/// What tells one source from another.
fn identity(source: &Path) -> Result<String> {
    let meta = fs::metadata(source).with_context(|| {
        format!(
            "there is no Linux source at {}: install linux-source-{VERSION}, or name a directory \
             or tarball of Linux {VERSION}.y with LINUX_SRC=",
            source.display()
        )
    })?;
    let changed = meta
        .modified()?
        .duration_since(std::time::UNIX_EPOCH)?
        .as_secs();

    Ok(format!("{} {} {changed}\n", source.display(), meta.len()))
}

/// The version that a kernel tree's Makefile gives.
pub fn version(tree: &Path) -> Result<String> {
    let makefile = fs::read_to_string(tree.join("Makefile"))
        .with_context(|| format!("{} is not a kernel tree", tree.display()))?;
    let field = |name: &str| {
        makefile
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().strip_prefix('='))
            .map(str::trim)
            .unwrap_or_default()
            .to_owned()
    };
    let version = [field("VERSION"), field("PATCHLEVEL"), field("SUBLEVEL")].join(".");

    ensure!(
        version.chars().any(|c| c.is_ascii_digit()),
        "{} is not a kernel tree: its Makefile has no version",
        tree.display()
    );
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::version;
    use std::fs;

    #[test]
    fn the_version_is_that_of_the_makefile() {
        let dir = std::env::temp_dir().join(format!("kit-version-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(
            dir.join("Makefile"),
            "# SPDX\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 9\nEXTRAVERSION =\n",
        )
        .unwrap();
        assert_eq!(version(&dir).unwrap(), "6.12.9");

        fs::write(dir.join("Makefile"), "all:\n").unwrap();
        let error = version(&dir).unwrap_err().to_string();
        assert!(error.contains("is not a kernel tree"), "{error}");
        fs::remove_dir_all(&dir).unwrap();
    }
}
