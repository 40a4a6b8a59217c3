// SPDX-License-Identifier: GPL-2.0

//! A Debian in a folder.

use crate::{
    apt,
    paths::{
        remove_folder,
        write_whole,
        Paths, //
    },
    step::Step, //
};
use anyhow::{
    ensure,
    Result, //
};
use std::{
    fs,
    path::{
        Path,
        PathBuf, //
    },
    process::Command, //
};

/// Makes a Debian of the release that is installed here, unless it is there: the smallest one, and
/// `packages`, with commas between. It is called `name` in a folder, and is not to be changed.
pub fn debian(paths: &Paths, folder: &Path, name: &str, packages: &str) -> Result<PathBuf> {
    let root = folder.join(name);
    let stamp = folder.join(format!("{name}.made-of"));

    if root.is_dir() && fs::read_to_string(&stamp).is_ok_and(|known| known == packages) {
        return Ok(root);
    }
    ensure!(
        rustix::process::getuid().is_root(),
        "debootstrap has to be root to install Debian in a folder: run this as root"
    );
    let archive = apt::archive()?;
    let half = folder.join(format!("{name}.half"));
    remove_folder(&half)?;
    Step::new(paths, "debootstrap").run(
        Command::new("/usr/sbin/debootstrap")
            .args(["--variant=minbase", &format!("--include={packages}")])
            .arg(&archive.suite)
            .arg(&half)
            .arg(&archive.url),
    )?;
    remove_folder(&root)?;
    fs::rename(&half, &root)?;
    write_whole(&stamp, packages)?;
    Ok(root)
}
