// SPDX-License-Identifier: GPL-2.0

//! The compilers that build the kernel.

use crate::{
    paths::Paths,
    step::output, //
};
use anyhow::{
    bail,
    Result, //
};
use std::{
    path::{
        Path,
        PathBuf, //
    },
    process::Command, //
};

/// The version of LLVM that is used. Debian 12 and 13 both have it.
const LLVM: &str = "19";

/// Debian's Rust compiler.
pub const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// What builds the kernel.
pub struct Toolchain {
    rustc: PathBuf,
    bindgen: PathBuf,
    /// What has been compiled from C before, of another tree maybe. It has nothing of Rust's.
    cache: PathBuf,
}

impl Toolchain {
    /// Finds a Rust compiler that comes with the source of its library, and bindgen.
    ///
    /// Debian's is preferred: it is the one that setup installs.
    pub fn find(paths: &Paths) -> Result<Self> {
        let rustc = rustc_with_source()?;
        let own = paths.build.join("tools/bin/bindgen");
        let bindgen = if own.is_file() {
            own
        } else {
            PathBuf::from("bindgen")
        };

        Ok(Toolchain {
            rustc,
            bindgen,
            cache: paths.build.join("ccache"),
        })
    }

    /// One line that says what was chosen.
    pub fn describe(&self) -> Result<String> {
        let version = |program: &Path| output(Command::new(program).arg("--version"));

        Ok(format!(
            "{} ({}), {}, clang-{LLVM}",
            version(&self.rustc)?.trim(),
            self.rustc.display(),
            version(&self.bindgen)?.trim(),
        ))
    }

    /// The settings that the kernel's make takes.
    pub fn make_options(&self) -> Vec<String> {
        vec![
            format!("LLVM=-{LLVM}"),
            format!("CC=ccache clang-{LLVM}"),
            format!("RUSTC={}", self.rustc.display()),
            format!("HOSTRUSTC={}", self.rustc.display()),
            format!("RUSTDOC={}", self.beside("rustdoc").display()),
            format!("RUSTFMT={}", self.beside("rustfmt").display()),
            format!("BINDGEN={}", self.bindgen.display()),
        ]
    }

    /// The setting for clippy, which has to be that of the compiler.
    pub fn clippy_option(&self) -> String {
        format!("CLIPPY_DRIVER={}", self.beside("clippy-driver").display())
    }

    /// A program that comes with the compiler.
    fn beside(&self, name: &str) -> PathBuf {
        let path = self.rustc.with_file_name(name);

        if path.is_file() {
            path
        } else {
            PathBuf::from(name)
        }
    }

    /// Sets what bindgen and ccache need from the environment.
    pub fn environment(&self, command: &mut Command) {
        command
            .env("LIBCLANG_PATH", format!("/usr/lib/llvm-{LLVM}/lib"))
            .env("CCACHE_DIR", &self.cache)
            // What includes the same files as before is known by the dependencies that the kernel's
            // build asks for. To run the preprocessor first would take a third of a build longer.
            .env("CCACHE_DEPEND", "1")
            // The folder of the objects is in none of them.
            .env("CCACHE_NOHASHDIR", "1");
    }
}

/// A `rustc` and the source of the library that belongs to it.
fn rustc_with_source() -> Result<PathBuf> {
    let mut seen = Vec::new();

    for candidate in [DEBIAN_RUSTC, "rustc"] {
        let Ok(sysroot) = output(Command::new(candidate).args(["--print", "sysroot"])) else {
            seen.push(format!("{candidate}: not installed"));
            continue;
        };
        let source = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core");
        if source.is_dir() {
            return Ok(PathBuf::from(candidate));
        }
        seen.push(format!(
            "{candidate}: no library source at {}",
            source.display()
        ));
    }
    bail!(
        "no Rust compiler with the source of its library ({}): install rustc-web and rust-web-src \
         on Debian 12, rustc and rust-src on Debian 13, or 'rustup component add rust-src'",
        seen.join("; ")
    )
}
