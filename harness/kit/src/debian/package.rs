// SPDX-License-Identifier: GPL-2.0

//! The package: `build/<base>/deb/`.

use crate::{
    kconfig,
    kernel,
    paths::{
        remove_folder,
        write_whole, //
    },
    series::Signer,
    source,
    step::{
        output,
        Step, //
    },
    toolchain::Toolchain,
    tree::Tree, //
};
use anyhow::{
    ensure,
    Context,
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

/// What a package is made from, and where.
pub struct Package<'a> {
    tree: &'a Tree<'a>,
    toolchain: Toolchain,
    /// The kernel's build leaves packages in the folder above its objects.
    folder: PathBuf,
    objects: PathBuf,
}

impl<'a> Package<'a> {
    /// A package that is built in a folder of that name.
    pub fn new(tree: &'a Tree<'a>, name: &str) -> Result<Self> {
        let folder = tree.paths.work.join(name);

        Ok(Package {
            tree,
            toolchain: Toolchain::find(tree.paths)?,
            objects: folder.join("obj"),
            folder,
        })
    }

    fn make(&self) -> Result<Command> {
        kernel::make(self.tree, &self.toolchain, &self.objects)
    }

    /// Configures the kernel: as the user's file says, or as a small one for virtual machines. What
    /// the package is for has to be in it. Says which options are not as in the file.
    pub fn configure(&self, kconfig: Option<&Path>) -> Result<()> {
        let start = kconfig.map(read_config).transpose()?;
        let mut fragments = Vec::new();
        if kconfig.is_none() {
            fragments.extend(self.tree.paths.fragments("common")?);
            fragments.extend(self.tree.paths.fragments("x86")?);
            fragments.extend(self.tree.paths.fragments("virtio")?);
        }
        fragments.extend(self.tree.paths.fragments("package")?);
        kconfig::write(
            self.tree,
            &self.objects,
            start.as_deref(),
            &fragments,
            || self.make(),
        )?;

        let (Some(start), Some(kconfig)) = (start, kconfig) else {
            return Ok(());
        };
        let asked = self.folder.join("asked.config");
        let changes = self.folder.join("changed-options");

        write_whole(&asked, start)?;
        let differs = output(
            Command::new("scripts/diffconfig")
                .current_dir(self.tree.check_out()?)
                .arg(&asked)
                .arg(self.objects.join(".config")),
        )?;
        write_whole(&changes, &differs)?;
        // Options that the file does not name begin with a plus sign.
        let changed = differs
            .lines()
            .filter(|line| !line.starts_with('+'))
            .count();
        if changed != 0 {
            println!(
                "  {changed} options are not as in {}, as this compiler or Rust does not go with \
                 them: {}",
                kconfig.display(),
                changes.display()
            );
        }
        Ok(())
    }

    /// Builds the package. Returns its files.
    pub fn build(&self) -> Result<Vec<PathBuf>> {
        let mut make = self.make()?;
        let paths = self.tree.paths;

        // Otherwise both would have a part that says that the tree is in a git of its own.
        if std::env::var_os("KDEB_PKGVERSION").is_none() {
            let version = source::version(&paths.checkout)?;
            make.env("KDEB_PKGVERSION", format!("{version}-1+mremap"));
        }
        if std::env::var_os("LOCALVERSION").is_none() {
            make.env("LOCALVERSION", "");
        }

        // Of earlier builds, of other versions maybe.
        for file in self.made()? {
            fs::remove_file(file)?;
        }
        // Otherwise the maintainer is whoever builds it, at this machine.
        if let Ok(signer) = Signer::find(paths) {
            make.env("DEBFULLNAME", signer.name)
                .env("DEBEMAIL", signer.email);
        }
        Step::new(paths, "build deb").run(make.arg("bindeb-pkg"))?;

        let half = paths.work.join("deb.half");
        let whole = paths.work.join("deb");
        remove_folder(&half)?;
        remove_folder(&whole)?;
        fs::create_dir_all(&half)?;
        for file in self.made()? {
            let name = file.file_name().unwrap_or_default();
            fs::copy(&file, half.join(name))
                .with_context(|| format!("cannot copy {}", file.display()))?;
        }
        fs::rename(&half, &whole)?;
        files(&whole)
    }

