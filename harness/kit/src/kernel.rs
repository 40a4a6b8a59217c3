// SPDX-License-Identifier: GPL-2.0

//! Building kernels.

use crate::{
    arch::Arch,
    base::Base,
    configuration::{
        self,
        Configuration, //
    },
    kconfig::Wanted,
    paths::write_whole,
    step::Step,
    toolchain::Toolchain,
    tree::Tree, //
};
use anyhow::{
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

/// What turns range moves off, on the command line of a kernel. One call then moves what it does on
/// the base.
pub const OFF: &str = "mremap_range=off";

/// A kernel to boot, and the configuration that says what it runs on.
pub struct Image {
    pub file: PathBuf,
    pub of: &'static Configuration,
}

impl Image {
    /// One for the machine that guests usually are.
    pub fn pc(file: PathBuf) -> Self {
        Image {
            file,
            of: &configuration::USUAL,
        }
    }
}

/// A make of the kernel for this machine's architecture, in its tree, with a job for each CPU.
pub fn make(tree: &Tree, toolchain: &Toolchain, objects: &Path) -> Result<Command> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut make = Command::new("make");

    make.current_dir(tree.check_out()?)
        .arg(format!("-j{jobs}"))
        .arg(format!("O={}", objects.display()))
        .args(toolchain.make_options());
    toolchain.environment(&mut make);
    Ok(make)
}

/// The same for another architecture, by the name that the kernel has for it.
pub fn make_for(
    tree: &Tree,
    toolchain: &Toolchain,
    objects: &Path,
    architecture: &str,
) -> Result<Command> {
    let mut make = make(tree, toolchain, objects)?;

    make.arg(format!("ARCH={architecture}"));
    Ok(make)
}

/// The same for the architecture of a configuration. That of this machine is not named: the smallest
/// configuration would lack more then.
pub fn make_on(tree: &Tree, toolchain: &Toolchain, objects: &Path, arch: Arch) -> Result<Command> {
    match arch.is_foreign() {
        true => make_for(tree, toolchain, objects, arch.name()),
        false => make(tree, toolchain, objects),
    }
}

/// How many steps a build takes, for a total while it runs, where nothing has been built of a
/// configuration: the lines of the log `build-series-<configuration>.log` after it. Later builds go
/// by the one before.
fn steps_of_first_build(base: &Base, objects: &Path, config: &str) -> Option<usize> {
    let steps = base.steps.get(config)?;

    (!objects.join("vmlinux").exists()).then_some(*steps)
}

/// What an image is made of, beside it: as long as it is the same, the image is.
fn stamp(image: &Path) -> PathBuf {
    image.with_extension("made-of")
}

/// Builds a kernel in a configuration, with all objects that belong to it. Returns the image.
pub fn build(tree: &Tree, config: &str) -> Result<Image> {
    let configuration = configuration::find(config)?;
    let (target, built) = configuration.arch.image();
    let toolchain = Toolchain::find(tree.paths)?;
    let wanted = Wanted::of(tree, &toolchain, config)?;
    let objects = tree.objects(config);
    let image = tree.image(config);

    let start = || make_on(tree, &toolchain, &objects, configuration.arch);
    wanted.configure(tree, &toolchain, &objects, start)?;
    Step::new(tree.paths, &format!("build {} {config}", tree.title()))
        .expect(steps_of_first_build(&tree.paths.base, &objects, config))
        .run(start()?.arg(target))?;

    // The stamp is of the image from here on; before, it is of none.
    let _ = fs::remove_file(stamp(&image));
    let built = objects.join(built);
    let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    write_whole(&image, bytes)?;
    write_whole(&stamp(&image), made_of(tree, &wanted)?)?;
    Ok(Image {
        file: image,
        of: configuration,
    })
}

fn made_of(tree: &Tree, wanted: &Wanted) -> Result<String> {
    Ok(format!("{}\n{}", tree.commit()?, wanted.text))
}

/// The image of a kernel in a configuration, which is built unless it is there.
pub fn image(tree: &Tree, config: &str) -> Result<Image> {
    let wanted = Wanted::of(tree, &Toolchain::find(tree.paths)?, config)?;
    let made_of = made_of(tree, &wanted)?;
    let image = tree.image(config);

    if image.is_file() && fs::read_to_string(stamp(&image)).is_ok_and(|known| known == made_of) {
        return Ok(Image {
            file: image,
            of: configuration::find(config)?,
        });
    }
    build(tree, config)
}

/// The images of the base and of the tree on top of it. The base is built first: in this order most
/// objects are built once.
pub fn both(tree: &Tree, config: &str) -> Result<(Image, Image)> {
    let base = image(&tree.base(), config)?;

    Ok((base, image(tree, config)?))
}

/// The compiler command of an object of the kernel, as the last build ran it.
pub fn command_of(objects: &Path, source: &str) -> Result<String> {
    let path = Path::new(source);
    let name = format!(
        ".{}.o.cmd",
        path.file_stem().unwrap_or_default().to_string_lossy()
    );
    let file = objects
        .join(path.parent().unwrap_or(Path::new("")))
        .join(name);
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;

    text.lines()
        .find_map(|line| {
            line.starts_with("savedcmd_")
                .then(|| line.split_once(":= "))?
        })
        .map(|(_, command)| command.to_owned())
        .with_context(|| format!("{} has no command", file.display()))
}

#[cfg(test)]
mod tests {
    use super::steps_of_first_build;
    use crate::{
        base::{
            self,
            Base, //
        },
        options::kernel_config,
        paths::{
            self,
            remove_folder, //
        }, //
    };
    use std::fs;

    #[test]
    fn the_first_build_has_a_total() {
        let objects = std::env::temp_dir().join(format!("kit-objects-{}", std::process::id()));
        let base = base::tests::example(objects.clone());
        let steps = |config| steps_of_first_build(&base, &objects, config);
        assert_eq!(steps("test"), Some(7));
        assert_eq!(steps("unknown"), None);

        fs::create_dir_all(&objects).unwrap();
        fs::write(objects.join("vmlinux"), "").unwrap();
        assert_eq!(steps("test"), None);
        remove_folder(&objects).unwrap();
    }

    #[test]
    fn totals_are_of_configurations() {
        let top = paths::top().unwrap();

        for name in base::names(&top).unwrap() {
            for config in Base::find(&top, &name).unwrap().steps.keys() {
                assert!(kernel_config(config).is_ok(), "{name}: {config}");
            }
        }
    }
}
