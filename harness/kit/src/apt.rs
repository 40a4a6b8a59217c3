// SPDX-License-Identifier: GPL-2.0

//! Where this machine's packages come from, and packages that it does not install.

use crate::{
    arch::Arch,
    paths::{
        remove_folder,
        write_whole, //
    },
    step::output, //
};
use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};
use std::{
    collections::BTreeSet,
    fs,
    path::{
        Path,
        PathBuf, //
    },
    process::Command, //
};

/// The mirror of Debian that is there for everybody.
const MIRROR: &str = "http://deb.debian.org/debian";

/// Where Debian's keys are.
const KEYRINGS: &str = "/usr/share/keyrings";

/// A part of an archive of packages that apt uses.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Archive {
    pub url: String,
    pub suite: String,
    pub component: String,
}

/// The parts of Debian's archives that apt uses.
pub fn archives() -> Result<BTreeSet<Archive>> {
    Ok(parse(&output(Command::new("apt-cache").arg("policy"))?))
}

/// The archive of the release that is installed here.
pub fn archive() -> Result<Archive> {
    let release = fs::read_to_string("/etc/os-release")?;
    let suite = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .context("/etc/os-release names no release of Debian")?;

    archives()?
        .into_iter()
        .find(|archive| archive.suite == suite && archive.component == "main")
        .with_context(|| format!("apt knows no archive of Debian with {suite}/main"))
}

/// The sources of packages of one type from all of them, as a file of apt's has them.
fn of_archives(kind: &str) -> Result<String> {
    let stanza = |archive: &Archive| {
        let Archive {
            url,
            suite,
            component,
        } = archive;
        format!("Types: {kind}\nURIs: {url}\nSuites: {suite}\nComponents: {component}\n\n")
    };

    Ok(archives()?.iter().map(stanza).collect())
}

/// An apt with lists and sources of its own: the one of this machine, and what is installed, are left
/// alone. It needs no root.
pub struct Apart {
    folder: PathBuf,
    suite: String,
    /// Of packages, where it is not that of this machine.
    arch: Option<&'static str>,
}

impl Apart {
    /// One for a suite of Debian, signed by Debian's keys, in a folder. The mirror is that of this
    /// machine.
    pub fn of_suite(folder: &Path, suite: &str) -> Result<Self> {
        let mirror = archive().map_or(MIRROR.to_owned(), |archive| archive.url);
        let release = suite.split('-').next().unwrap_or(suite);
        let sources = format!(
            "Types: deb deb-src\nURIs: {mirror}\nSuites: {suite}\nComponents: main\nSigned-By: {}\n",
            keys(Path::new(KEYRINGS), release)?.join(" ")
        );

        Self::new(folder, suite, &sources)
    }

    /// One for the sources of the packages that this machine installs.
    pub fn of_machine(folder: &Path) -> Result<Self> {
        Self::new(
            folder,
            "the suites of this machine",
            &of_archives("deb-src")?,
        )
    }

    /// One for packages of another architecture, in the suites of this machine.
    pub fn of_arch(folder: &Path, arch: Arch) -> Result<Self> {
        let mut apart = Self::new(
            folder,
            &format!("the suites of this machine for {}", arch.debian()),
            &of_archives("deb")?,
        )?;

        apart.arch = Some(arch.debian());
        Ok(apart)
    }

