//! KUnit: under User Mode Linux, and in the kernel of the other tests.

use crate::{
    guest::{self, Guest},
    kernel,
    outcome::Outcome,
    step::{feed, Step},
    toolchain::Toolchain,
    tree::Tree,
};
use anyhow::{Context, Result};
use regex_lite::Regex;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A call of `kunit.py` for User Mode Linux, with the objects and the configuration of that name, or
/// for another architecture.
fn kunit_py(tree: &Tree, config: &str, action: &str) -> Result<Command> {
    let toolchain = Toolchain::find(tree.paths)?;
    let mut command = Command::new("tools/testing/kunit/kunit.py");

    command
        .current_dir(tree.check_out()?)
        .arg(action)
        .arg(format!("--build_dir={}", tree.objects(config).display()))
        .arg(format!(
            "--kunitconfig={}",
            tree.paths.fragment(config)?.display()
        ));
    for option in toolchain.make_options() {
        command.arg(format!("--make_options={option}"));
    }
    toolchain.environment(&mut command);
    Ok(command)
}

/// Builds a kernel as a program of this machine.
pub fn build_uml(tree: &Tree) -> Result<PathBuf> {
    Step::new(tree.paths, "build uml").run(&mut kunit_py(tree, "uml", "build")?)?;
    Ok(tree.objects("uml").join("linux"))
}

/// Runs KUnit under UML.
pub fn uml(tree: &Tree) -> Result<Outcome> {
    by_kunit_py(tree, "uml", &[])
}

/// Builds the kernel for 64-bit ARM, and runs KUnit in a guest of that architecture.
pub fn arm64(tree: &Tree) -> Result<Outcome> {
    by_kunit_py(tree, "arm64", &["--arch=arm64"])
}

fn by_kunit_py(tree: &Tree, config: &str, options: &[&str]) -> Result<Outcome> {
    let failed = Step::new(tree.paths, &format!("kunit {config}"))
        .run(
            kunit_py(tree, config, "run")?
                .arg("--timeout=600")
                .args(options),
        )
        .err();
    let text = fs::read_to_string(tree.paths.logs.join(format!("kunit-{config}.log")))?;

    let console = fs::read_to_string(tree.objects(config).join("test.log")).unwrap_or_default();
    summary(&text, failed, &console, true)
}

/// Builds a kernel and runs KUnit in a guest.
pub fn guest(tree: &Tree, config: &str) -> Result<Outcome> {
    let image = kernel::image(tree, config)?;
    let name = format!("{}-{config}", tree.named("kunit"));

    in_guest(tree, &name, &image, true)
}

/// Runs KUnit in a guest. `own`: the suite of the series has to be there.
pub fn in_guest(tree: &Tree, name: &str, image: &Path, own: bool) -> Result<Outcome> {
    let guest = Guest {
        parameters: "kunit.enable=1 loglevel=8",
        ..Guest::of(image, Duration::from_secs(900))
    };
    let console = guest.boot(tree.paths, name)?;
    let parsed = feed(
        Command::new("tools/testing/kunit/kunit.py")
            .current_dir(tree.check_out()?)
            .arg("parse"),
        console.as_bytes(),
    )?;
    let text = String::from_utf8_lossy(&parsed.stdout).into_owned();
    let failed = (!parsed.status.success()).then(|| {
        anyhow::anyhow!(
            "kunit.py: {}",
            String::from_utf8_lossy(&parsed.stderr).trim()
        )
    });

    fs::write(tree.paths.logs.join(format!("{name}.log")), &text)?;
    summary(&text, failed, "", own)
}

/// The suite that comes with the series. A configuration may lose it, and nothing fails.
const OWN: &str = "mremap_range";

