// SPDX-License-Identifier: GPL-2.0

//! The configurations of kernels: fragments of `configs/`, and what such a kernel runs on.

use crate::arch::Arch;
use anyhow::{
    Context,
    Result, //
};

/// A configuration.
#[derive(Debug, PartialEq, Eq)]
pub struct Configuration {
    pub name: &'static str,
    /// Fragments of `configs/`, each on top of those before it.
    pub fragments: &'static [&'static str],
    pub arch: Arch,
    /// Features of an emulated CPU beside the usual ones, as QEMU takes them.
    pub cpu: &'static str,
    /// Does it lack kinds of memory, so that programs go on without some of what they test?
    pub is_partial: bool,
    /// What runs its kernel.
    pub used: Used,
}

/// What a configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// Guests that test.
    Tests,
    /// Guests that measure.
    Measurements,
    /// Nothing: it is built.
    Builds,
}

impl Configuration {
    const fn pc(name: &'static str, fragments: &'static [&'static str]) -> Self {
        Configuration {
            name,
            fragments,
            arch: Arch::X86_64,
            cpu: "",
            is_partial: false,
            used: Used::Tests,
        }
    }

    const fn arm64(name: &'static str, fragments: &'static [&'static str]) -> Self {
        Configuration {
            arch: Arch::Arm64,
            ..Self::pc(name, fragments)
        }
    }
}

/// The usual one.
pub const USUAL: Configuration = Configuration::pc("test", &["common", "x86", "test"]);

const ALL: [Configuration; 9] = [
    USUAL,
    Configuration::pc("debug", &["common", "x86", "debug"]),
    Configuration {
        // Five levels of page tables.
        cpu: ",+la57",
        ..Configuration::pc("preempt", &["common", "x86", "test", "preempt"])
    },
    Configuration {
        is_partial: true,
        ..Configuration::pc("few", &["common", "x86", "test", "few"])
    },
    Configuration::pc("tiny", &["tiny"]),
    Configuration::arm64("arm64", &["common", "arm64", "test"]),
    Configuration {
        used: Used::Measurements,
        ..Configuration::pc("bench", &["common", "x86", "bench"])
    },
    Configuration {
        used: Used::Builds,
        ..Configuration::pc("off", &["common", "x86", "off"])
    },
    Configuration {
        used: Used::Builds,
        ..Configuration::pc("without-rust", &["common", "x86", "without-rust"])
    },
];

impl Configuration {
    /// The option of programs that then go on.
    pub fn partial_option(&self) -> &'static str {
        match self.is_partial {
            true => " --partial",
            false => "",
        }
    }
}

/// The configuration of that name.
pub fn find(name: &str) -> Result<&'static Configuration> {
    ALL.iter()
        .find(|config| config.name == name)
        .with_context(|| format!("there is no configuration '{name}'"))
}

/// The names of configurations for some uses.
pub fn names(used: &[Used]) -> Vec<&'static str> {
    ALL.iter()
        .filter(|config| used.contains(&config.used))
        .map(|config| config.name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::ALL;
    use crate::{
        base::names,
        paths::{
            top,
            Paths, //
        }, //
    };

    #[test]
    fn fragments_are_there() {
        for name in names(&top().unwrap()).unwrap() {
            let paths = Paths::find(&name).unwrap();
            for fragment in ALL.iter().flat_map(|config| config.fragments) {
                paths.fragments(fragment).unwrap();
            }
        }
    }
}
