// SPDX-License-Identifier: GPL-2.0

//! The architectures that kernels and programs of guests are built for.

use std::process::Command;

/// An architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    X86_64,
    Arm64,
}

impl Arch {
    /// What the kernel calls it.
    pub fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Arm64 => "arm64",
        }
    }

    /// What Debian calls it.
    pub fn debian(self) -> &'static str {
        match self {
            Arch::X86_64 => "amd64",
            Arch::Arm64 => "arm64",
        }
    }

    /// What Rust calls programs for it.
    pub fn rust_target(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64-unknown-linux-gnu",
            Arch::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// Is it another one than that of this machine?
    pub fn is_foreign(self) -> bool {
        self != Arch::X86_64
    }

    /// What names of compilers of C programs begin with.
    pub fn compiler_prefix(self) -> &'static str {
        match self {
            Arch::X86_64 => "",
            Arch::Arm64 => "aarch64-linux-gnu-",
        }
    }

    /// The target of the kernel's make that gives an image, and where that is then.
    pub fn image(self) -> (&'static str, &'static str) {
        match self {
            Arch::X86_64 => ("bzImage", "arch/x86/boot/bzImage"),
            Arch::Arm64 => ("Image", "arch/arm64/boot/Image"),
        }
    }

    /// The device of the serial console.
    pub fn console(self) -> &'static str {
        match self {
            Arch::X86_64 => "ttyS0",
            Arch::Arm64 => "ttyAMA0",
        }
    }

    /// A QEMU of such a machine, without an accelerator and a CPU.
    pub fn qemu(self) -> Command {
        match self {
            Arch::X86_64 => Command::new("qemu-system-x86_64"),
            Arch::Arm64 => {
                let mut qemu = Command::new("qemu-system-aarch64");
                qemu.args(["-machine", "virt,gic-version=3"]);
                qemu
            }
        }
    }
}
