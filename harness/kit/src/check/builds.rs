// SPDX-License-Identifier: GPL-2.0

//! Builds with the compiler's and sparse's warnings.

use super::warnings::Warnings;
use crate::{
    kconfig::{
        self,
        Options, //
    },
    kernel::{
        self,
        Image, //
    },
    paths::{
        remove_folder,
        Paths, //
    },
    step::Step,
    toolchain::Toolchain,
    tree::Tree, //
};
use anyhow::Result;
use std::{
    fs,
    path::PathBuf,
    process::Command, //
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

    fn make(&self, tree: &Tree) -> Result<Command> {
        let mut make = kernel::make(tree, &self.toolchain, &self.objects)?;

        // Most files are the same to the compiler in all configurations. The preprocessor's output
        // shows that. The files they depend on, which are compared otherwise, do not: the
        // configuration is one of them.
        make.env_remove("CCACHE_DEPEND");
        Ok(make)
    }

    pub fn image(&self) -> Image {
        Image::pc(self.objects.join("arch/x86/boot/bzImage"))
    }

    /// What it is built with, for any commit.
    pub fn made_of(&self) -> Result<String> {
        let mut made_of = self.toolchain.describe()?;

        for fragment in kconfig::fragments(self.paths, self.config, Options::ALL)? {
            made_of += &fs::read_to_string(fragment)?;
        }
        Ok(made_of)
    }

    /// Forgets what was built: a file that is not built again does not show its warnings.
    pub fn clean(&self) -> Result<()> {
        remove_folder(&self.objects)
    }

    /// Builds a tree, and returns what was warned of.
    pub fn run(&self, tree: &Tree) -> Result<Warnings> {
        let name = format!("check {}", self.config);

        // Commits bring options.
        let options = Options::of(tree)?;
        let fragments = kconfig::fragments(self.paths, self.config, options)?;
        kconfig::write(tree, &self.objects, None, &fragments, || self.make(tree))?;
        Step::new(self.paths, &name).run(self.make(tree)?.args(["W=1", "C=1", "bzImage"]))?;
        let log = format!("{}.log", name.replace(' ', "-"));
        Ok(Warnings::of(&fs::read_to_string(
            self.paths.logs.join(log),
        )?))
    }
}
