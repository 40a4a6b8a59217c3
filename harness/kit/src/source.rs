// SPDX-License-Identifier: GPL-2.0

//! The source of the base kernel: Debian's source package, or what `LINUX_SRC` names. The package is
//! installed, or it is that of another release of Debian, and then it is got and unpacked apart.

use crate::{
    apt::Apart,
    base::{
        Base,
        Pin, //
    },
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
    bail,
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

/// Where the base kernel's source is: what the user named, or the tarball of Debian's package. That
/// of a suite that this machine does not install from is got by `fetch()`.
fn source(paths: &Paths) -> PathBuf {
    let base = &paths.base;
    let root = match &base.pin {
        Some(pin) => unpacked(paths, &base.source_package, pin),
        None => PathBuf::from("/"),
    };

    paths.linux_src.clone().unwrap_or_else(|| {
        root.join("usr/src")
            .join(format!("{}.tar.xz", base.source_package))
    })
}

/// Where a package of such a suite is unpacked.
fn unpacked(paths: &Paths, package: &str, pin: &Pin) -> PathBuf {
    let (_, version) = pin.version.rsplit_once(':').unwrap_or(("", &pin.version));

    // Without a dot after which something could be taken for an extension.
    paths
        .work
        .join("packages")
        .join(format!("{package}_{version}").replace('.', "_"))
}

/// Gets a package of the base that this machine's Debian does not have. Returns the folder that it is
/// unpacked in: that of this machine for one that is installed.
pub fn package(paths: &Paths, package: &str) -> Result<PathBuf> {
    let Some(pin) = &paths.base.pin else {
        return Ok(PathBuf::from("/"));
    };
    let folder = unpacked(paths, package, pin);

    if !folder.exists() {
        fs::create_dir_all(folder.parent().unwrap_or(&paths.work))?;
        let apt = Apart::of_suite(&paths.work.join("apt"), &pin.suite)?;
        apt.unpack(package, &pin.version, &folder)?;
    }
    Ok(folder)
}

/// Gets the source, if it is to be got and is not there yet. Fails if it cannot be had: without a
/// network, or if the archive has moved on.
pub fn fetch(paths: &Paths) -> Result<()> {
    let base = &paths.base;

    if paths.linux_src.is_some() || base.pin.is_none() {
        return Ok(());
    }
    let id = identity(paths)?;
    if is_made_of(paths, &id) {
        return Ok(());
    }
    package(paths, &base.source_package)
        .map(drop)
        .with_context(|| {
            format!(
                "there is no source of Linux {0}: name a tarball of Linux {0}.y, as kernel.org has \
                 them, with BASE={0} LINUX_SRC=, or change source_version in {1}",
                base.version,
                base.folder.join("base").display()
            )
        })
}

/// What the user calls it.
fn title(source: &Path) -> String {
    format!("LINUX_SRC={}", source.display())
}

/// Is the tree made from the source that is known by this?
fn is_made_of(paths: &Paths, id: &str) -> bool {
    fs::read_to_string(paths.work.join("base-id")).is_ok_and(|known| known == id)
        && paths.checkout.is_dir()
}

/// Refuses a source that the series is not for, without unpacking it.
pub fn judge(paths: &Paths) -> Result<()> {
    let source = source(paths);
    let name = title(&source);

    // What is got is of the right version, and is got when it is needed.
    if paths.linux_src.is_none() && paths.base.pin.is_some() {
        return Ok(());
    }
    if is_made_of(paths, &identity(paths)?) {
        return Ok(());
    }
    match source.is_dir() {
        true => check_version(&paths.base, &source, &name),
        false => check_tarball(&paths.base, &source, &name),
    }
    .map(drop)
}

/// Makes the base kernel's tree, if it is not there yet, as a git checkout with the tag `base`.
pub fn prepare(paths: &Paths) -> Result<()> {
    fetch(paths)?;
    let source = source(paths);
    let name = title(&source);
    let id = identity(paths)?;

    if is_made_of(paths, &id) {
        return Ok(());
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
    let version = check_version(&paths.base, &half, &name)?;

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
    remove_folder(&paths.apart().checkout)?;
    remove_folder(&paths.checkout)?;
    fs::rename(&half, &paths.checkout)?;
    write_whole(&paths.work.join("base-id"), id)
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
pub fn check_version(base: &Base, tree: &Path, name: &str) -> Result<String> {
    let version = version(tree).with_context(|| name.to_owned())?;

    expect(base, version, name)
}

/// The same of a tarball, of which no more is read than up to the kernel's own Makefile.
pub fn check_tarball(base: &Base, tarball: &Path, name: &str) -> Result<String> {
    let makefile = Command::new("tar")
        .arg("-xOf")
        .arg(tarball)
        .args([
            "--occurrence=1",
            "--wildcards",
            "--no-wildcards-match-slash",
        ])
        .arg("*/Makefile")
        .output()
        .context("cannot run tar")?;
    let version = version_in(&String::from_utf8_lossy(&makefile.stdout));

    match version {
        Some(version) => expect(base, version, name),
        None => bail!(
            "{name}: it is not a tarball of Linux {}.y: {}",
            base.version,
            String::from_utf8_lossy(&makefile.stderr)
                .lines()
                .next()
                .unwrap_or("its Makefile has no version")
        ),
    }
}

fn expect(base: &Base, version: String, name: &str) -> Result<String> {
    ensure!(
        version == base.version || version.starts_with(&format!("{}.", base.version)),
        "{name} is Linux {version}, the series is for {}.y",
        base.version
    );
    Ok(version)
}

/// What tells one source from another. That of a pinned version need not be there any more.
fn identity(paths: &Paths) -> Result<String> {
    let base = &paths.base;
    if let (None, Some(pin)) = (&paths.linux_src, &base.pin) {
        return Ok(format!("{} {}\n", base.source_package, pin.version));
    }
    let source = source(paths);
    let meta = fs::metadata(&source).with_context(|| {
        format!(
            "there is no Linux source at {}: install {}, or name a directory or tarball of Linux \
             {}.y with LINUX_SRC=",
            source.display(),
            base.source_package,
            base.version
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

    version_in(&makefile).with_context(|| {
        format!(
            "{} is not a kernel tree: its Makefile has no version",
            tree.display()
        )
    })
}

/// The version that the text of a Makefile gives.
fn version_in(makefile: &str) -> Option<String> {
    let field = |name: &str| {
        makefile
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().strip_prefix('='))
            .map(str::trim)
            .unwrap_or_default()
            .to_owned()
    };
    let mut numbers = ["VERSION", "PATCHLEVEL", "SUBLEVEL"].map(field).to_vec();

    // One that is no stable release may have no such number.
    numbers.retain(|number| !number.is_empty());
    (!numbers.is_empty()).then(|| numbers.join("."))
}

#[cfg(test)]
mod tests {
    use super::{
        check_tarball,
        check_version,
        fetch,
        package,
        prepare,
        version, //
    };
    use crate::{
        base,
        base::Pin,
        paths::{
            remove_folder,
            Paths, //
        },
        step::output, //
    };
    use std::{
        fs,
        path::{
            Path,
            PathBuf, //
        },
        process::Command, //
    };

    /// A folder of this test's own, with a Makefile in a folder `linux`.
    fn folder(test: &str, makefile: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("kit-{test}-{}", std::process::id()));
        fs::create_dir_all(dir.join("linux")).unwrap();
        fs::write(dir.join("linux/Makefile"), makefile).unwrap();
        dir
    }

    fn makefile(patchlevel: u32) -> String {
        format!("# SPDX\nVERSION = 4\nPATCHLEVEL = {patchlevel}\nSUBLEVEL = 9\nEXTRAVERSION =\n")
    }

    #[test]
    fn the_version_is_that_of_the_makefile() {
        let dir = folder("version", &makefile(2));
        let tree = dir.join("linux");
        assert_eq!(version(&tree).unwrap(), "4.2.9");

        fs::write(tree.join("Makefile"), "all:\n").unwrap();
        let error = version(&tree).unwrap_err().to_string();
        assert!(error.contains("is not a kernel tree"), "{error}");
        remove_folder(&dir).unwrap();
    }

    /// What is said of a tarball with such a Makefile.
    fn said_of_tarball(test: &str, makefile: &str) -> Result<String, String> {
        let dir = folder(test, makefile);
        let file = dir.join("linux.tar.xz");
        output(
            Command::new("tar")
                .arg("-C")
                .arg(&dir)
                .arg("-cJf")
                .arg(&file)
                .arg("linux"),
        )
        .unwrap();
        let said = check_tarball(&base::tests::example(dir.clone()), &file, "LINUX_SRC=x")
            .map_err(|error| error.to_string());
        remove_folder(&dir).unwrap();
        said
    }

    #[test]
    fn tarballs_are_judged_without_unpacking() {
        let told = |test: &str, makefile: &str, part: &str| {
            let error = said_of_tarball(test, makefile).unwrap_err();
            assert!(error.contains(part), "{error}");
        };

        assert_eq!(said_of_tarball("right", &makefile(2)).unwrap(), "4.2.9");
        told("old", &makefile(1), "LINUX_SRC=x is Linux 4.1.9");
        told("none", "all:\n", "LINUX_SRC=x: it is not a tarball");

        let base = base::tests::example(PathBuf::new());
        let file = Path::new("/proc/self/cmdline");
        let error = check_tarball(&base, file, "LINUX_SRC=x").unwrap_err();
        assert!(error.to_string().contains("not a tarball"), "{error}");
    }

    #[test]
    fn a_version_may_have_no_number_of_a_stable_release() {
        let dir = folder(
            "first",
            "VERSION = 4\nPATCHLEVEL = 2\nEXTRAVERSION = -rc1\n",
        );
        let tree = dir.join("linux");
        let base = base::tests::example(dir.clone());
        assert_eq!(check_version(&base, &tree, "x").unwrap(), "4.2");

        fs::write(tree.join("Makefile"), "VERSION = 4\nPATCHLEVEL = 20\n").unwrap();
        let error = check_version(&base, &tree, "x").unwrap_err().to_string();
        assert_eq!(error, "x is Linux 4.20, the series is for 4.2.y");
        remove_folder(&dir).unwrap();
    }

    #[test]
    fn a_source_of_another_release_is_found_where_it_is_unpacked() {
        let dir = folder("pinned", &makefile(2));
        let mut base = base::tests::example(dir.join("bases/4.2"));
        base.pin = Some(Pin {
            suite: "x-backports".to_owned(),
            version: "4.2.9-1~bpo1+1".to_owned(),
        });
        let paths = Paths::of(dir.clone(), base);
        fs::create_dir_all(&paths.logs).unwrap();
        let sources = paths
            .work
            .join("packages/linux-source-4_2_4_2_9-1~bpo1+1/usr/src");
        fs::create_dir_all(&sources).unwrap();
        output(
            Command::new("tar")
                .arg("-C")
                .arg(&dir)
                .arg("-cJf")
                .arg(sources.join("linux-source-4.2.tar.xz"))
                .arg("linux"),
        )
        .unwrap();
        assert_eq!(
            package(&paths, "linux-source-4.2").unwrap(),
            sources.ancestors().nth(2).unwrap()
        );
        prepare(&paths).unwrap();
        assert_eq!(version(&paths.checkout).unwrap(), "4.2.9");

        // The tree is enough.
        remove_folder(&paths.work.join("packages")).unwrap();
        fetch(&paths).unwrap();
        prepare(&paths).unwrap();
        remove_folder(&dir).unwrap();
    }
}
