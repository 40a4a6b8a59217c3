//! Guests: an initramfs and a QEMU that boots a kernel with it.

use crate::{
    paths::{write_whole, Paths},
    step::{filter, output},
};
use anyhow::{bail, ensure, Context, Result};
use regex_lite::Regex;
use rustix::process::Pid;
use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use wait_timeout::ChildExt;

/// How long the guest that tries out an accelerator may take.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// What the guest's init prints last.
pub const END: &str = "guest: end";

/// A guest's first program. It runs the shell script that the initramfs has as `/run.sh`.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t debugfs debug /sys/kernel/debug
mkdir -p /dev/shm
ip link set lo up 2>/dev/null
cd /guest
. /run.sh
cd /
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

/// A file of an initramfs: its path there, and the file on this machine.
pub type Content = (String, PathBuf);

/// What a guest runs.
pub struct Guest<'a> {
    pub image: &'a Path,
    /// Programs and other files.
    pub content: &'a [Content],
    /// A shell script.
    pub script: &'a str,
    /// Added to the kernel's command line.
    pub parameters: &'a str,
    pub cpus: usize,
    pub machine: Machine,
    pub limit: Duration,
    /// Print what programs say to the user, lines that begin with a bar, as it comes.
    pub show: bool,
}

/// What a guest runs on.
#[derive(Clone, Copy, PartialEq, Eq)]
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

/// Packs an initramfs.
fn pack(paths: &Paths, name: &str, content: &[Content], script: &str) -> Result<PathBuf> {
    let root = paths.work.join(format!("root-{name}"));

    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    for dir in ["bin", "proc", "sys", "dev", "tmp", "guest"] {
        fs::create_dir_all(root.join(dir))?;
    }
    fs::copy("/bin/busybox", root.join("bin/busybox"))
        .context("there is no /bin/busybox: install busybox-static")?;
    fs::write(root.join("init"), INIT)?;
    fs::set_permissions(root.join("init"), fs::Permissions::from_mode(0o755))?;
    fs::write(root.join("run.sh"), script)?;
    for (to, from) in content {
        fs::copy(from, root.join(to)).with_context(|| format!("cannot copy {}", from.display()))?;
    }

    let list = output(Command::new("find").current_dir(&root).arg("."))?;
    let archive = filter(
        Command::new("cpio")
            .current_dir(&root)
            .args(["--quiet", "-o", "-H", "newc"]),
        list.as_bytes(),
    )?;
    let file = paths.work.join(format!("initramfs-{name}"));
    write_whole(&file, archive)?;
    Ok(file)
}

/// A QEMU with a serial console, without anything to boot.
fn pc(accel: &str, cpus: usize) -> Command {
    let mut qemu = Command::new("qemu-system-x86_64");
    // A plain CPU, as some features of others take long to emulate.
    let (accel, cpu) = match accel {
        "kvm" => ("kvm", "host"),
        // Without the feature by which a page is cleared a byte at a time: each is counted, though
        // no CPU takes as long for it as for an instruction.
        "count" => ("tcg", "max,erms=off"),
        "parallel" => ("tcg,thread=multi,tb-size=1024", "qemu64"),
        // One thread for all CPUs: with more, a kernel that rewrites its own text may trip over it.
        _ => ("tcg,thread=single,tb-size=1024", "qemu64"),
    };

    qemu.args(["-accel", accel, "-cpu", cpu, "-m", "1536"])
        // Without ACPI the kernel finds one CPU in each socket.
        .args(["-smp", &format!("{cpus},sockets={cpus}")])
        .args(["-display", "none", "-serial", "mon:stdio"])
        .args(["-no-reboot", "-nic", "none"]);
    qemu
}

/// A QEMU that boots `image` on a serial console.
fn qemu(accel: &str, image: &Path, initramfs: &Path, cpus: usize, parameters: &str) -> Command {
    let mut qemu = pc(accel, cpus);

    qemu.arg("-kernel")
        .arg(image)
        .arg("-initrd")
        .arg(initramfs)
        // Warnings of the kernel are shown; what it has to say otherwise would get between the
        // lines of the tests.
        .args([
            "-append",
            &format!("console=ttyS0 panic=-1 loglevel=5 {parameters}"),
        ]);
    qemu
}

/// A User Mode Linux that boots on the standard output.
fn uml(image: &Path, initramfs: &Path, parameters: &str) -> Command {
    let mut uml = Command::new(image);

    uml.args(["mem=1536M", "con=null", "con0=fd:0,fd:1", "panic=-1"])
        .args(["loglevel=5", "kunit.enable=0"])
        .arg(format!("initrd={}", initramfs.display()))
        .args(parameters.split_whitespace());
    uml
}

