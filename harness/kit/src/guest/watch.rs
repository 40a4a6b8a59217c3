// SPDX-License-Identifier: GPL-2.0

//! Running a guest to its end, and finding out whether all went well.

use super::{
    initramfs::END,
    trouble::trouble, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use rustix::process::Pid;
use std::{
    fs,
    io::{
        BufRead,
        BufReader, //
    },
    os::unix::process::CommandExt,
    path::Path,
    process::{
        Command,
        Stdio, //
    },
    time::{
        Duration,
        Instant, //
    }, //
};
use wait_timeout::ChildExt;

/// Runs a guest until it ends, at most for `limit`. Returns the console, and whether it ended.
pub fn run_for(
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

/// Runs a guest to its end and returns its console. Fails if it hangs, does not reach its end, or
/// if its kernel complains.
pub fn watch(
    command: Command,
    name: &str,
    file: &Path,
    limit: Duration,
    show: bool,
) -> Result<String> {
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
