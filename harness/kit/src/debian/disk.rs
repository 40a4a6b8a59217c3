// SPDX-License-Identifier: GPL-2.0

//! A disk with Debian on it, which a PC boots from.
//!
//! Debian is what `debootstrap` makes of it, the boot loader is Debian's GRUB. The file system is
//! written by `mke2fs` as a whole: nothing has to be mounted, and an interruption leaves nothing
//! mounted.

use super::package::Installed;
use crate::{
    bootstrap,
    configuration,
    demo::BY_ONE_CALL,
    guest,
    host,
    paths::{
        remove_folder,
        Paths, //
    },
    step::{
        filter,
        output,
        Step, //
    }, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use std::{
    fs,
    os::unix::fs::{
        symlink,
        FileExt,
        PermissionsExt, //
    },
    path::{
        Path,
        PathBuf, //
    },
    process::Command, //
};

/// What a Debian has on top of the smallest one: an init, what a kernel's package calls when it is
/// installed, and what the documentation traces moves with.
const PACKAGES: &str = "systemd-sysv,udev,kmod,initramfs-tools,linux-perf,trace-cmd,bpftrace";

/// Where the partition of the disk begins, in bytes. The boot loader is in front of it.
const PARTITION: u64 = 1 << 20;

/// How large the disk is, in bytes. The file is sparse.
const SIZE: u64 = 4 << 30;

/// The service that runs the script, on the serial console, and turns the machine off.
const SERVICE: &str = "[Unit]\n\
    Description=Moves of several mappings\n\
    [Service]\n\
    Type=oneshot\n\
    ExecStart=/bin/sh /usr/local/sbin/demonstration\n\
    ExecStopPost=/usr/bin/systemctl --no-block poweroff\n\
    StandardOutput=tty\n\
    StandardError=tty\n\
    TTYPath=/dev/ttyS0\n\
    TimeoutStartSec=infinity\n";

/// A disk, and the root folder that it was made of.
pub struct Disk {
    pub file: PathBuf,
    root: PathBuf,
}

impl Disk {
    /// Makes a disk with a kernel's packages installed and the programs of the demonstration, which
    /// runs `script` and turns itself off.
    pub fn make(paths: &Paths, packages: &Installed, script: &str) -> Result<Self> {
        let fresh = bootstrap::debian(paths, &paths.work, "debian", PACKAGES)?;
        let disk = Disk {
            file: paths.work.join("debian.img"),
            root: paths.work.join("debian-installed"),
        };

        remove_folder(&disk.root)?;
        output(
            Command::new("cp")
                .args(["-a", "--reflink=auto"])
                .args([&fresh, &disk.root]),
        )?;
        disk.install(paths, &packages.files)?;
        disk.set_up(paths, &packages.release, script)?;
        disk.write(paths)?;
        Ok(disk)
    }

    /// The kernel that is installed.
    pub fn kernel(&self, release: &str) -> PathBuf {
        self.root.join(format!("boot/vmlinuz-{release}"))
    }

    /// Installs packages as an administrator does.
    fn install(&self, paths: &Paths, packages: &[&Path]) -> Result<()> {
        let folder = self.root.join("tmp/packages");

        fs::create_dir(&folder)?;
        for package in packages {
            let name = package.file_name().unwrap_or_default();
            fs::copy(package, folder.join(name))
                .with_context(|| format!("cannot copy {}", package.display()))?;
        }
        Step::new(paths, "install deb").run(
            Command::new("chroot")
                .arg(&self.root)
                .args(["/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
                .args(["dpkg", "--install", "--recursive", "/tmp/packages"]),
        )?;
        remove_folder(&folder)
    }

    /// Writes what makes this Debian boot and run the demonstration.
    fn set_up(&self, paths: &Paths, release: &str, script: &str) -> Result<()> {
        let write = |path: &str, text: String| -> Result<()> {
            let path = self.root.join(path);

            fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };

        write("etc/hostname", "debian\n".into())?;
        write("etc/fstab", "/dev/vda1 / ext4 defaults 0 1\n".into())?;
        write(
            "usr/local/sbin/demonstration",
            format!("{script}echo '{}'\n", guest::END),
        )?;
        write(
            "etc/systemd/system/demonstration.service",
            SERVICE.to_owned(),
        )?;
        let units = self.root.join("etc/systemd/system");
        let wants = units.join("multi-user.target.wants");
        fs::create_dir_all(&wants)?;
        symlink(
            "../demonstration.service",
            wants.join("demonstration.service"),
        )?;
        // A login there would hang up on the demonstration.
        symlink("/dev/null", units.join("serial-getty@ttyS0.service"))?;
        write(
            "boot/grub/grub.cfg",
            format!(
                "serial\nterminal_output serial\n\
                 linux /boot/vmlinuz-{release} root=/dev/vda1 ro console=ttyS0 loglevel=5 panic=-1\n\
                 initrd /boot/initrd.img-{release}\n\
                 boot\n"
            ),
        )?;
        for (program, _) in BY_ONE_CALL {
            let to = self.root.join("usr/local/bin").join(program);
            fs::copy(
                host::static_program(paths, &configuration::USUAL, program)?,
                &to,
            )?;
            fs::set_permissions(&to, fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    }

    /// Writes the disk: a partition with the root folder, and the boot loader in front of it.
    fn write(&self, paths: &Paths) -> Result<()> {
        let half = self.file.with_extension("half");
        let disk = fs::File::create(&half)?;

        disk.set_len(SIZE)?;
        let table = format!("label: dos\nstart={}, type=83, bootable\n", PARTITION / 512);
        filter(
            Command::new("/sbin/sfdisk").arg("--quiet").arg(&half),
            table.as_bytes(),
        )?;
        Step::new(paths, "write disk").run(
            Command::new("/sbin/mke2fs")
                .args(["-q", "-F", "-t", "ext4", "-d"])
                .arg(&self.root)
                .args(["-E", &format!("offset={PARTITION}")])
                .arg(&half)
                .arg(format!("{}k", (SIZE - PARTITION) / 1024)),
        )?;

        // GRUB's first sector loads what follows it; the table of partitions stays.
        let grub = Path::new("/usr/lib/grub/i386-pc");
        let core = paths.work.join("grub.img");
        output(
            Command::new("grub-mkimage")
                .args(["-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-o"])
                .arg(&core)
                .args(["biosdisk", "part_msdos", "ext2", "linux", "normal"])
                .args(["configfile", "serial", "terminal"]),
        )?;
        let core = fs::read(core)?;
        let boot = fs::read(grub.join("boot.img"))?;
        ensure!(
            512 + core.len() as u64 <= PARTITION,
            "GRUB does not fit in front of the partition"
        );
        disk.write_all_at(&boot[..440], 0)?;
        disk.write_all_at(&core, 512)?;
        disk.sync_all()?;
        fs::rename(&half, &self.file)?;
        Ok(())
    }
}
