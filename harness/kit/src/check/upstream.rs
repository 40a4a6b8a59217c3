// SPDX-License-Identifier: GPL-2.0

//! Other kernels that the patches have to apply to.

use super::asked;
use crate::{
    apt::Apart,
    base::Base,
    git::git,
    outcome::Outcome,
    paths::{
        remove_folder,
        Paths, //
    },
    series,
    source,
    step::output,
    tree::Tree, //
};
use anyhow::Result;
use std::{
    collections::BTreeSet,
    fs,
    path::{
        Path,
        PathBuf, //
    }, //
};

/// The tarball that `UPSTREAM` names, if it names one.
fn named() -> Option<PathBuf> {
    let file = std::env::var_os("UPSTREAM").filter(|file| !file.is_empty())?;
    Some(PathBuf::from(file))
}

/// Refuses what is not of the right Linux.
pub fn judge(paths: &Paths) -> Result<()> {
    match named() {
        Some(tarball) => source::check_tarball(&paths.base, &tarball, &title(&tarball)).map(drop),
        None => Ok(()),
    }
}

/// What the user calls a tarball.
fn title(tarball: &Path) -> String {
    format!("UPSTREAM={}", tarball.display())
}

/// The series applies to upstream's source, without Debian's patches, of the base's release or a
/// later one.
///
/// `UPSTREAM` names a tarball of another release. Otherwise it is that of Debian's source package:
/// what upstream released, except for a few files that are no free software.
pub fn check(tree: &Tree, name: &str) -> Result<Outcome> {
    let paths = tree.paths;
    // A series applies to what is below it, so all of that is applied as well.
    let mut parts = asked(tree, "")?;
    let wanted = asked(tree, name)?;
    let last = wanted.last().map(|part| &part.branch);
    let end = parts.iter().position(|part| Some(&part.branch) == last);
    parts.truncate(end.map_or(0, |index| index + 1));
    let from = source::version(tree.check_out()?)?;
    let Some(tarball) = named().map_or_else(
        || download(&paths.base, &paths.work.join("upstream"), &from),
        |tarball| Ok(Some(tarball)),
    )?
    else {
        return Ok(Outcome::skipped(&format!(
            "no source of {} from {from} on can be downloaded: name a tarball of Linux with \
             UPSTREAM=",
            paths.base.upstream_package
        )));
    };
    let upstream = paths.work.join("upstream-linux");

    remove_folder(&upstream)?;
    fs::create_dir_all(&upstream)?;
    source::unpack(paths, &tarball, &upstream)?;
    // Apart from the repository around it.
    output(git(&upstream).args(["init", "-q"]))?;
    let version = source::check_version(&paths.base, &upstream, &title(&tarball))?;
    let mut outcome = Outcome::default();

    for part in parts {
        for mail in &series::mails(tree, &part)?.patches {
            let applied = git(&upstream)
                .args(["apply", "--whitespace=error-all"])
                .arg(mail)
                .output()?;
            outcome.check(applied.status.success(), || {
                format!(
                    "{}: {} does not apply to Linux {version}:\n{}",
                    part.name,
                    series::name(mail),
                    String::from_utf8_lossy(&applied.stderr)
                )
            });
        }
    }
    println!("  applied to Linux {version} of {}", tarball.display());
    fs::remove_dir_all(&upstream)?;
    Ok(outcome)
}

/// The number of a release of the stable kernel, in the version or the name of a package: 9 of
/// `4.2.9-1` and of `linux_4.2.9`.
fn release(base: &Base, version: &str) -> u32 {
    let prefix = format!("{}.", base.version);

    version
        .rsplit_once(&prefix)
        .map(|(_, rest)| rest)
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

/// Downloads upstream's source of the release `from` or a later one, unless it is there. There may
/// be none: archives drop the sources of packages that have been replaced.
fn download(base: &Base, folder: &Path, from: &str) -> Result<Option<PathBuf>> {
    let found = || -> Result<Option<PathBuf>> {
        let mut tarballs: Vec<PathBuf> = fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        tarballs.retain(|path| {
            path.to_string_lossy()
                .strip_suffix(".orig.tar.xz")
                .is_some_and(|name| release(base, name) >= release(base, from))
        });
        tarballs.sort();
        Ok(tarballs.pop())
    };
    fs::create_dir_all(folder)?;
    if let Some(tarball) = found()? {
        return Ok(Some(tarball));
    }

    let apt = match &base.pin {
        Some(pin) => Apart::of_suite(&folder.join("apt"), &pin.suite)?,
        None => Apart::of_machine(&folder.join("apt"))?,
    };
    apt.update()?;
    let known = output(&mut apt.command("cache", &["showsrc", &base.upstream_package]))?;
    let versions: BTreeSet<&str> = known
        .lines()
        .filter_map(|line| line.strip_prefix("Version: "))
        .filter(|version| release(base, version) >= release(base, from))
        .collect();
    for version in versions {
        let package = format!("{}={version}", base.upstream_package);
        let download = apt
            .command(
                "get",
                &["source", "--download-only", "--tar-only", &package],
            )
            .current_dir(folder)
            .output()?;
        if download.status.success() {
            break;
        }
    }
    found()
}

#[cfg(test)]
mod tests {
    use super::release;
    use crate::base;
    use std::path::PathBuf;

    #[test]
    fn releases_are_numbers() {
        let base = base::tests::example(PathBuf::new());
        let release = |version| release(&base, version);

        assert_eq!(release("4.2.9"), 9);
        assert_eq!(release("4.2.117-1~deb12u1"), 117);
        assert_eq!(release("/x/linux-4.2_4.2.107"), 107);
        assert!(release("4.2.100-1") > release("4.2.99"));
    }
}
