// SPDX-License-Identifier: GPL-2.0

//! Counters of the kernel, in texts that have one on each line, behind its name.

/// The number on the line of a name, as in `/proc/meminfo` or `/proc/vmstat`.
pub fn counter(text: &str, name: &str) -> Option<i64> {
    text.lines()
        .filter_map(|line| line.split_once([':', ' ']))
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| value.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::counter;

    #[test]
    fn counters_are_found() {
        let text = "SwapTotal:  7 kB\nSwapFree:   12 kB\nnr_mapped 3\n";

        assert_eq!(counter(text, "SwapFree"), Some(12));
        assert_eq!(counter(text, "nr_mapped"), Some(3));
        assert_eq!(counter(text, "Swap"), None);
    }
}
