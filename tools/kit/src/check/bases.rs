//! Other kernels that the patches have to apply to.

use crate::{
    outcome::Outcome,
    paths::{Paths, VERSION},
    series,
    step::{output, Step},
};
use anyhow::{ensure, Context, Result};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The package whose upstream source is taken if none is named. It is what upstream released, but
/// for a few files that are no free software.
const PACKAGE: &str = "linux-6.12";

/// The series applies to upstream's source, without Debian's patches.
///
/// `UPSTREAM` names a tarball of another 6.12.y.
pub fn upstream(paths: &Paths) -> Result<Outcome> {
    let mails = series::write(paths)?;
    let tarball = match std::env::var_os("UPSTREAM") {
        Some(tarball) => PathBuf::from(tarball),
        None => download(&paths.work.join("upstream"))?,
    };
    let tree = paths.work.join("upstream-linux");

    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    fs::create_dir_all(&tree)?;
    Step::new(paths, "unpack upstream").run(
        Command::new("tar")
            .args(["--strip-components=1", "-xf"])
            .arg(&tarball)
            .arg("-C")
            .arg(&tree),
    )?;
    // Apart from the repository around it.
    output(Command::new("git").current_dir(&tree).args(["init", "-q"]))?;
    let version = crate::base::version(&tree)?;
    ensure!(
        version.starts_with(&format!("{VERSION}.")),
        "{} is Linux {version}",
        tarball.display()
    );
    let mut outcome = Outcome::default();

    for mail in &mails[1..] {
        let applied = Command::new("git")
            .current_dir(&tree)
            .args(["apply", "--whitespace=error-all"])
            .arg(mail)
            .output()?;
        outcome.check(applied.status.success(), || {
            format!(
                "{} does not apply to Linux {version}:\n{}",
                series::name(mail),
                String::from_utf8_lossy(&applied.stderr)
            )
        });
    }
    println!("  applied to Linux {version} of {}", tarball.display());
    fs::remove_dir_all(&tree)?;
    Ok(outcome)
}

/// Downloads upstream's source, unless it is there.
fn download(folder: &Path) -> Result<PathBuf> {
    let found = || -> Result<Option<PathBuf>> {
        let mut tarballs: Vec<PathBuf> = fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        tarballs.retain(|path| path.to_string_lossy().ends_with(".orig.tar.xz"));
        tarballs.sort();
        Ok(tarballs.pop())
    };
    fs::create_dir_all(folder.join("lists/partial"))?;
    if let Some(tarball) = found()? {
        return Ok(tarball);
    }

    // Sources of the release that is installed, in lists of their own.
    let lists = folder.join("sources.list");
    fs::write(&lists, source_lines()?)?;
    let apt = |what: &str, args: &[&str]| {
        let mut apt = Command::new(format!("apt-{what}"));
        apt.current_dir(folder)
            .arg("-o")
            .arg(format!("Dir::Etc::SourceList={}", lists.display()))
            .args(["-o", "Dir::Etc::SourceParts=/dev/null", "-o"])
            .arg(format!(
                "Dir::State::Lists={}",
                folder.join("lists").display()
            ))
            .args(args);
        apt
    };
    output(&mut apt("get", &["update"]))?;
    let known = output(&mut apt("cache", &["showsrc", PACKAGE]))?;
    let versions: BTreeSet<&str> = known
        .lines()
        .filter_map(|line| line.strip_prefix("Version: "))
        .collect();
    // Archives drop the newest sources of packages that have been replaced already.
    for version in versions.iter().rev() {
        let package = format!("{PACKAGE}={version}");
        let download = apt("get", &["source", "--download-only", "--tar-only", &package]).output()?;
        if download.status.success() {
            break;
        }
    }
    found()?.with_context(|| {
        format!("no source of {PACKAGE} can be downloaded: name a tarball of Linux with UPSTREAM=")
    })
}

/// The lines of apt's sources, for sources instead of packages.
fn source_lines() -> Result<String> {
    let policy = output(Command::new("apt-cache").arg("policy"))?;
    let mut lines: Vec<String> = policy
        .lines()
        .filter_map(|line| {
            // 500 http://host/path suite/component arch Packages
            let mut words = line.split_whitespace();
            let (_, host, place) = (words.next()?, words.next()?, words.next()?);
            let (suite, component) = place.split_once('/')?;
            host.contains("debian")
                .then(|| format!("deb-src {host} {suite} {component}\n"))
        })
        .collect();

    lines.sort();
    lines.dedup();
    Ok(lines.concat())
}
