// SPDX-License-Identifier: GPL-2.0

//! How often a CPU was interrupted to flush its TLB, as `/proc/interrupts` counts it.

use anyhow::{
    Context,
    Result, //
};

/// The row of what the kernel calls TLB shootdowns.
const ROW: &str = "TLB:";

/// How many TLB shootdowns a CPU has received since the kernel was started.
///
/// The kernel counts them where they arrive, and whoever sends one waits until it has. So none of a
/// call is missing once the call has returned.
pub fn shootdowns(cpu: usize) -> Result<u64> {
    let text = std::fs::read_to_string("/proc/interrupts")?;

    column(&text, cpu).with_context(|| format!("/proc/interrupts has no row {ROW} for CPU {cpu}"))
}

/// The figure of a CPU in the row. The first line names the CPUs that are there.
fn column(text: &str, cpu: usize) -> Option<u64> {
    let mut lines = text.lines();
    let name = format!("CPU{cpu}");
    let column = lines.next()?.split_whitespace().position(|it| it == name)?;
    let row = lines.find_map(|line| line.trim_start().strip_prefix(ROW))?;

    row.split_whitespace().nth(column)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::column;

    #[test]
    fn the_column_is_that_of_the_cpu() {
        let text = "           CPU0       CPU2       \n\
                    \x20 0:        100          0   XT-PIC      timer\n\
                    TLB:         12         34   TLB shootdowns\n\
                    ERR:          0\n";

        assert_eq!(column(text, 0), Some(12));
        assert_eq!(column(text, 2), Some(34));
        assert_eq!(column(text, 1), None);
        assert_eq!(column("           CPU0\nERR:          0\n", 0), None);
    }
}
