// SPDX-License-Identifier: GPL-2.0

//! What shows that a kernel is in trouble.

use regex_lite::Regex;

/// What a kernel in trouble says, as an extended regular expression.
pub const TROUBLE: &str = concat!(
    r"WARNING: (CPU|[^ ]+:[0-9]+ at |possible|suspicious|inconsistent|bad|lock held)|",
    r"\bBUG:|Oops|KASAN:|",
    r"Kernel panic|kernel BUG at|INFO: (task|rcu)|rcu.*stall|soft lockup|",
    r"unreferenced object|list_(add|del) corruption|general protection fault|",
    r"Bad page|bad: scheduling|Bad rss-counter|maple_tree\(|sleeping function called|",
    r"refcount_t:|non-zero pgtables_bytes|UBSAN|x86/PAT: .*invalid memtype|issue in "
);

/// Lines of a console that tell of a kernel in trouble, each once: the kernel's log is printed
/// there as well.
pub fn trouble(console: &str) -> Vec<&str> {
    let pattern = Regex::new(TROUBLE).expect("a valid pattern");

    let mut lines = Vec::new();

    for line in console.lines().filter(|line| pattern.is_match(line)) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::trouble;

    #[test]
    fn complaints_are_found() {
        for line in [
            "WARNING: CPU: 0 PID: 1 at mm/mremap.c:10 move_vma+0x1/0x2",
            "WARNING: mm/vma.h:288 at vma_add_pgoff+0x1/0x2, CPU#0: torture/135",
            "WARNING: possible circular locking dependency detected",
            "maple_tree(ff11) flags 30D, height 3 root ff12",
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
                       ok 164 rust_doctest_kernel_maple_tree_rs_0\n\
                       mmap: VmData 274432 exceed data ulimit 229376.\n";

        assert!(trouble(console).is_empty());
    }
}
