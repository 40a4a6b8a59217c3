//! Builds with the compiler's and sparse's warnings, and for another architecture.

use super::warnings::Warnings;
use crate::{
    kernel::{self, Options},
    outcome::Outcome,
    paths::{remove_folder, Paths},
    step::Step,
    toolchain::Toolchain,
    tree,
};
use anyhow::Result;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A kernel that is built again and again, with the compiler's and sparse's warnings.
pub struct Build<'a> {
    paths: &'a Paths,
    toolchain: Toolchain,
    objects: PathBuf,
    config: &'static str,
}

impl<'a> Build<'a> {
    pub fn new(paths: &'a Paths, config: &'static str) -> Result<Self> {
        Ok(Build {
            paths,
            toolchain: Toolchain::find(paths)?,
            objects: paths.objects(config),
            config,
        })
    }

    fn make(&self) -> Command {
        kernel::make(self.paths, &self.toolchain, &self.objects)
    }

    pub fn image(&self) -> PathBuf {
        self.objects.join("arch/x86/boot/bzImage")
    }

    /// What it is built with, for any commit.
    pub fn made_of(&self) -> Result<String> {
        let mut made_of = self.toolchain.describe()?;

        for fragment in kernel::fragments(self.paths, self.config, Options::ALL)? {
            made_of += &fs::read_to_string(fragment)?;
        }
        Ok(made_of)
    }

    /// Forgets what was built: a file that is not built again does not show its warnings.
    pub fn clean(&self) -> Result<()> {
        remove_folder(&self.objects)
    }

    /// Builds what is checked out, and returns what was warned of.
    pub fn run(&self) -> Result<Warnings> {
        let name = format!("check {}", self.config);

        // Commits bring options.
        let options = Options::checked_out(self.paths)?;
        let fragments = kernel::fragments(self.paths, self.config, options)?;
        kernel::write_config(self.paths, &self.objects, None, &fragments, || self.make())?;
        Step::new(self.paths, &name).run(self.make().args(["W=1", "C=1", "bzImage"]))?;
        let log = format!("{}.log", name.replace(' ', "-"));
        Ok(Warnings::of(&fs::read_to_string(
            self.paths.logs.join(log),
        )?))
    }
}

/// The patched kernel builds for an architecture that has no Rust in this version, and does not
/// have the option there.
pub fn without_rust(paths: &Paths) -> Result<Outcome> {
    let toolchain = Toolchain::find(paths)?;
    let objects = paths.objects("arm");
    let make = || {
        let mut make = kernel::make(paths, &toolchain, &objects);
        make.arg("ARCH=arm");
        make
    };
    let mut outcome = Outcome::default();

    tree::check_out_series(paths)?;
    kernel::write_config(paths, &objects, None, &[paths.fragment("arm")?], make)?;
    Step::new(paths, "check arm").run(make().arg("vmlinux"))?;
    outcome.check(!has_option(&objects)?, || {
        "CONFIG_MREMAP_RANGE is on without Rust".to_owned()
    });
    Ok(outcome)
}

fn has_option(objects: &Path) -> Result<bool> {
    let config = fs::read_to_string(objects.join(".config"))?;

    Ok(config.contains("CONFIG_MREMAP_RANGE=y"))
}
