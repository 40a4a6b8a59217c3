// SPDX-License-Identifier: GPL-2.0

//! What runs in a guest: each command is a test of a program of others.

use super::root::{
    Programs,
    PERL,
    ROOT,
    SQLITE,
    TESTS, //
};
use crate::guest::quoted;

/// How long one of them may take, in seconds.
const LIMIT: u64 = 600;

/// How long stress-ng keeps at one kind of work, in seconds.
const STRESS: u64 = 4;

/// The kinds of work of stress-ng: those that map, move, protect, lock, share and fault in memory,
/// and make processes.
const STRESSORS: [&str; 32] = [
    "brk",
    "clone",
    "context",
    "fork",
    "madvise",
    "malloc",
    "memfd",
    "mincore",
    "mlock",
    "mmap",
    "mmapaddr",
    "mmapfixed",
    "mmapmany",
    "mprotect",
    "mremap",
    "msync",
    "munmap",
    "pagemove",
    "pageswap",
    "remap",
    "rmap",
    "shm",
    "shm-sysv",
    "sigsegv",
    "stack",
    "stackmmap",
    "tmpfs",
    "userfaultfd",
    "vm",
    "vm-addr",
    "vm-rw",
    "vm-splice",
];

/// Modules of Python's tests: objects that grow by realloc(), files that are mapped, threads and
/// processes, and libraries with memory of their own.
const PYTHON_MODULES: [&str; 22] = [
    "test_array",
    "test_bytes",
    "test_bz2",
    "test_deque",
    "test_dict",
    "test_fork1",
    "test_gc",
    "test_io",
    "test_json",
    "test_list",
    "test_lzma",
    "test_memoryview",
    "test_mmap",
    "test_pickle",
    "test_posix",
    "test_re",
    "test_resource",
    "test_set",
    "test_struct",
    "test_subprocess",
    "test_threading",
    "test_zlib",
];

/// Files of SQLite's tests: files that are mapped and mapped anew as they grow, its log, memory.
const SQLITE_FILES: [&str; 16] = [
    "insert",
    "memdb",
    "memsubsys1",
    "mmap1",
    "mmap2",
    "mmap3",
    "mmap4",
    "mmapfault",
    "mmapwarm",
    "pagesize",
    "select1",
    "vacuum",
    "wal",
    "walmode",
    "walshared",
    "zeroblob",
];

/// A command with a name.
pub fn named(name: &str, command: &str) -> String {
    format!(": {name}; {command}")
}

/// The name of such a command.
pub fn name(command: &str) -> &str {
    let named = command.trim_start_matches(": ");

    named.split(';').next().unwrap_or_default()
}

/// A command in Debian. What it prints is shown only if it fails.
fn inside(name: &str, folder: &str, command: &str) -> String {
    let command = quoted(&format!("cd {folder} && {command}"));

    named(
        name,
        &format!(
            "chroot /{ROOT} /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
             timeout {LIMIT} sh -c {command} > /tmp/out 2>&1 || \
             {{ status=$?; tail -n 20 /tmp/out; (exit $status); }}"
        ),
    )
}

/// All of them.
pub fn all(programs: &Programs) -> Vec<String> {
    let stress = STRESSORS.iter().map(|kind| {
        // As root it would do more than use memory: declare it broken.
        let work = format!(
            "setpriv --reuid=65534 --regid=65534 --clear-groups \
             stress-ng --{kind} 2 --timeout {STRESS} --verify --temp-path /tmp"
        );
        inside(&format!("stress-ng {kind}"), "/tmp", &work)
    });
    let python = PYTHON_MODULES.iter().map(|module| {
        let test = format!("python3 -m test {module}");
        inside(&format!("Python {module}"), "/tmp", &test)
    });
    let sqlite = SQLITE_FILES.iter().map(|file| {
        let folder = format!("/{TESTS}/{SQLITE}");
        let test = format!("{folder}/testfixture {folder}/test/{file}.test");
        inside(&format!("SQLite {file}"), "/tmp", &test)
    });
    let perl = programs.perl.iter().map(|file| {
        let test = format!("./perl op/{file}");
        inside(
            &format!("Perl {file}"),
            &format!("/{TESTS}/{PERL}/t"),
            &test,
        )
    });

    stress.chain(python).chain(sqlite).chain(perl).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        inside,
        name, //
    };

    #[test]
    fn commands_have_names() {
        assert_eq!(name(&inside("Perl op.t", "/t", "false")), "Perl op.t");
    }
}
