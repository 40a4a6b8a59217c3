// SPDX-License-Identifier: GPL-2.0

//! The kernels that there are patches for: `bases/<name>/`, and what its file `base` says of one.

use crate::{
    arch::Arch,
    stack, //
};
use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};
use std::{
    collections::BTreeMap,
    fs,
    path::{
        Path,
        PathBuf, //
    }, //
};

/// How many random layouts the suite `fuzz` moves, where a base does not say.
const LAYOUTS: u64 = 1500;

/// A version of packages that a suite of Debian's archive has, other than the one of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    pub suite: String,
    pub version: String,
}

/// A kernel that there are patches for.
#[derive(Clone)]
pub struct Base {
    /// The folder with the patches and all else that is for this base alone.
    pub folder: PathBuf,
    /// The version of Linux, without the number of a stable release.
    pub version: String,
    /// Debian's package with the source.
    pub source_package: String,
    /// Debian's package with its configurations.
    pub config_package: String,
    /// Debian's source package, which has upstream's source in it.
    pub upstream_package: String,
    /// A source that this release of Debian does not have: where it is.
    pub pin: Option<Pin>,
    /// The series of fixes below the main one, from the bottom up.
    pub fixes: Vec<String>,
    /// What subjects of mails begin with, and those of fixes.
    pub subject_prefix: String,
    pub fixes_prefix: String,
    /// The suites that run if all bases are tested, where this is not the usual one.
    pub suites: Vec<String>,
    /// How many random layouts the suite `fuzz` moves.
    pub layouts: u64,
    /// The program that reads the comments of the code, in the kernel tree.
    pub kernel_doc: String,
    /// Selftests of the base that call `mremap()`, each with its options, and those of them that it
    /// does not build for 64-bit ARM.
    selftests: Vec<String>,
    selftests_not_arm64: Vec<String>,
    /// Selftests that its fixes add, or change so that they fail without.
    pub fixes_selftests: Vec<String>,
    /// Does it move several mappings by one call as well, by a loop in C?
    pub c_loop: bool,
    /// How many lines the first build of a configuration prints, where that is known.
    pub steps: BTreeMap<String, usize>,
    /// What the demo says with the feature turned off.
    pub demo_off: String,
    /// What the arena says then.
    pub arena_off: String,
}

impl Base {
    /// Its name: that of its folder.
    pub fn name(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Its selftests that call `mremap()` on an architecture, each with its options.
    pub fn selftests_on(&self, arch: Arch) -> impl Iterator<Item = &str> {
        self.selftests
            .iter()
            .filter(move |test| arch != Arch::Arm64 || !self.selftests_not_arm64.contains(test))
            .map(String::as_str)
    }

    /// Reads what is known of the base of that name.
    pub fn find(top: &Path, name: &str) -> Result<Self> {
        let folder = top.join("bases").join(name);
        let file = folder.join("base");
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;

        Self::parse(folder, &text).with_context(|| file.display().to_string())
    }

    /// Makes one of the text of its file.
    pub fn parse(folder: PathBuf, text: &str) -> Result<Self> {
        let mut facts: BTreeMap<&str, &str> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('='))
            .collect();
        let words = |value: Option<&str>| -> Vec<String> {
            let words = value.unwrap_or_default().split_whitespace();
            words.map(str::to_owned).collect()
        };
        let fixes = words(facts.remove("fixes"));
        let fixes_selftests = words(facts.remove("fixes_selftests"));
        let selftests_not_arm64 = words(facts.remove("selftests_not_arm64"));
        let suites = words(facts.remove("suites"));
        let layouts = match facts.remove("layouts") {
            Some(number) => number
                .parse()
                .with_context(|| format!("layouts={number}: it is a number"))?,
            None => LAYOUTS,
        };
        let c_loop = match facts.remove("loop") {
            Some("yes") => true,
            Some(other) => bail!("loop={other}: it is yes, or there is no such line"),
            None => false,
        };
        let pin = match (facts.remove("source_suite"), facts.remove("source_version")) {
            (Some(suite), Some(version)) => Some(Pin {
                suite: suite.to_owned(),
                version: version.to_owned(),
            }),
            (None, None) => None,
            _ => bail!("source_suite= and source_version= go together"),
        };
        let mut take = |key: &str| -> Result<String> {
            let value = facts.remove(key);
            Ok(value
                .with_context(|| format!("there is no line {key}="))?
                .to_owned())
        };

        for (index, name) in fixes.iter().enumerate() {
            ensure!(
                stack::is_name(name) && !fixes[..index].contains(name),
                "fixes=: a series cannot be called '{name}', or is named twice"
            );
        }
        Ok(Base {
            folder,
            pin,
            fixes,
            fixes_selftests,
            selftests_not_arm64,
            suites,
            layouts,
            c_loop,
            version: take("version")?,
            source_package: take("source_package")?,
            config_package: take("config_package")?,
            upstream_package: take("upstream_package")?,
            subject_prefix: take("subject_prefix")?,
            fixes_prefix: take("fixes_prefix")?,
            kernel_doc: take("kernel_doc")?,
            selftests: take("selftests")?
                .split(',')
                .map(|test| test.trim().to_owned())
                .collect(),
            demo_off: take("demo_off")?,
            arena_off: take("arena_off")?,
            steps: rest(facts)?,
        })
    }
}