/// Runs a guest until it ends, at most for `limit`. Returns the console, and whether it ended.
fn run_for(
    mut command: Command,
    console: &Path,
    limit: Duration,
    show: bool,
) -> Result<(String, bool)> {
    let log = fs::File::create(console)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Of its own, so that all processes of a User Mode Linux can be killed.
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot run {:?}", command.get_program()))?;
    let start = Instant::now();
    let mut tail = BufReader::new(fs::File::open(console)?);
    let mut line = Vec::new();

    let ended = loop {
        let ended = child.wait_timeout(Duration::from_millis(500))?.is_some();
        while show && tail.read_until(b'\n', &mut line)? > 0 {
            if !line.ends_with(b"\n") {
                break;
            }
            if let Some(text) = String::from_utf8_lossy(&line).strip_prefix('|') {
                println!("{}", text.trim_end());
            }
            line.clear();
        }
        if ended || start.elapsed() > limit {
            break ended;
        }
    };
    if !ended {
        let group = Pid::from_child(&child);
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL)?;
        child.wait()?;
    }
    let text = String::from_utf8_lossy(&fs::read(console)?).replace('\r', "");
    Ok((text, ended))
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
pub fn accelerator(paths: &Paths, image: &Path) -> Result<String> {
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
        let initramfs = pack(paths, "probe", &[], "")?;
        let probe = qemu("kvm", image, &initramfs, 1, "");
        let (console, _) = run_for(probe, &paths.console("probe"), PROBE_LIMIT, false)?;
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

/// What a kernel in trouble says, as an extended regular expression.
pub const TROUBLE: &str = concat!(
    r"WARNING: (CPU|possible|suspicious|inconsistent|bad|lock held)|\bBUG:|Oops|KASAN:|",
    r"Kernel panic|kernel BUG at|INFO: (task|rcu)|rcu.*stall|soft lockup|",
    r"unreferenced object|list_(add|del) corruption|general protection fault|",
    r"Bad page|bad: scheduling|Bad rss-counter|maple_tree|sleeping function called|",
    r"refcount_t:|non-zero pgtables_bytes|UBSAN|x86/PAT: .*invalid memtype|issue in "
);

/// Lines of a console that tell of a kernel in trouble.
pub fn trouble(console: &str) -> Vec<&str> {
    let pattern = Regex::new(TROUBLE).expect("a valid pattern");

    console
        .lines()
        .filter(|line| pattern.is_match(line))
        .collect()
}

impl Guest<'_> {
    /// Boots the guest and returns its console. Fails if it hangs, does not reach its end, or if
    /// its kernel complains.
    pub fn run(&self, paths: &Paths, name: &str) -> Result<String> {
        let initramfs = pack(paths, name, self.content, self.script)?;
        let file = paths.console(name);
        let with = |accel: &str| qemu(accel, self.image, &initramfs, self.cpus, self.parameters);
        let command = match self.machine {
            Machine::Pc => with(&accelerator(paths, self.image)?),
            Machine::Parallel => match accelerator(paths, self.image)?.as_str() {
                "tcg" => with("parallel"),
                other => with(other),
            },
            Machine::Counting => {
                let mut qemu = with("count");
                qemu.args(["-icount", "shift=0,sleep=off"]);
                qemu
            }
            Machine::Uml => uml(self.image, &initramfs, self.parameters),
        };
        let watch = || watch(command, name, &file, self.limit, self.show);
        paths.times.of(&format!("guest {name}"), watch)
    }
}

/// Runs a guest to its end and returns its console. Fails if it hangs, does not reach its end, or
/// if its kernel complains.
fn watch(command: Command, name: &str, file: &Path, limit: Duration, show: bool) -> Result<String> {
    let (console, ended) = run_for(command, file, limit, show)?;
    let last = || {
        let lines: Vec<&str> = console.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n  ")
    };

    let complaints = trouble(&console);
    ensure!(
        complaints.is_empty(),
        "the kernel complained in guest {name}:\n  {}\n  the whole console is {}",
        complaints.join("\n  "),
        file.display()
    );
    ensure!(
        ended,
        "guest {name} hung and was killed after {} s:\n  {}\n  the whole console is {}",
        limit.as_secs(),
        last(),
        file.display()
    );
    ensure!(
        console.contains(END),
        "guest {name} ended before its time:\n  {}\n  the whole console is {}",
        last(),
        file.display()
    );
    Ok(console)
}

/// Boots a PC from a disk with a boot loader on it, shows what its programs say, and returns its
/// console. `image` is a kernel to find out the accelerator with.
pub fn boot_disk(
    paths: &Paths,
    name: &str,
    disk: &Path,
    image: &Path,
    limit: Duration,
) -> Result<String> {
    let file = paths.console(name);
    let mut qemu = pc(&accelerator(paths, image)?, 2);

    qemu.arg("-drive").arg(format!(
        "if=virtio,format=raw,file={}",
        // A comma would end the name.
        disk.display().to_string().replace(',', ",,")
    ));
    watch(qemu, name, &file, limit, true)
}

/// Boots a guest on this terminal, until it ends.
pub fn interactive(paths: &Paths, image: &Path, content: &[Content], script: &str) -> Result<()> {
    let accel = accelerator(paths, image)?;
    let initramfs = pack(paths, "shell", content, script)?;

    qemu(&accel, image, &initramfs, 2, "").status()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{asked_for, trouble};
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

    #[test]
    fn complaints_are_found() {
        for line in [
            "WARNING: CPU: 0 PID: 1 at mm/mremap.c:10 move_vma+0x1/0x2",
            "WARNING: possible circular locking dependency detected",
            "BUG: KASAN: slab-use-after-free in do_mremap+0x1/0x2",
            "BUG: unable to handle page fault for address: 0000",
            "INFO: task swapper/0:1 blocked for more than 120 seconds.",
            "Kernel panic - not syncing: Fatal exception",
            "list_del corruption. prev->next should be ff11, but was 0",
        ] {
            assert_eq!(trouble(&format!("fine\n{line}\nfine")), [line]);
        }
    }

    #[test]
    fn a_quiet_console_is_quiet() {
        let console = "Linux version 4.2.117\n\
                       kprobes: kprobe jump-optimization is enabled.\n\
                       ok 1 move.anon.whole\n\
                       mmap: VmData 274432 exceed data ulimit 229376.\n";

        assert!(trouble(console).is_empty());
    }
}