    /// One with the text of a file of sources.
    fn new(folder: &Path, suite: &str, sources: &str) -> Result<Self> {
        for part in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(part))?;
        }
        write_whole(&folder.join("apart.sources"), sources)?;
        Ok(Apart {
            folder: folder.to_owned(),
            suite: suite.to_owned(),
            arch: None,
        })
    }

    /// A program of apt, such as `get`.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut apt = Command::new(format!("apt-{program}"));

        apt.current_dir(&self.folder);
        for (option, value) in [
            ("Dir::State", "."),
            ("Dir::State::status", "/dev/null"),
            ("Dir::Cache", "cache"),
            ("Dir::Etc::SourceList", "apart.sources"),
        ] {
            let value = match value {
                "/dev/null" => PathBuf::from(value),
                _ => self.folder.join(value),
            };
            apt.arg("-o").arg(format!("{option}={}", value.display()));
        }
        if let Some(arch) = self.arch {
            for option in ["Architecture", "Architectures"] {
                apt.arg("-o").arg(format!("APT::{option}={arch}"));
            }
        }
        apt.args(["-o", "Dir::Etc::SourceParts=/dev/null"])
            // As root, apt would give its work to a user who may not reach the folder.
            .args(["-o", "APT::Sandbox::User=root"])
            .args(["-o", "Acquire::Retries=3"])
            .args(arguments);
        apt
    }

    /// Learns what the archive has.
    pub fn update(&self) -> Result<()> {
        let update = self
            .command("get", &["-q", "update", "--error-on=any"])
            .output()?;

        ensure!(
            update.status.success(),
            "apt cannot read {} in Debian's archive: {}",
            self.suite,
            complaint(&update.stderr)
        );
        Ok(())
    }

    /// Unpacks a version of a package into a folder, unless it is there.
    pub fn unpack(&self, package: &str, version: &str, folder: &Path) -> Result<()> {
        if folder.exists() {
            return Ok(());
        }
        println!("getting {package} {version} from {}", self.suite);
        self.update()?;
        self.expect(package, version)?;
        let half = folder.with_extension("half");
        let deb = folder.with_extension("deb.half");
        remove_folder(&half)?;
        let wanted = format!("{package}={version}");
        self.download(
            &["download", &wanted],
            &format!("{package} {version}"),
            &deb,
        )?;
        let file = fs::read_dir(&deb)?
            .next()
            .with_context(|| format!("apt left nothing of {package}"))??
            .path();
        output(Command::new("dpkg-deb").arg("-x").arg(file).arg(&half))?;
        remove_folder(&deb)?;
        // Whole from here on.
        fs::rename(&half, folder).with_context(|| format!("cannot make {}", folder.display()))
    }

    /// Unpacks upstream's source of the newest version of a package into a folder, unless it is
    /// there. Returns the folder.
    pub fn unpack_source(&self, package: &str, folder: &Path) -> Result<PathBuf> {
        if folder.exists() {
            return Ok(folder.to_owned());
        }
        println!("getting the source of {package} from {}", self.suite);
        self.update()?;
        let half = folder.with_extension("half");
        let files = folder.with_extension("tar.half");
        remove_folder(&half)?;
        fs::create_dir_all(&half)?;
        let wanted = ["source", "--download-only", "--tar-only", package];
        self.download(&wanted, &format!("the source of {package}"), &files)?;
        // A component of its own has a name between: package_1.orig-name.tar.xz.
        let tarball = fs::read_dir(&files)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.to_string_lossy().contains(".orig.tar."))
            .with_context(|| format!("apt left no source of {package}"))?;
        output(
            Command::new("tar")
                .args(["-x", "--strip-components=1", "-C"])
                .arg(&half)
                .arg("-f")
                .arg(&tarball),
        )?;
        remove_folder(&files)?;
        // Whole from here on.
        fs::rename(&half, folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder.to_owned())
    }

    /// Downloads into a new folder. `what` is what an error calls it.
    fn download(&self, wanted: &[&str], what: &str, folder: &Path) -> Result<()> {
        remove_folder(folder)?;
        fs::create_dir_all(folder)?;
        let download = self
            .command("get", &["-q"])
            .args(wanted)
            .current_dir(folder)
            .output()?;

        ensure!(
            download.status.success(),
            "apt cannot download {what}: {}",
            complaint(&download.stderr)
        );
        Ok(())
    }

    /// The newest version of a package that the archive has.
    pub fn newest(&self, package: &str) -> Result<String> {
        self.update()?;
        output(&mut self.command("cache", &["policy", package]))?
            .lines()
            .find_map(|line| line.trim().strip_prefix("Candidate: "))
            .filter(|version| *version != "(none)")
            .map(str::to_owned)
            .with_context(|| format!("{} has no package {package}", self.suite))
    }

    /// Refuses a version that the archive does not have, with those that it has.
    fn expect(&self, package: &str, version: &str) -> Result<()> {
        let known = output(&mut self.command("cache", &["madison", package]))?;
        // A version is there for the package, and for its source.
        let known: BTreeSet<&str> = known
            .lines()
            .filter_map(|line| line.split('|').nth(1))
            .map(str::trim)
            .collect();

        if known.contains(version) {
            return Ok(());
        }
        bail!(
            "{package} {version} is pinned, but {} has {}",
            self.suite,
            match known.is_empty() {
                true => "no such package".to_owned(),
                false => known.into_iter().collect::<Vec<_>>().join(", "),
            }
        )
    }
}

/// What apt says of a failure, in a line.
fn complaint(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("E:") || line.starts_with("W:"))
        .take(2)
        .collect();

    match lines.is_empty() {
        true => text.trim().to_owned(),
        false => lines.join(" "),
    }
}

/// The files with keys of Debian's archive for a release, which have other names in other releases.
fn keys(folder: &Path, release: &str) -> Result<Vec<String>> {
    let all = "debian-archive-keyring.".to_owned();
    let own = format!("debian-archive-{release}-automatic.");
    let mut keys = Vec::new();

    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(&all) || name.starts_with(&own) {
            keys.push(entry.path().display().to_string());
        }
    }
    ensure!(
        !keys.is_empty(),
        "{} has no keys of Debian's archive: install debian-archive-keyring",
        folder.display()
    );
    keys.sort();
    Ok(keys)
}

