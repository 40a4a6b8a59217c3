// SPDX-License-Identifier: GPL-2.0

//! What guests run on.

use super::{
    initramfs::{
        pack,
        END, //
    },
    watch::Running, //
};
use crate::{
    arch::Arch,
    kernel::Image,
    paths::{
        write_whole,
        Paths, //
    }, //
};
use anyhow::{
    bail,
    Context,
    Result, //
};
use std::{
    ffi::OsStr,
    fs,
    path::Path,
    process::Command,
    time::Duration, //
};

/// How long the guest that tries out an accelerator may take.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// The memory of most guests, in MiB.
pub const MEMORY: usize = 1536;

/// How large a machine is.
#[derive(Clone, Copy)]
pub struct Size {
    pub cpus: usize,
    /// In MiB.
    pub memory: usize,
}

impl Size {
    /// One with so many CPUs, and the memory of most.
    pub fn of(cpus: usize) -> Self {
        Size {
            cpus,
            memory: MEMORY,
        }
    }
}

/// What a guest runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// A PC, by KVM or emulated, of which one CPU runs at a time.
    Pc,
    /// A PC whose CPUs run at the same time, also where they are emulated.
    Parallel,
    /// One emulated CPU whose clock counts instructions, a nanosecond each.
    Counting,
    /// A process of this machine: the image is a User Mode Linux.
    Uml,
}

impl Machine {
    /// The command that boots an image on such a machine.
    pub fn command(
        self,
        paths: &Paths,
        image: &Image,
        initramfs: &Path,
        size: Size,
        parameters: &str,
    ) -> Result<Command> {
        let with = |accel: &str| qemu(accel, image, initramfs, size, parameters);

        Ok(match self {
            Machine::Pc => with(&accelerator(paths, image)?),
            Machine::Parallel => match accelerator(paths, image)?.as_str() {
                "tcg" => with("parallel"),
                other => with(other),
            },
            Machine::Counting => {
                let mut qemu = with("count");
                qemu.args(["-icount", "shift=0,sleep=off"]);
                qemu
            }
            Machine::Uml => uml(&image.file, initramfs, size, parameters),
        })
    }
}

/// A QEMU with a serial console, without anything to boot.
pub fn machine(arch: Arch, features: &str, accel: &str, size: Size) -> Command {
    let Size { cpus, memory } = size;
    let mut qemu = arch.qemu();
    let plain = match arch {
        // Others have features that take long to emulate. The pages of 1 GiB are for selftests.
        Arch::X86_64 => "qemu64,+pdpe1gb",
        // Signed pointers as in no CPU, but fast.
        Arch::Arm64 => "max,pauth-impdef=on",
    };
    let (accel, cpu) = match accel {
        "kvm" => ("kvm", "host"),
        // Without the feature by which a page is cleared a byte at a time: each is counted, though
        // no CPU takes as long for it as for an instruction.
        "count" => ("tcg", "max,erms=off"),
        "parallel" => ("tcg,thread=multi,tb-size=1024", plain),
        // One thread for all CPUs: with more, a kernel that rewrites its own text may trip over it.
        _ => ("tcg,thread=single,tb-size=1024", plain),
    };

    qemu.args(["-accel", accel, "-cpu", &format!("{cpu}{features}")])
        .args(["-m", &memory.to_string()])
        // Without ACPI the kernel finds one CPU in each socket.
        .args(["-smp", &format!("{cpus},sockets={cpus}")])
        .args(["-display", "none", "-serial", "mon:stdio"])
        .args(["-no-reboot", "-nic", "none"]);
    qemu
}

/// A QEMU that boots `image` on a serial console.
pub fn qemu(accel: &str, image: &Image, initramfs: &Path, size: Size, parameters: &str) -> Command {
    let mut qemu = machine(image.of.arch, image.of.cpu, accel, size);

    qemu.arg("-kernel")
        .arg(&image.file)
        .arg("-initrd")
        .arg(initramfs)
        // Warnings of the kernel are shown; what it has to say otherwise would get between the
        // lines of the tests.
        .args([
            "-append",
            &format!(
                "console={} panic=-1 loglevel=5 {parameters}",
                image.of.arch.console()
            ),
        ]);
    qemu
}

/// A User Mode Linux that boots on the standard output.
fn uml(image: &Path, initramfs: &Path, size: Size, parameters: &str) -> Command {
    let mut uml = Command::new(image);

    uml.arg(format!("mem={}M", size.memory))
        .args(["con=null", "con0=fd:0,fd:1", "panic=-1"])
        .args(["loglevel=5", "kunit.enable=0"])
        .arg(format!("initrd={}", initramfs.display()))
        .args(parameters.split_whitespace());
    uml
}

/// What `ACCEL` says, if it says something.
fn asked_for(accel: &OsStr) -> Result<Option<&'static str>> {
    match accel.to_str() {
        Some("tcg") => Ok(Some("tcg")),
        Some("kvm") => Ok(Some("kvm")),
        Some("") => Ok(None),
        _ => bail!("ACCEL={}: it is tcg or kvm", accel.to_string_lossy()),
    }
}

/// The same of the environment.
fn asked() -> Result<Option<&'static str>> {
    asked_for(&std::env::var_os("ACCEL").unwrap_or_default())
}

fn open_kvm() -> std::io::Result<fs::File> {
    fs::File::options().read(true).write(true).open("/dev/kvm")
}

/// Refuses an `ACCEL` that does not exist, or if guests are to run by it cannot be used.
pub fn judge(is_used: bool) -> Result<()> {
    if asked()? == Some("kvm") && is_used {
        open_kvm().context("ACCEL=kvm: cannot open /dev/kvm")?;
    }
    Ok(())
}

/// Finds out whether KVM runs a guest here. It may be there and hang.
pub fn accelerator(paths: &Paths, image: &Image) -> Result<String> {
    if image.of.arch.is_foreign() {
        return Ok("tcg".to_owned());
    }
    if let Some(accel) = asked()? {
        return Ok(accel.to_owned());
    }
    let known = paths.build.join("accelerator");
    if let Ok(accel) = fs::read_to_string(&known) {
        return Ok(accel.trim().to_owned());
    }
    let accel = if open_kvm().is_err() {
        println!("there is no KVM here, guests are emulated");
        "tcg"
    } else {
        let initramfs = pack(paths, "probe", image.of.arch, &[], "", None)?;
        let probe = qemu("kvm", image, &initramfs, Size::of(1), "");
        let mut probe = Running::start(probe, "probe", paths.console("probe"), PROBE_LIMIT)?;
        let (console, _) = probe.wait(false)?;
        if console.contains(END) {
            println!("guests run on KVM");
            "kvm"
        } else {
            println!("KVM is there but does not boot a guest, guests are emulated");
            "tcg"
        }
    };
    write_whole(&known, accel)?;
    Ok(accel.to_owned())
}

#[cfg(test)]
mod tests {
    use super::asked_for;
    use std::ffi::OsStr;

    #[test]
    fn accelerators_are_two() {
        let asked = |text| asked_for(OsStr::new(text));

        assert_eq!(asked("tcg").unwrap(), Some("tcg"));
        assert_eq!(asked("kvm").unwrap(), Some("kvm"));
        assert_eq!(asked("").unwrap(), None);
        let error = asked("foo").unwrap_err().to_string();
        assert_eq!(error, "ACCEL=foo: it is tcg or kvm");
    }
}
