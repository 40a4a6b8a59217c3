// SPDX-License-Identifier: GPL-2.0

//! Guests: a kernel boots in a machine of its own, runs commands there, and ends.

mod initramfs;
mod machine;
mod ran;
mod trouble;
mod watch;

use crate::{
    kernel::Image,
    paths::Paths,
    times::Times, //
};
use anyhow::Result;
use initramfs::pack;
pub use initramfs::{
    archive_of,
    Content,
    END, //
};
pub use machine::{
    accelerator,
    judge,
    Machine, //
};
use machine::{
    machine,
    qemu,
    Size,
    MEMORY, //
};
pub use ran::{
    quoted,
    script,
    Ran, //
};
use std::{
    path::Path,
    time::{
        Duration,
        Instant, //
    }, //
};
pub use trouble::trouble;
use watch::Running;

/// A guest to boot.
pub struct Guest<'a> {
    pub image: &'a Image,
    /// Programs and other files, which the guest finds by name where it runs commands.
    pub content: &'a [Content],
    /// An archive of cpio that is unpacked on top of that, if there is one.
    pub archive: Option<&'a Path>,
    /// Lines for a shell that come before all commands.
    pub settings: &'a str,
    /// Added to the kernel's command line.
    pub parameters: &'a str,
    pub cpus: usize,
    /// In MiB.
    pub memory: usize,
    pub machine: Machine,
    /// How long it may take until it has ended.
    pub limit: Duration,
    /// Print what programs say to the user, lines that begin with a bar, as it comes.
    pub show: bool,
}

impl<'a> Guest<'a> {
    /// A machine with two CPUs, and with nothing that it needs beside an image.
    pub fn of(image: &'a Image, limit: Duration) -> Self {
        Guest {
            image,
            content: &[],
            archive: None,
            settings: "",
            parameters: "",
            cpus: 2,
            memory: MEMORY,
            machine: Machine::Pc,
            limit,
            show: false,
        }
    }

    /// Boots the guest, runs commands one after another, whatever becomes of each, and tells what
    /// they did. Fails as [`Guest::boot()`] does.
    pub fn commands(
        &self,
        paths: &Paths,
        name: &str,
        commands: &[impl AsRef<str>],
    ) -> Result<Vec<Ran>> {
        self.start(paths, name, commands)?.end()
    }

    /// Boots the guest and lets it run commands. Others may run meanwhile.
    pub fn start(
        &self,
        paths: &Paths,
        name: &str,
        commands: &[impl AsRef<str>],
    ) -> Result<Started> {
        let script = [self.settings, &script(commands)].concat();

        Ok(Started {
            running: self.launch(paths, name, &script)?,
            commands: commands.iter().map(|it| it.as_ref().to_owned()).collect(),
            show: self.show,
            name: name.to_owned(),
            times: paths.times.clone(),
            since: Instant::now(),
        })
    }

    /// Boots the guest and runs one command. Fails also if the command does, with what it printed
    /// last.
    pub fn command(&self, paths: &Paths, name: &str, command: &str) -> Result<Ran> {
        let ran = self.commands(paths, name, &[command])?.remove(0);

        ran.require(&paths.console(name))?;
        Ok(ran)
    }

    /// Boots the guest, runs nothing, and returns its console: what the kernel does by itself.
    /// Fails if it hangs, does not reach its end, or if its kernel complains.
    pub fn boot(&self, paths: &Paths, name: &str) -> Result<String> {
        let running = self.launch(paths, name, self.settings)?;

        paths
            .times
            .of(&format!("guest {name}"), || running.end(self.show))
    }

    fn launch(&self, paths: &Paths, name: &str, script: &str) -> Result<Running> {
        let (arch, size) = (
            self.image.of.arch,
            Size {
                cpus: self.cpus,
                memory: self.memory,
            },
        );
        let initramfs = pack(paths, name, arch, self.content, script, self.archive)?;
        let command = self
            .machine
            .command(paths, self.image, &initramfs, size, self.parameters)?;

        Running::start(command, name, paths.console(name), self.limit)
    }
}

/// A guest that runs commands.
pub struct Started {
    running: Running,
    commands: Vec<String>,
    show: bool,
    name: String,
    times: Times,
    since: Instant,
}

impl Started {
    /// Waits for its end, and tells what the commands did. Fails as [`Guest::boot()`] does.
    pub fn end(self) -> Result<Vec<Ran>> {
        let console = self.running.end(self.show);

        self.times
            .add(&format!("guest {}", self.name), self.since.elapsed());
        ran::read(&console?, &self.commands)
    }
}

/// Boots a PC from a disk with a boot loader on it, where a [`script()`] runs commands. Shows what
/// they say, and tells what they did. `image` is a kernel to find out the accelerator with.
pub fn boot_disk(
    paths: &Paths,
    name: &str,
    disk: &Path,
    image: &Image,
    limit: Duration,
    commands: &[impl AsRef<str>],
) -> Result<Vec<Ran>> {
    let mut qemu = machine(
        image.of.arch,
        image.of.cpu,
        &accelerator(paths, image)?,
        Size::of(2),
    );

    qemu.arg("-drive").arg(format!(
        "if=virtio,format=raw,file={}",
        // A comma would end the name.
        disk.display().to_string().replace(',', ",,")
    ));
    let running = Running::start(qemu, name, paths.console(name), limit)?;
    ran::read(&running.end(true)?, commands)
}

/// Boots a guest on this terminal, until it ends.
pub fn interactive(paths: &Paths, image: &Image, content: &[Content], script: &str) -> Result<()> {
    let accel = accelerator(paths, image)?;
    let initramfs = pack(paths, "shell", image.of.arch, content, script, None)?;

    qemu(&accel, image, &initramfs, Size::of(2), "").status()?;
    Ok(())
}