/// Reads what `apt-cache policy` prints.
fn parse(policy: &str) -> BTreeSet<Archive> {
    policy
        .lines()
        .filter_map(|line| {
            // 500 http://host/path suite/component arch Packages
            let mut words = line.split_whitespace();
            let (_, url, place) = (words.next()?, words.next()?, words.next()?);
            let (suite, component) = place.split_once('/')?;
            url.contains("debian").then(|| Archive {
                url: url.to_owned(),
                suite: suite.to_owned(),
                component: component.to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{
        keys,
        parse,
        Apart, //
    };
    use crate::{
        paths::remove_folder,
        step::output, //
    };
    use std::{
        fs,
        path::PathBuf,
        process::Command, //
    };

    /// A folder of a test's own, with an archive that has a package.
    fn archive(test: &str) -> (PathBuf, Apart) {
        let top = std::env::temp_dir().join(format!("kit-{test}-{}", std::process::id()));
        let (files, archive) = (top.join("files"), top.join("archive"));
        fs::create_dir_all(files.join("DEBIAN")).unwrap();
        fs::create_dir_all(files.join("usr/src")).unwrap();
        fs::create_dir_all(&archive).unwrap();
        fs::write(files.join("usr/src/linux.tar"), "source").unwrap();
        let control = "Package: linux-source-4.2\nVersion: 4.2.9-1\nArchitecture: all\n\
                       Maintainer: A <a@b.example>\nDescription: x\n";
        fs::write(files.join("DEBIAN/control"), control).unwrap();
        let deb = archive.join("linux.deb");
        output(Command::new("dpkg-deb").arg("-b").arg(&files).arg(&deb)).unwrap();
        let sum = output(Command::new("sha256sum").arg(&deb)).unwrap();
        let index = format!(
            "{control}Filename: ./linux.deb\nSize: {}\nSHA256: {}\n",
            fs::metadata(&deb).unwrap().len(),
            sum.split(' ').next().unwrap()
        );
        fs::write(archive.join("Packages"), index).unwrap();
        let sources = format!(
            "Types: deb\nURIs: file:{}\nSuites: ./\nTrusted: yes\n",
            archive.display()
        );
        let apart = Apart::new(&top.join("apt"), "x-backports", &sources).unwrap();
        (top, apart)
    }

    #[test]
    fn a_package_is_unpacked_once() {
        let (top, apart) = archive("package");
        let folder = top.join("4.2.9-1");
        // What an interruption left behind is not taken for the package.
        fs::create_dir_all(top.join("4.2.9-1.half/usr/src/other")).unwrap();
        apart
            .unpack("linux-source-4.2", "4.2.9-1", &folder)
            .unwrap();
        let text = fs::read_to_string(folder.join("usr/src/linux.tar")).unwrap();
        assert_eq!(text, "source");
        assert!(!folder.join("usr/src/other").exists());

        // Without an archive.
        remove_folder(&top.join("archive")).unwrap();
        apart
            .unpack("linux-source-4.2", "4.2.9-1", &folder)
            .unwrap();
        remove_folder(&folder).unwrap();
        let error = apart
            .unpack("linux-source-4.2", "4.2.9-1", &folder)
            .unwrap_err();
        let error = error.to_string();
        assert!(error.contains("apt cannot read x-backports"), "{error}");
        assert!(!folder.exists());
        remove_folder(&top).unwrap();
    }

    #[test]
    fn an_archive_that_has_moved_on_is_told() {
        let (top, apart) = archive("moved-on");
        let told = |package, version| {
            let error = apart.unpack(package, version, &top.join("x")).unwrap_err();
            error.to_string()
        };

        assert_eq!(
            told("linux-source-4.2", "4.2.8-1"),
            "linux-source-4.2 4.2.8-1 is pinned, but x-backports has 4.2.9-1"
        );
        assert_eq!(
            told("linux-source-4.1", "4.1.8-1"),
            "linux-source-4.1 4.1.8-1 is pinned, but x-backports has no such package"
        );
        remove_folder(&top).unwrap();
    }

    #[test]
    fn keys_have_names_of_several_releases() {
        let folder = std::env::temp_dir().join(format!("kit-keys-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for name in [
            "debian-archive-keyring.gpg",
            "debian-archive-x-automatic.pgp",
            "debian-archive-w-automatic.gpg",
            "debian-archive-removed-keys.gpg",
        ] {
            fs::write(folder.join(name), "").unwrap();
        }
        let found = keys(&folder, "x").unwrap().join(" ");
        assert!(
            found.ends_with("/debian-archive-x-automatic.pgp"),
            "{found}"
        );
        assert_eq!(found.split(' ').count(), 2);
        remove_folder(&folder).unwrap();
        assert!(keys(&folder, "x").is_err());
    }

    #[test]
    fn archives_of_debian_are_read() {
        let policy = "Package files:\n\
                      \x20100 /var/lib/dpkg/status\n\
                      \x20    release a=now\n\
                      \x20500 http://host/debian stable/main amd64 Packages\n\
                      \x20    release v=12,o=Debian\n\
                      \x20500 https://other/node_20.x nodistro/main amd64 Packages\n";
        let archives: Vec<_> = parse(policy).into_iter().collect();

        assert_eq!(archives.len(), 1);
        assert_eq!(archives[0].url, "http://host/debian");
        assert_eq!(archives[0].suite, "stable");
        assert_eq!(archives[0].component, "main");
    }
}
