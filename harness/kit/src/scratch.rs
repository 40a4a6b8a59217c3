// SPDX-License-Identifier: GPL-2.0

//! A repository of a test's own, with a base of a few files.

use crate::{
    base::tests::example,
    git::git,
    paths::{
        remove_folder,
        Paths, //
    },
    step::output, //
};
use std::fs;

/// Removed with all that is in it when it is dropped.
pub struct Repository(pub Paths);

impl Repository {
    pub fn new(test: &str) -> Self {
        let top = std::env::temp_dir().join(format!("kit-{test}-{}", std::process::id()));
        let base = example(top.join("bases/4.2"));
        let repository = Repository(Paths::of(top, base));

        fs::create_dir_all(&repository.0.base.folder).unwrap();
        repository
    }

    pub fn write(&self, file: &str, text: &str) {
        let file = self.0.top.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.top.join(file)).unwrap()
    }

    /// Runs git in the checkout.
    pub fn git(&self, args: &[&str]) -> String {
        output(
            git(&self.0.checkout)
                .args(["-c", "user.name=a", "-c", "user.email=a@b.example"])
                .args(args),
        )
        .unwrap()
    }

    /// Makes the checkout, with these files as the base.
    pub fn unpack(&self, files: &[(&str, &str)]) {
        self.write("build/4.2/linux/Makefile", "VERSION = 4\nPATCHLEVEL = 2\n");
        for (file, text) in files {
            self.write(&format!("build/4.2/linux/{file}"), text);
        }
        self.git(&["init", "-q"]);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "base"]);
        self.git(&["tag", "base"]);
    }

    /// Tells git who signs patches off.
    pub fn identify(&self) {
        output(git(&self.0.top).args(["init", "-q"])).unwrap();
        for (key, value) in [("user.name", "A"), ("user.email", "a@b.example")] {
            output(git(&self.0.top).args(["config", key, value])).unwrap();
        }
    }

    /// Adds a patch to the end of a series, that of its folder, which replaces the line that is all
    /// of a file.
    pub fn add_patch(&self, name: &str, file: &str, old: &str, new: &str) {
        self.write(
            &format!("bases/4.2/{name}"),
            &format!(
                "From: A <a@b.example>\nDate: Thu, 1 Jan 2026 00:00:00 +0000\n\
                 Subject: [PATCH] {name}\n\nWhy.\n---\ndiff --git a/{file} b/{file}\n\
                 --- a/{file}\n+++ b/{file}\n@@ -1 +1 @@\n-{old}\n+{new}\n"
            ),
        );
        let (folder, name) = name.rsplit_once('/').unwrap_or((".", name));
        let list = format!("bases/4.2/{folder}/series");
        let known = fs::read_to_string(self.0.top.join(&list)).unwrap_or_default();
        self.write(&list, &format!("{known}{name}\n"));
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        remove_folder(&self.0.top).unwrap();
    }
}