/// What is left of the facts: numbers of steps, and nothing that nobody would read.
fn rest(facts: BTreeMap<&str, &str>) -> Result<BTreeMap<String, usize>> {
    facts
        .into_iter()
        .map(|(key, value)| {
            let config = key.strip_prefix("steps_");
            let config = config.with_context(|| format!("the line {key}= means nothing"))?;
            let steps = value
                .parse()
                .with_context(|| format!("{key}= is no number"))?;
            Ok((config.to_owned(), steps))
        })
        .collect()
}

/// The names of all bases.
pub fn names(top: &Path) -> Result<Vec<String>> {
    let folder = top.join("bases");
    let mut names = Vec::new();

    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let entry = entry?;
        if entry.path().join("base").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    ensure!(!names.is_empty(), "{} has no base", folder.display());
    names.sort();
    Ok(names)
}

#[cfg(test)]
pub mod tests {
    use super::{
        names,
        Base, //
    };
    use crate::{
        arch::Arch,
        paths, //
    };
    use std::path::PathBuf;

    const TEXT: &str = "# of no kernel\nversion=4.2\nsource_package=linux-source-4.2\n\
                        config_package=linux-config-4.2\nupstream_package=linux-4.2\n\
                        subject_prefix=RFC PATCH 4.2\nfixes_prefix=PATCH 4.2\n\
                        kernel_doc=scripts/kernel-doc\nselftests=one, two -f x\n\
                        demo_off=a=b\narena_off=no\nsteps_test=7\n";

    /// A base that does not exist, in a folder.
    pub fn example(folder: PathBuf) -> Base {
        Base::parse(folder, TEXT).unwrap()
    }

    #[test]
    fn facts_are_read() {
        let base = example(PathBuf::new());

        assert_eq!(base.version, "4.2");
        assert_eq!(base.selftests, ["one", "two -f x"]);
        assert_eq!(base.demo_off, "a=b");
        assert_eq!(base.steps["test"], 7);
        assert_eq!((base.pin, base.fixes.len()), (None, 0));
        assert!(!base.c_loop);

        let more = "source_suite=x-backports\nsource_version=4.2.9-1\nfixes=one two\n\
                    fixes_selftests=three four\nsuites=vma kunit\nlayouts=30\nloop=yes\n\
                    selftests_not_arm64=one\n";
        let base = Base::parse(PathBuf::new(), &format!("{TEXT}{more}")).unwrap();
        let pin = base.pin.clone().unwrap();
        assert_eq!((&*pin.suite, &*pin.version), ("x-backports", "4.2.9-1"));
        assert_eq!(base.fixes, ["one", "two"]);
        assert_eq!(base.fixes_selftests, ["three", "four"]);
        let on = |arch| base.selftests_on(arch).collect::<Vec<_>>();
        assert_eq!(on(Arch::X86_64), ["one", "two -f x"]);
        assert_eq!(on(Arch::Arm64), ["two -f x"]);
        assert_eq!(base.suites, ["vma", "kunit"]);
        assert_eq!(base.layouts, 30);
        assert!(base.c_loop);
    }

    #[test]
    fn facts_are_complete_and_known() {
        let told = |text: &str| match Base::parse(PathBuf::new(), text) {
            Ok(_) => panic!("taken: {text}"),
            Err(error) => error.to_string(),
        };

        assert_eq!(
            told(&TEXT.replace("version=4.2\n", "")),
            "there is no line version="
        );
        assert_eq!(
            told(&format!("{TEXT}colour=red\n")),
            "the line colour= means nothing"
        );
        assert_eq!(
            told(&format!("{TEXT}steps_debug=many\n")),
            "steps_debug= is no number"
        );
        assert_eq!(
            told(&format!("{TEXT}source_suite=x\n")),
            "source_suite= and source_version= go together"
        );
        assert_eq!(
            told(&format!("{TEXT}loop=no\n")),
            "loop=no: it is yes, or there is no such line"
        );
        for fixes in ["a main", "a b a", "x/y"] {
            assert!(told(&format!("{TEXT}fixes={fixes}\n")).starts_with("fixes=: "));
        }
    }

    #[test]
    fn all_bases_are_understood() {
        let top = paths::top().unwrap();

        for name in names(&top).unwrap() {
            Base::find(&top, &name).unwrap();
        }
    }
}
