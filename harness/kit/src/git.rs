// SPDX-License-Identifier: GPL-2.0

//! Git, as a program.

use crate::step::filter;
use anyhow::Result;
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

/// The number that git gives to some content: another one for other content.
pub fn number(content: &[u8]) -> Result<String> {
    let number = filter(
        Command::new("git").args(["hash-object", "--stdin"]),
        content,
    )?;

    Ok(String::from_utf8_lossy(&number).trim().to_owned())
}
