//! Builds with the compiler's and sparse's warnings.

use super::warnings::Warnings;
use crate::{
    kernel::{self, Options},
    paths::{remove_folder, Paths},
    step::Step,
    toolchain::Toolchain,
};
use anyhow::Result;
use std::{fs, path::PathBuf, process::Command};

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