/// Reads the line in which `kunit.py` sums up. `own`: the suite of the series has to be there.
fn summary(text: &str, failed: Option<anyhow::Error>, console: &str, own: bool) -> Result<Outcome> {
    let total = text
        .lines()
        .find(|line| line.contains("Testing complete."))
        .map(str::to_owned);
    let Some(total) = total else {
        return Err(failed.unwrap_or_else(|| anyhow::anyhow!("kunit.py printed no summary")));
    };
    let count = |name: &str| -> Result<usize> {
        let pattern = Regex::new(&format!("{name}: ([0-9]+)"))?;
        pattern.captures(&total).map_or(Ok(0), |found| {
            found[1].parse().context("a number in kunit.py's summary")
        })
    };
    let mut outcome = Outcome {
        passed: count("passed")?,
        failed: count("failed")? + count("crashed")? + count("errors")?,
        skipped: count("skipped")?,
        notes: text
            .lines()
            .filter(|line| line.contains("[FAILED]") || line.contains("[ERROR]"))
            .map(str::to_owned)
            .collect(),
    };

    for line in guest::trouble(console) {
        outcome.failed += 1;
        outcome.notes.push(line.to_owned());
    }
    if own && !text.contains(&format!("= {OWN} ")) {
        outcome.failed += 1;
        outcome.notes.push(format!("the suite {OWN} did not run"));
    }
    if outcome.failed == 0 {
        if let Some(error) = failed {
            return Err(error);
        }
    }
    Ok(outcome)
}

/// The crate of the series that is private to the kernel, and the file that it begins with.
const CRATE: &str = "mm/mremap_range";
const ROOT: &str = "mremap_range";

/// Shows what the types of the series do not allow: the kernel's compiler refuses the programs in
/// `harness/compile-fail`, for the reason that each names. Each is compiled as a module of the
/// private crate, in place of its entry.
pub fn compile_fail(tree: &Tree, config: &str) -> Result<Outcome> {
    kernel::build(tree, config)?;
    let objects = tree.objects(config);
    let toolchain = Toolchain::find(tree.paths)?;
    let command = kernel::command_of(&objects, &format!("{CRATE}/{ROOT}"))?;
    let folder = tree.check_out()?.join(CRATE);
    let modules = modules(&folder)?;
    let root = objects.join("compile-fail.rs");
    let mut outcome = Outcome::default();
    let mut files: Vec<_> = fs::read_dir(tree.paths.top.join("harness/compile-fail"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();

    for file in files {
        let source = fs::read_to_string(&file)?;
        let expected = source
            .lines()
            .find_map(|line| line.strip_prefix("//! error: "))
            .with_context(|| format!("{} names no error", file.display()))?;
        fs::write(
            &root,
            format!(
                "#![allow(dead_code, unused_imports)]\n{modules}\
                 #[path = {:?}]\nmod refused;\n",
                file.display().to_string()
            ),
        )?;
        let errors = compile(&objects, &toolchain, &command, &root)?;

        outcome.check(
            errors.contains(&format!("error[{expected}]")) && errors.matches("error[").count() == 1,
            || {
                format!(
                    "{}: expected only {expected}, got:\n{errors}",
                    file.display()
                )
            },
        );
    }
    Ok(outcome)
}

/// The modules of the private crate, with where they are.
fn modules(folder: &Path) -> Result<String> {
    let root = fs::read_to_string(folder.join(format!("{ROOT}.rs")))?;
    let names = root
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));

    Ok(names
        .map(|name| {
            let path = folder.join(format!("{name}.rs"));
            format!("#[path = {:?}]\nmod {name};\n", path.display().to_string())
        })
        .collect())
}

/// Compiles a file as one of `mm/` is compiled. Returns what the compiler says.
fn compile(objects: &Path, toolchain: &Toolchain, command: &str, file: &Path) -> Result<String> {
    // The command names its source last, and its output and dependencies by the object's name.
    let compiler = command
        .split(';')
        .next()
        .unwrap_or_default()
        .replace(&format!("{CRATE}/.{ROOT}.o.d"), "compile-fail.d")
        .replace(
            &format!("--emit=obj={CRATE}/{ROOT}.o"),
            "--emit=obj=compile-fail.o",
        );
    let words: Vec<&str> = compiler
        .split_whitespace()
        .map(|word| {
            if word.ends_with("/mremap_range.rs") {
                "$SOURCE"
            } else {
                word
            }
        })
        .collect();
    let mut shell = Command::new("sh");

    shell
        .current_dir(objects)
        .env("SOURCE", file)
        // As the kernel's make does, for the unstable features that it uses.
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["-c", &words.join(" ")]);
    toolchain.environment(&mut shell);
    Ok(String::from_utf8_lossy(&shell.output()?.stderr).into_owned())
}
