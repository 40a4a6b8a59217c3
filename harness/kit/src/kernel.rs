//! Building kernels.

use crate::{
    base::Base,
    paths::{write_whole, Paths},
    source,
    step::Step,
    toolchain::Toolchain,
    tree,
};
use anyhow::{bail, ensure, Context, Result};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A make of the kernel, in its tree, with a job for each CPU.
pub fn make(paths: &Paths, toolchain: &Toolchain, objects: &Path) -> Command {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut make = Command::new("make");

    make.current_dir(&paths.tree)
        .arg(format!("-j{jobs}"))
        .arg(format!("O={}", objects.display()))
        .args(toolchain.make_options());
    toolchain.environment(&mut make);
    make
}

/// How many steps a build takes, for a total while it runs, where nothing has been built of a
/// configuration: the lines of the log `build-series-<configuration>.log` after it. Later builds go
/// by the one before.
fn steps_of_first_build(base: &Base, objects: &Path, config: &str) -> Option<usize> {
    let steps = base.steps.get(config)?;

    (!objects.join("vmlinux").exists()).then_some(*steps)
}

/// What is built.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Base,
    Series,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            What::Base => "base",
            What::Series => "series",
        }
    }

    /// The Kconfig fragments of a configuration.
    fn fragments(self, paths: &Paths, config: &str) -> Result<Vec<PathBuf>> {
        let options = match self {
            What::Base => Options::NOTHING,
            What::Series => Options::ALL,
        };
        fragments(paths, config, options)
    }
}

/// Which options of the series a tree knows.
#[derive(Clone, Copy)]
pub struct Options {
    range: bool,
    /// Its KUnit tests.
    pub tests: bool,
}

impl Options {
    const NOTHING: Self = Options {
        range: false,
        tests: false,
    };

    pub const ALL: Self = Options {
        range: true,
        tests: true,
    };

