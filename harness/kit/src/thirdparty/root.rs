// SPDX-License-Identifier: GPL-2.0

//! A Debian with the programs, and with tests of their own that Debian's packages leave out, as an
//! archive that guests unpack into their memory.

use crate::{
    apt::{
        self,
        Apart, //
    },
    bootstrap,
    guest::archive_of,
    paths::{
        remove_folder,
        write_whole,
        Paths, //
    },
    step::{
        output,
        Step, //
    }, //
};
use anyhow::{
    Context,
    Result, //
};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{
        Path,
        PathBuf, //
    },
    process::Command, //
};

/// The packages beside Python's tests. Versions are those of the release of Debian, which changes
/// only to mend faults.
const PACKAGES: &str = "stress-ng,python3,perl,tcl";

/// Sources that tests are taken from.
pub const PERL: &str = "perl";
pub const SQLITE: &str = "sqlite3";

/// Where guests have the Debian, and the tests in it, those of a source in a folder of its name.
pub const ROOT: &str = "debian";
pub const TESTS: &str = "tests";

/// What no test needs, and would take memory.
const LEFT_OUT: [&str; 6] = [
    "boot",
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/lib/apt/lists",
];

/// All packages. That of Python's tests has a version in its name, and no other that is always the same.
fn packages() -> Result<String> {
    let depends = output(Command::new("apt-cache").args(["depends", "python3"]))?;
    let python = depends
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with("python3."))
        .context("apt knows no python3 that is some python3.x")?;

    Ok(format!("{PACKAGES},lib{python}-testsuite"))
}

/// The programs and their tests.
pub struct Programs {
    pub archive: PathBuf,
    /// Tests of Perl, by their files.
    pub perl: Vec<String>,
}

/// Makes the archive, unless it is there.
pub fn programs(paths: &Paths) -> Result<Programs> {
    let folder = paths.build.join("thirdparty");
    fs::create_dir_all(&folder)?;
    let packages = packages()?;
    let debian = bootstrap::debian(paths, &folder, "debian", &packages)?;
    // Of the release itself: not every mirror has the sources of its updates.
    let apt = Apart::of_suite(&folder.join("apt"), &apt::archive()?.suite)?;
    let perl = apt.unpack_source(PERL, &folder.join(PERL))?;
    let sqlite = apt.unpack_source(SQLITE, &folder.join(SQLITE))?;
    let testfixture = testfixture(paths, &folder, &sqlite)?;
    let archive = folder.join("archive");
    let stamp = folder.join("archive.made-of");
    let made_of = format!("{packages} {PERL} {SQLITE} {}", LEFT_OUT.join(" "));

    if !archive.exists() || fs::read_to_string(&stamp).map_or(true, |known| known != made_of) {
        let top = folder.join("top");
        let root = top.join(ROOT);
        remove_folder(&top)?;
        fs::create_dir_all(&top)?;
        copy(&debian, &root)?;
        for part in LEFT_OUT {
            remove_folder(&root.join(part))?;
        }
        let tests = root.join(TESTS);
        fs::create_dir(&tests)?;
        add_perl(&perl, &debian, &tests)?;
        add_sqlite(&sqlite, &testfixture, &tests)?;
        write_whole(&archive, archive_of(&top)?)?;
        write_whole(&stamp, made_of)?;
        remove_folder(&top)?;
    }
    Ok(Programs {
        archive,
        perl: tests_of_perl(&perl)?,
    })
}

/// Copies a folder, or what is in it if its name ends with `/.`, into another one.
fn copy(from: &Path, to: &Path) -> Result<()> {
    output(
        Command::new("cp")
            .args(["-a", "--reflink=auto"])
            .args([from, to]),
    )?;
    Ok(())
}

/// The tests of Perl's operators.
fn tests_of_perl(source: &Path) -> Result<Vec<String>> {
    let mut tests: Vec<String> = fs::read_dir(source.join("t/op"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;

    tests.retain(|name| name.ends_with(".t"));
    tests.sort();
    Ok(tests)
}

/// Adds Perl's tests. They look for a Perl, and in `lib` for its modules, which are those of Debian.
fn add_perl(source: &Path, debian: &Path, tests: &Path) -> Result<()> {
    let perl = tests.join(PERL);
    let include = output(Command::new("chroot").arg(debian).args([
        "/usr/bin/perl",
        "-e",
        "print join qq(\\n), @INC",
    ]))?;

    fs::create_dir(&perl)?;
    copy(&source.join("t"), &perl)?;
    copy(&source.join("lib"), &perl)?;
    symlink("/usr/bin/perl", perl.join("t/perl"))?;
    // The first one that has a module is the one that counts.
    for folder in include.lines().rev() {
        let folder = debian.join(folder.trim_start_matches('/'));
        if folder.is_dir() {
            copy(&folder.join("."), &perl.join("lib"))?;
        }
    }
    Ok(())
}

/// Builds the program that SQLite's tests run in.
fn testfixture(paths: &Paths, folder: &Path, source: &Path) -> Result<PathBuf> {
    let build = folder.join("sqlite-build");
    let program = build.join("testfixture");

    if program.exists() {
        return Ok(program);
    }
    remove_folder(&build)?;
    fs::create_dir(&build)?;
    Step::new(paths, "configure sqlite").run(
        Command::new(source.join("configure"))
            .current_dir(&build)
            .args(["--disable-readline", "--disable-shared"]),
    )?;
    Step::new(paths, "build sqlite").run(
        Command::new("make")
            .current_dir(&build)
            .args(["OPTS=-O1", "testfixture"]),
    )?;
    Ok(program)
}

fn add_sqlite(source: &Path, testfixture: &Path, tests: &Path) -> Result<()> {
    let sqlite = tests.join(SQLITE);

    fs::create_dir(&sqlite)?;
    copy(&source.join("test"), &sqlite)?;
    fs::copy(testfixture, sqlite.join("testfixture"))
        .with_context(|| format!("SQLite has not built {}", testfixture.display()))?;
    Ok(())
}
