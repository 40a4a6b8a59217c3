// SPDX-License-Identifier: GPL-2.0

//! What a guest finds when it boots.

use super::trouble::TROUBLE;
use crate::{
    arch::Arch,
    foreign,
    paths::{
        write_whole,
        Paths, //
    },
    step::{
        filter,
        output, //
    }, //
};
use anyhow::{
    Context,
    Result, //
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{
        Path,
        PathBuf, //
    },
    process::Command, //
};

/// A file of an initramfs: its path there, and the file on this machine.
pub type Content = (String, PathBuf);

/// What the guest's init prints last.
pub const END: &str = "guest: end";

/// A guest's first program. It runs the shell script that the initramfs has as `/run.sh`, with the
/// programs of the guest where a shell finds them.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t debugfs debug /sys/kernel/debug
mkdir -p /dev/shm
cd /guest
export PATH=/guest:/bin
. /run.sh
cd /
# What the kernel said while nobody wanted to see it on the console.
dmesg -s 16777216 | grep -A 30 -E '@TROUBLE@' | head -n 300
if [ -e /sys/kernel/debug/kmemleak ]; then
    # What nobody refers to is reported when it is some seconds old and was found twice.
    sleep 6
    for scan in 1 2; do
        echo scan > /sys/kernel/debug/kmemleak || echo 'BUG: kmemleak has turned itself off'
    done
    cat /sys/kernel/debug/kmemleak
fi
echo "guest: end"
# UML starts anew when it reboots; a PC without ACPI does not power off.
grep -q 'User Mode Linux' /proc/cpuinfo && poweroff -f
reboot -f
"#;

/// What is in a folder, as an archive that the kernel unpacks.
pub fn archive_of(root: &Path) -> Result<Vec<u8>> {
    let list = output(Command::new("find").current_dir(root).arg("."))?;

    filter(
        Command::new("cpio")
            .current_dir(root)
            .args(["--quiet", "-o", "-H", "newc"]),
        list.as_bytes(),
    )
}

/// Packs an initramfs. `more` is an archive that follows it.
pub fn pack(
    paths: &Paths,
    name: &str,
    arch: Arch,
    content: &[Content],
    script: &str,
    more: Option<&Path>,
) -> Result<PathBuf> {
    let root = paths.work.join(format!("root-{name}"));

    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    for dir in ["bin", "proc", "sys", "dev", "tmp", "guest"] {
        fs::create_dir_all(root.join(dir))?;
    }
    let busybox = foreign::busybox(paths, arch)?;
    fs::copy(&busybox, root.join("bin/busybox"))
        .with_context(|| format!("there is no {}: install busybox-static", busybox.display()))?;
    fs::write(root.join("init"), INIT.replace("@TROUBLE@", TROUBLE))?;
    fs::set_permissions(root.join("init"), fs::Permissions::from_mode(0o755))?;
    fs::write(root.join("run.sh"), script)?;
    for (to, from) in content {
        fs::copy(from, root.join(to)).with_context(|| format!("cannot copy {}", from.display()))?;
    }

    let mut archive = archive_of(&root)?;
    if let Some(more) = more {
        archive.extend(fs::read(more).with_context(|| format!("cannot read {}", more.display()))?);
    }
    let file = paths.work.join(format!("initramfs-{name}"));
    write_whole(&file, archive)?;
    Ok(file)
}