    /// What the kernel's build has left.
    fn made(&self) -> Result<Vec<PathBuf>> {
        let mut made = files(&self.folder)?;

        made.retain(|file| {
            file.extension().is_some_and(|extension| {
                ["deb", "changes", "buildinfo"].contains(&extension.to_string_lossy().as_ref())
            })
        });
        Ok(made)
    }
}

/// The files in a folder, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;

    files.sort();
    Ok(files)
}

/// The packages of a kernel that an administrator installs: itself, and the headers that tracing
/// tools want.
pub struct Installed<'a> {
    pub files: Vec<&'a Path>,
    /// The version that the kernel says it is.
    pub release: String,
}

impl<'a> Installed<'a> {
    /// Finds them among those of the package.
    pub fn among(files: &'a [PathBuf]) -> Result<Self> {
        let named = |prefix: &str| {
            files.iter().find_map(|file| {
                let name = file.file_name()?.to_str()?.strip_suffix(".deb")?;
                let (release, _) = name.strip_prefix(prefix)?.split_once('_')?;
                // Those of its debugging symbols are called as itself.
                (!release.ends_with("-dbg")).then_some((file.as_path(), release))
            })
        };
        let (kernel, release) = named("linux-image-").context("there is no package of a kernel")?;
        let (headers, _) = named("linux-headers-").context("there is no package of headers")?;

        Ok(Installed {
            files: vec![kernel, headers],
            release: release.to_owned(),
        })
    }
}

/// Refuses a file of the user's that is no configuration of a kernel for x86-64.
pub fn judge(kconfig: Option<&Path>) -> Result<()> {
    kconfig.map_or(Ok(()), |file| read_config(file).map(drop))
}

/// Reads a configuration, which may be packed as Debian packs its own.
fn read_config(file: &Path) -> Result<String> {
    let named = || format!("KCONFIG={}", file.display());
    let packed = file.extension().is_some_and(|extension| extension == "xz");
    let text = if packed {
        output(Command::new("xz").args(["-dc", "--"]).arg(file)).with_context(named)?
    } else {
        fs::read_to_string(file).with_context(|| format!("{}: cannot read it", named()))?
    };

    // Those of other architectures are whole as well.
    ensure!(
        text.lines().any(|line| line == "CONFIG_X86_64=y"),
        "{}: it is not a whole configuration for x86-64, like a .config or a /boot/config-*, \
         packed by xz or not",
        named()
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{
        judge,
        Installed, //
    };
    use std::{
        fs,
        path::PathBuf, //
    };

    #[test]
    fn the_kernel_is_found_among_the_packages() {
        let files: Vec<PathBuf> = [
            "linux-headers-4.2.9-mremap_4.2.9-1_amd64.deb",
            "linux-image-4.2.9-mremap-dbg_4.2.9-1_amd64.deb",
            "linux-image-4.2.9-mremap_4.2.9-1_amd64.deb",
            "linux-libc-dev_4.2.9-1_amd64.deb",
        ]
        .iter()
        .map(PathBuf::from)
        .collect();
        let found = Installed::among(&files).unwrap();

        assert_eq!(found.files, [files[2].as_path(), files[0].as_path()]);
        assert_eq!(found.release, "4.2.9-mremap");
        assert!(Installed::among(&files[..2]).is_err());
    }

    #[test]
    fn a_configuration_is_of_this_architecture() {
        let file = std::env::temp_dir().join(format!("kit-config-{}", std::process::id()));
        let judged = |text: &str| {
            fs::write(&file, text).unwrap();
            judge(Some(&file)).map_err(|error| error.to_string())
        };

        assert!(judged("# a comment\nCONFIG_X86_64=y\n").is_ok());
        for text in ["", "CONFIG_ARM64=y\n", "#CONFIG_X86_64=y\n"] {
            let error = judged(text).unwrap_err();
            assert!(error.starts_with("KCONFIG="), "{error}");
            assert!(error.contains("not a whole configuration"), "{error}");
        }
        fs::remove_file(&file).unwrap();
        assert!(judge(Some(&file)).is_err());
        assert!(judge(None).is_ok());
    }
}
