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
    /// What runs the C compiler, and keeps what it has compiled.
    cc: PathBuf,
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
            cc: paths.top.join("harness/cc.sh"),
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
            format!("CC={} clang-{LLVM}", self.cc.display()),
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

#[cfg(test)]
mod tests {
    use super::Toolchain;
    use crate::{
        base::names,
        paths::{
            top,
            Paths, //
        },
        scratch::Repository,
        step::output, //
    };
    use std::{
        fs,
        process::Command, //
    };

    // As of a boot image: with data of the same length, the source that takes it in is the same.
    #[test]
    fn what_takes_in_a_file_is_compiled_each_time() {
        let top = top().unwrap();
        let paths = Paths::find(&names(&top).unwrap()[0]).unwrap();
        let repository = Repository::new("incbin");
        let folder = &repository.0.top;
        let toolchain = Toolchain {
            cache: folder.join("ccache"),
            ..Toolchain::find(&paths).unwrap()
        };
        let options = toolchain.make_options();
        let cc = options
            .iter()
            .find_map(|it| it.strip_prefix("CC="))
            .unwrap();
        let mut compiled = Vec::new();

        repository.write("x.S", ".incbin \"data\"\n");
        for data in ["one", "one", "two"] {
            repository.write("data", data);
            let mut compile = Command::new("sh");
            compile
                .current_dir(folder)
                .args(["-c", &format!("{cc} -Wp,-MMD,x.d -c -o x.o x.S")]);
            toolchain.environment(&mut compile);
            output(&mut compile).unwrap();
            compiled.push(fs::read(folder.join("x.o")).unwrap());
        }
        assert!(compiled[0] == compiled[1]);
        assert!(compiled[1] != compiled[2], "the data is that of before");
    }
}