    /// What the tree that is checked out knows.
    pub fn checked_out(paths: &Paths) -> Result<Self> {
        let kconfig = fs::read_to_string(paths.tree.join("mm/Kconfig"))?;
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

/// The Kconfig fragments of a configuration, for a tree that knows some options of the series. That
/// of the configuration can turn the series off.
pub fn fragments(paths: &Paths, config: &str, options: Options) -> Result<Vec<PathBuf>> {
    let own = paths.fragment(config)?;
    let has_kunit = fs::read_to_string(&own)?.contains("CONFIG_KUNIT=y");
    let mut fragments = vec![paths.fragment("common")?];

    if options.range {
        fragments.push(paths.fragment("range")?);
    }
    fragments.push(own);
    if options.tests && has_kunit {
        fragments.push(paths.fragment("kunit")?);
    }
    Ok(fragments)
}

/// Writes the configuration if it is another one than last time: the smallest one, with the
/// fragments on top.
fn configure(
    paths: &Paths,
    toolchain: &Toolchain,
    objects: &Path,
    what: What,
    config: &str,
) -> Result<()> {
    let fragments = what.fragments(paths, config)?;
    let mut wanted = toolchain.make_options().join("\n");
    for fragment in &fragments {
        wanted.push('\n');
        wanted.push_str(&fs::read_to_string(fragment)?);
    }
    let stamp = objects.join("fragments");
    if fs::read_to_string(&stamp).is_ok_and(|known| known == wanted)
        && objects.join(".config").is_file()
    {
        return Ok(());
    }

    println!("  {}", toolchain.describe()?);
    write_config(paths, objects, None, &fragments, || {
        make(paths, toolchain, objects)
    })?;
    write_whole(&stamp, wanted)
}

/// Writes a configuration: that of a file or the smallest one, with fragments on top, of which a
/// later one may change what an earlier one says. `make` starts a make that writes to `objects`.
///
/// Fails if an option of a fragment did not make it.
pub fn write_config(
    paths: &Paths,
    objects: &Path,
    start: Option<&str>,
    fragments: &[PathBuf],
    make: impl Fn() -> Command,
) -> Result<()> {
    fs::create_dir_all(objects)?;
    let step = Step::new(paths, "configure");
    match start {
        Some(config) => write_whole(&objects.join(".config"), config)?,
        None => step.run(make().args(["-s", "tinyconfig"]))?,
    }
    step.run(
        Command::new("scripts/kconfig/merge_config.sh")
            .current_dir(&paths.tree)
            .args(["-m", "-O"])
            .arg(objects)
            .arg(objects.join(".config"))
            .args(fragments),
    )?;
    step.run(make().args(["-s", "olddefconfig"]))?;

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
        let why = make().arg("rustavailable").output()?;
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

/// Builds the tree as it is checked out.
fn build(paths: &Paths, what: What, config: &str) -> Result<PathBuf> {
    let toolchain = Toolchain::find(paths)?;
    let objects = paths.objects(config);

    configure(paths, &toolchain, &objects, what, config)?;
    Step::new(paths, &format!("build {} {config}", what.name()))
        .expect(steps_of_first_build(&paths.base, &objects, config))
        .run(make(paths, &toolchain, &objects).arg("bzImage"))?;
    Ok(objects.join("arch/x86/boot/bzImage"))
}

/// Copies an image, so that it appears as a whole or not at all.
fn publish(image: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;

    write_whole(to, bytes)
}

/// Builds the patched kernel. The image of the usual configuration is `build/<base>/bzImage`,
/// that of a kernel with a deliberate bug has a name of its own.
pub fn series(paths: &Paths, config: &str) -> Result<PathBuf> {
    tree::check_out_series(paths)?;
    let built = build(paths, What::Series, config)?;
    let image = match config {
        _ if paths.mutant.is_some() => paths.work.join("bzImage-mutant"),
        "test" => paths.work.join("bzImage"),
        other => paths.work.join(format!("bzImage-{other}")),
    };

    publish(&built, &image)?;
    Ok(image)
}

/// Builds the kernel without the series, in the same configuration, for comparison.
///
/// It uses the objects of the patched kernel: they differ in little.
fn unpatched(paths: &Paths, config: &str) -> Result<PathBuf> {
    source::prepare(paths)?;
    let image = paths.work.join(format!("bzImage-base-{config}"));
    let stamp = image.with_extension("made-of");
    let made_of = format!(
        "{}{}",
        fs::read_to_string(paths.work.join("base-id")).unwrap_or_default(),
        What::Base
            .fragments(paths, config)?
            .iter()
            .map(|path| fs::read_to_string(path).unwrap_or_default())
            .collect::<String>()
    );
    if image.is_file() && fs::read_to_string(&stamp).is_ok_and(|known| known == made_of) {
        return Ok(image);
    }

    tree::check_out_base(paths)?;
    let built = build(paths, What::Base, config)?;
    publish(&built, &image)?;
    write_whole(&stamp, made_of)?;
    Ok(image)
}

/// Builds both kernels, the base first: in this order most objects are built once. Returns the
/// images of the base and of the patched kernel.
pub fn both(paths: &Paths, config: &str) -> Result<(PathBuf, PathBuf)> {
    let base = unpatched(paths, config)?;

    Ok((base, series(paths, config)?))
}

/// The compiler command of an object of the kernel, as the last build ran it.
pub fn command_of(objects: &Path, source: &str) -> Result<String> {
    let path = Path::new(source);
    let name = format!(
        ".{}.o.cmd",
        path.file_stem().unwrap_or_default().to_string_lossy()
    );
    let file = objects
        .join(path.parent().unwrap_or(Path::new("")))
        .join(name);
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;

    text.lines()
        .find_map(|line| {
            line.starts_with("savedcmd_")
                .then(|| line.split_once(":= "))?
        })
        .map(|(_, command)| command.to_owned())
        .with_context(|| format!("{} has no command", file.display()))
}

#[cfg(test)]
mod tests {
    use super::steps_of_first_build;
    use crate::{
        base::{self, Base},
        options::kernel_config,
        paths::{self, remove_folder},
    };
    use std::fs;

    #[test]
    fn the_first_build_has_a_total() {
        let objects = std::env::temp_dir().join(format!("kit-objects-{}", std::process::id()));
        let base = base::tests::example(objects.clone());
        let steps = |config| steps_of_first_build(&base, &objects, config);
        assert_eq!(steps("test"), Some(7));
        assert_eq!(steps("unknown"), None);

        fs::create_dir_all(&objects).unwrap();
        fs::write(objects.join("vmlinux"), "").unwrap();
        assert_eq!(steps("test"), None);
        remove_folder(&objects).unwrap();
    }

    #[test]
    fn totals_are_of_configurations() {
        let top = paths::top().unwrap();

        for name in base::names(&top).unwrap() {
            for config in Base::find(&top, &name).unwrap().steps.keys() {
                assert!(kernel_config(config).is_ok(), "{name}: {config}");
            }
        }
    }
}
