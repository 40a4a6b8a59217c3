// SPDX-License-Identifier: GPL-2.0

//! Configurations of kernels: Kconfig fragments of `configs/`.

use crate::{
    configuration,
    paths::{
        write_whole,
        Paths, //
    },
    step::Step,
    toolchain::Toolchain,
    tree::Tree, //
};
use anyhow::{
    bail,
    ensure,
    Result, //
};
use std::{
    collections::BTreeMap,
    fs,
    path::{
        Path,
        PathBuf, //
    },
    process::Command, //
};

/// Which options of the series a tree knows.
#[derive(Clone, Copy)]
pub struct Options {
    range: bool,
    /// Its KUnit tests.
    pub tests: bool,
}

impl Options {
    pub const ALL: Self = Options {
        range: true,
        tests: true,
    };

    pub fn of(tree: &Tree) -> Result<Self> {
        let kconfig = tree.read("mm/Kconfig")?;
        let has = |option| {
            kconfig
                .lines()
                .any(|line| line.strip_prefix("config ") == Some(option))
        };

        Ok(Options {
            range: has("MREMAP_RANGE"),
            tests: has("MREMAP_RANGE_KUNIT_TEST"),
        })
    }
}

/// The Kconfig fragments of a configuration, for a tree that knows some options of the series. One
/// of the configuration can turn the series off.
pub fn fragments(paths: &Paths, config: &str, options: Options) -> Result<Vec<PathBuf>> {
    let mut has_kunit = false;
    let mut fragments = match options.range {
        true => paths.fragments("range")?,
        false => Vec::new(),
    };

    for name in configuration::find(config)?.fragments {
        for fragment in paths.fragments(name)? {
            has_kunit |= fs::read_to_string(&fragment)?.contains("CONFIG_KUNIT=y");
            fragments.push(fragment);
        }
    }
    if options.tests && has_kunit {
        fragments.extend(paths.fragments("kunit")?);
    }
    Ok(fragments)
}

/// The fragments of a kernel, and what builds it: another text means another kernel.
pub struct Wanted {
    fragments: Vec<PathBuf>,
    pub text: String,
}

impl Wanted {
    pub fn of(tree: &Tree, toolchain: &Toolchain, config: &str) -> Result<Self> {
        let fragments = fragments(tree.paths, config, Options::of(tree)?)?;
        let mut text = toolchain.make_options().join("\n");

        for fragment in &fragments {
            text.push('\n');
            text.push_str(&fs::read_to_string(fragment)?);
        }
        Ok(Wanted { fragments, text })
    }

    /// Writes the configuration if it is another one than last time: the smallest one, with the
    /// fragments on top. `make` is as for `write()`.
    pub fn configure(
        &self,
        tree: &Tree,
        toolchain: &Toolchain,
        objects: &Path,
        make: impl Fn() -> Result<Command>,
    ) -> Result<()> {
        let stamp = objects.join("fragments");

        if fs::read_to_string(&stamp).is_ok_and(|known| known == self.text)
            && objects.join(".config").is_file()
        {
            return Ok(());
        }
        println!("  {}", toolchain.describe()?);
        write(tree, objects, None, &self.fragments, make)?;
        write_whole(&stamp, &self.text)
    }
}

/// Writes a configuration: that of a file or the smallest one, with fragments on top, of which a
/// later one may change what an earlier one says. `make` starts a make that writes to `objects`.
///
/// Fails if an option of a fragment did not make it.
pub fn write(
    tree: &Tree,
    objects: &Path,
    start: Option<&str>,
    fragments: &[PathBuf],
    make: impl Fn() -> Result<Command>,
) -> Result<()> {
    fs::create_dir_all(objects)?;
    let step = Step::new(tree.paths, "configure");
    match start {
        Some(config) => write_whole(&objects.join(".config"), config)?,
        None => step.run(make()?.args(["-s", "tinyconfig"]))?,
    }
    step.run(
        Command::new("scripts/kconfig/merge_config.sh")
            .current_dir(tree.check_out()?)
            .args(["-m", "-O"])
            .arg(objects)
            .arg(objects.join(".config"))
            .args(fragments),
    )?;
    step.run(make()?.args(["-s", "olddefconfig"]))?;

    let made = fs::read_to_string(objects.join(".config"))?;
    let mut wanted = BTreeMap::new();
    for fragment in fragments {
        for line in fs::read_to_string(fragment)?.lines() {
            if let Some((option, _)) = line.split_once('=') {
                wanted.insert(option.to_owned(), Some(line.to_owned()));
            } else if let Some(option) = line
                .strip_prefix("# ")
                .and_then(|line| line.strip_suffix(" is not set"))
            {
                wanted.insert(option.to_owned(), None);
            }
        }
    }
    let lost: Vec<String> = wanted
        .into_values()
        .flatten()
        .filter(|line| line.starts_with("CONFIG_") && !made.lines().any(|made| made == line))
        .collect();
    if lost.iter().any(|line| line == "CONFIG_RUST=y") {
        let why = make()?.arg("rustavailable").output()?;
        ensure!(
            why.status.success(),
            "the kernel cannot be built with this Rust: {}",
            String::from_utf8_lossy(&why.stderr).trim()
        );
        bail!(
            "this configuration does not take CONFIG_RUST: see what it depends on, in init/Kconfig"
        );
    }
    ensure!(
        lost.is_empty(),
        "the kernel does not take these options of configs/: {}",
        lost.join(", ")
    );
    Ok(())
}
