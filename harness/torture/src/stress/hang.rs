// SPDX-License-Identifier: GPL-2.0

//! What is known of the threads of a process that hangs.

use crate::say::say;
use std::{
    fs,
    path::Path, //
};

/// What the kernel tells of a thread, as far as it is built to.
const FILES: [&str; 3] = ["wchan", "syscall", "stack"];

fn describe(task: &Path) -> String {
    let read = |file: &str| fs::read_to_string(task.join(file)).unwrap_or_default();
    let stat = read("stat");
    // Number, name in brackets, then one letter for the state.
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().next());
    let mut text = format!("{}: state {}", read("comm").trim(), state.unwrap_or("?"));

    for file in FILES {
        for line in read(file).lines() {
            text += &format!("\n    {file}: {line}");
        }
    }
    text
}

/// Prints what each thread is at.
pub fn report() {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();

    for task in tasks.flatten() {
        say!("{}", describe(&task.path()));
    }
    // The kernel's own view, on its console, where that is allowed.
    for key in ["w", "l"] {
        let _ = fs::write("/proc/sysrq-trigger", key);
    }
}
