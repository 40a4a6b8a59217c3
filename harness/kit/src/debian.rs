// SPDX-License-Identifier: GPL-2.0

//! The patched kernel as a Debian package, and a Debian that runs it.

mod disk;
mod package;

use crate::{
    demo::BY_ONE_CALL,
    guest,
    kernel::Image,
    outcome::Outcome,
    tree::Tree, //
};
use anyhow::Result;
use disk::Disk;
pub use package::judge;
use package::{
    Installed,
    Package, //
};
use std::{
    path::Path,
    time::Duration, //
};

/// Builds the package, of the user's configuration or of a small one for virtual machines.
pub fn build(tree: &Tree, kconfig: Option<&Path>) -> Result<()> {
    let package = Package::new(tree, "package")?;
    package.configure(kconfig)?;
    for file in package.build()? {
        println!("{}", file.display());
    }
    Ok(())
}

/// A configuration of Debian's for virtual machines takes what a package needs, whatever else it
/// loses. `file` is where Debian has it.
pub fn takes_option(tree: &Tree, file: &Path) -> Result<Outcome> {
    Package::new(tree, "package-cloud")?.configure(Some(file))?;
    Ok(Outcome {
        passed: 1,
        ..Outcome::default()
    })
}

/// What the Debian of the demonstration runs beside the programs: a command, and words that each
/// says when it goes as it should.
const COMMANDS: [(&str, &str); 5] = [
    ("grep mremap_range /proc/vmstat", "mremap_range "),
    // The examples of the documentation, around the arena.
    (
        "perf stat -e mmap:mremap_range -a -- arena",
        "mmap:mremap_range",
    ),
    (
        "sh -c 'perf record -q -o /tmp/perf -e mmap:mremap_range -a -- arena > /tmp/out && \
         perf script -i /tmp/perf'",
        "err=0",
    ),
    (
        "sh -c 'trace-cmd record -q -o /tmp/trace -e mremap_range arena > /tmp/out && \
         trace-cmd report -i /tmp/trace'",
        "err=0",
    ),
    (
        "bpftrace -c arena -e 'tracepoint:mmap:mremap_range { printf(\"%s: %lu KiB, %lu relocated, \
         %lu copied, err %ld\\n\", comm, args->len / 1024, args->relocated, args->copied, \
         args->err); }'",
        " 0 copied, err 0",
    ),
];

/// Which kernel and which Debian that is.
const RUNNING: &str = "echo \"running $(uname -r), $(. /etc/os-release && echo $PRETTY_NAME)\"";

/// The console is for what commands say.
const SETTINGS: &str = "echo 1 > /proc/sys/kernel/printk\n";

/// How long Debian may take, from the boot loader to the end.
const LIMIT: Duration = Duration::from_secs(900);

/// Installs the package in a Debian, boots it from its disk, and runs the demonstration there.
pub fn demo(tree: &Tree) -> Result<Outcome> {
    let paths = tree.paths;
    let package = Package::new(tree, "package")?;
    package.configure(None)?;
    let files = package.build()?;
    let installed = Installed::among(&files)?;
    let release = &installed.release;
    let running = format!("running {release}");
    let all: Vec<(&str, &str)> = [(RUNNING, running.as_str())]
        .into_iter()
        .chain(BY_ONE_CALL)
        .chain(COMMANDS)
        .collect();
    let commands: Vec<String> = all.iter().map(|(command, _)| shown(command)).collect();
    let disk = Disk::make(
        paths,
        &installed,
        &(SETTINGS.to_owned() + &guest::script(&commands)),
    )?;
    let image = Image::pc(disk.kernel(release));
    let ran = guest::boot_disk(paths, "debian", &disk.file, &image, LIMIT, &commands)?;
    let mut outcome = Outcome::default();

    for (ran, (command, words)) in ran.iter().zip(all) {
        // The first line is the command itself.
        let said = ran.output.lines().skip(1).any(|line| line.contains(words));
        outcome.check(ran.status == 0 && said, || {
            format!(
                "{command} failed or did not say '{words}':\n{}\n({})",
                ran.output.trim_end(),
                paths.console("debian").display()
            )
        });
    }
    Ok(outcome)
}

/// A command that is shown to the user, with all that it says: each line gets a bar. It ends as it
/// would alone.
fn shown(command: &str) -> String {
    let quoted = guest::quoted(&format!("$ {command}"));

    format!(
        "{{ {{ {{ printf '%s\\n' {quoted}; {command}; echo $? >&3; }} 2>&1 | \
         sed 's/^|* */| /' >&4; }} 3>&1 | {{ read status; exit $status; }}; }} 4>&1"
    )
}

#[cfg(test)]
mod tests {
    use super::shown;
    use std::process::Command;

    #[test]
    fn what_is_shown_ends_as_it_would_alone() {
        let output = Command::new("sh")
            .args(["-c", &shown("echo \"it's\"; echo '|  done'; false")])
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();

        assert_eq!(
            printed,
            "| $ echo \"it's\"; echo '|  done'; false\n| it's\n| done\n"
        );
        assert_eq!(output.status.code(), Some(1));
    }
}
