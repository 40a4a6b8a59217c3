// SPDX-License-Identifier: GPL-2.0

//! What guests of another architecture need: packages of Debian for it, which are unpacked apart.

use crate::{
    apt::Apart,
    arch::Arch,
    paths::Paths,
    step::output,
    toolchain, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use std::{
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    process::Command, //
};

/// Debian's packages of Rust's library, on Debian 12 and 13. The one whose compiler is used here.
const LIBRARIES: [&str; 2] = ["libstd-rust-web-dev", "libstd-rust-dev"];

/// Where rustc looks for libraries, in its sysroot.
const RUSTLIB: &str = "lib/rustlib";

/// The folder of what is had of an architecture.
fn folder(paths: &Paths, arch: Arch) -> PathBuf {
    paths.build.join(arch.name())
}

/// Unpacks a package: in a version, or in the newest one. Returns the folder.
fn package(paths: &Paths, arch: Arch, package: &str, version: Option<&str>) -> Result<PathBuf> {
    let to = folder(paths, arch).join(package);

    if !to.exists() {
        let apt = Apart::of_arch(&folder(paths, arch).join("apt"), arch)?;
        let version = match version {
            Some(version) => version.to_owned(),
            None => apt.newest(package)?,
        };
        apt.unpack(package, &version, &to)?;
    }
    Ok(to)
}

/// A busybox without libraries.
pub fn busybox(paths: &Paths, arch: Arch) -> Result<PathBuf> {
    let root = match arch.is_foreign() {
        true => package(paths, arch, "busybox-static", None)?,
        false => PathBuf::from("/"),
    };

    Ok(root.join("bin/busybox"))
}

/// The library of Rust that this machine's compiler from Debian comes with: its package, and version.
fn library() -> Result<(&'static str, String)> {
    let installed = |package: &'static str| {
        let query = ["-W", "-f", "${Version}", package];
        let version = output(Command::new("dpkg-query").args(query)).ok()?;
        (!version.is_empty()).then_some((package, version))
    };

    LIBRARIES
        .into_iter()
        .find_map(installed)
        .with_context(|| format!("none of {} is installed", LIBRARIES.join(", ")))
}

/// A sysroot of Debian's rustc that has the library of that architecture as well.
pub fn sysroot(paths: &Paths, arch: Arch) -> Result<PathBuf> {
    let (name, version) = library()?;
    let own = package(paths, arch, name, Some(&version))?;
    let sysroot = folder(paths, arch).join("sysroot");
    let link = sysroot.join(RUSTLIB).join(arch.rust_target());
    let library = own.join("usr").join(RUSTLIB).join(arch.rust_target());

    ensure!(
        library.is_dir(),
        "{name} {version} has no {}",
        library.display()
    );
    if !link.exists() {
        fs::create_dir_all(sysroot.join(RUSTLIB))?;
        symlink(&library, &link).with_context(|| format!("cannot make {}", link.display()))?;
    }
    Ok(sysroot)
}

/// Has cargo build programs for an architecture: with Debian's compiler, whose library that is.
pub fn build_with(cargo: &mut Command, arch: Arch) {
    let target = arch.rust_target().to_uppercase().replace('-', "_");

    cargo.env("RUSTC", toolchain::DEBIAN_RUSTC).env(
        format!("CARGO_TARGET_{target}_LINKER"),
        format!("{}gcc", arch.compiler_prefix()),
    );
}
