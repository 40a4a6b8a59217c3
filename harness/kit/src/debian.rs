//! The patched kernel as a Debian package, and a Debian that runs it.

mod disk;
mod package;

use crate::{demo::BY_ONE_CALL, guest, outcome::Outcome, tree::Tree};
use anyhow::Result;
use disk::Disk;
pub use package::judge;
use package::{Installed, Package};
use std::{path::Path, time::Duration};

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

/// The programs of the demonstration, and these commands.
fn commands() -> impl Iterator<Item = (&'static str, &'static str)> {
    BY_ONE_CALL.into_iter().chain(COMMANDS)
}

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
    let disk = Disk::make(paths, &installed, &script())?;
    let image = disk.kernel(release);
    let console = guest::boot_disk(paths, "debian", &disk.file, &image, LIMIT)?;
    let mut outcome = Outcome::default();
    let log = paths.console("debian");
    let booted = format!("| running {release}");

    outcome.check(console.contains(&booted), || {
        format!(
            "Debian did not say '{booted}'; the console is {}",
            log.display()
        )
    });
    for (command, words) in commands() {
        let part = part(&console, command);
        let passed = part.iter().any(|line| line.contains(words))
            && part.last().is_some_and(|line| line.ends_with("exit 0"));
        outcome.check(passed, || {
            format!(
                "{command} failed or did not say '{words}':\n{}\n({})",
                part.join("\n"),
                log.display()
            )
        });
    }
    Ok(outcome)
}

/// The script that Debian runs. Each line that begins with a bar is shown to the user.
fn script() -> String {
    let mut script = String::from(
        "echo \"| running $(uname -r), $(. /etc/os-release && echo $PRETTY_NAME)\"\n\
         echo 1 > /proc/sys/kernel/printk\n",
    );
    for (command, _) in commands() {
        let quoted = command.replace('\'', "'\\''");
        script += &format!(
            "printf '| $ %s\\n' '{quoted}'\n\
             {{ {command}; echo \"exit $?\"; }} 2>&1 | sed 's/^|* */| /'\n"
        );
    }
    script
}

/// What a command printed, and how it ended.
fn part<'a>(console: &'a str, command: &str) -> Vec<&'a str> {
    let begin = format!("| $ {command}");

    let mut lines = console.lines().skip_while(|line| **line != begin).skip(1);
    let mut part = Vec::new();
    for line in &mut lines {
        part.push(line);
        if line.starts_with("| exit ") {
            break;
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn a_part_ends_with_its_command() {
        let console = "| $ a\n| x\n| exit 1\n| $ b\n| y\n| exit 0\n";

        assert_eq!(part(console, "a"), ["| x", "| exit 1"]);
        assert_eq!(part(console, "b"), ["| y", "| exit 0"]);
        assert!(part(console, "c").is_empty());
    }
}
