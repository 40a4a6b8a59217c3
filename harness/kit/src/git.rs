// SPDX-License-Identifier: GPL-2.0

//! Git, as a program.

use std::{
    path::Path,
    process::Command, //
};

/// A git for the repository that a folder is part of.
pub fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");

    git.current_dir(folder);
    git
}
