// SPDX-License-Identifier: GPL-2.0

//! The functions of the kernel that runs.

use anyhow::{
    ensure,
    Context,
    Result, //
};

/// Functions by address.
pub struct Symbols(Vec<(u64, String)>);

impl Symbols {
    pub fn read() -> Result<Self> {
        let text = std::fs::read_to_string("/proc/kallsyms").context("/proc/kallsyms")?;

        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self> {
        let mut functions = Vec::new();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (Some(at), Some("t" | "T" | "w" | "W"), Some(name)) =
                (words.next(), words.next(), words.next())
            else {
                continue;
            };
            functions.push((
                u64::from_str_radix(at, 16)?,
                format!("{:#}", rustc_demangle::demangle(name)),
            ));
        }
        functions.sort();
        ensure!(
            functions.iter().any(|(at, _)| *at != 0),
            "/proc/kallsyms has no addresses: be root"
        );
        Ok(Symbols(functions))
    }

    fn find(&self, at: u64) -> Option<&(u64, String)> {
        let behind = self.0.partition_point(|(start, _)| *start <= at);
        self.0.get(behind.checked_sub(1)?)
    }

    /// The function that an address is in.
    pub fn name(&self, at: u64) -> &str {
        match self.find(at) {
            // The upper half is the kernel's.
            Some((_, name)) if at >> 63 == 1 => name,
            _ => "(the program)",
        }
    }

    /// Where that function starts.
    pub fn start(&self, at: u64) -> u64 {
        self.find(at).map_or(0, |(start, _)| *start)
    }
}

#[cfg(test)]
mod tests {
    use super::Symbols;

    #[test]
    fn an_address_is_in_the_function_before_it() {
        let text = "ffffffff81000000 T one\nffffffff81000010 D data\n\
                    ffffffff81000020 t _RNvCs1234_7mycrate3foo\n";
        let symbols = Symbols::parse(text).unwrap();

        assert_eq!(symbols.name(0xffff_ffff_8100_0000), "one");
        assert_eq!(symbols.name(0xffff_ffff_8100_001f), "one");
        assert_eq!(symbols.name(0xffff_ffff_8100_0021), "mycrate::foo");
        assert_eq!(symbols.start(0xffff_ffff_8100_0021), 0xffff_ffff_8100_0020);
        assert_eq!(symbols.name(0x1000), "(the program)");
    }

    #[test]
    fn hidden_addresses_are_told() {
        let error = Symbols::parse("0000000000000000 T one\n").err().unwrap();
        assert!(error.to_string().contains("be root"), "{error}");
    }
}
