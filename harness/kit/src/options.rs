// SPDX-License-Identifier: GPL-2.0

//! The options of the Makefile, and how to tell of a value that is none of theirs.
//!
//! Each is an option of kit by the same name, in small letters.

use crate::{
    base,
    configuration::{
        self,
        Used, //
    },
    paths, //
};
use clap::error::{
    ContextKind,
    ContextValue,
    Error,
    ErrorKind, //
};
use std::error::Error as _;

/// How a value is refused: by what it has to be.
type Parsed<T> = Result<T, String>;

/// Numbers have room for sums of them.
const MOST: u64 = 1_000_000_000_000_000_000;

/// Minutes of a week.
const MOST_MINUTES: u64 = 7 * 24 * 60;

fn one_of(names: &[&str], text: &str) -> Parsed<String> {
    if names.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!("it is {}", names.join(" or ")))
    }
}

/// The kernel that the series is for.
pub fn base(text: &str) -> Parsed<String> {
    let names = paths::top().and_then(|top| base::names(&top));
    let names = names.map_err(|error| format!("{error:#}"))?;

    if names.iter().any(|name| name == text) {
        Ok(text.to_owned())
    } else {
        Err(format!("bases/ has only {}", names.join(", ")))
    }
}

/// The configuration of a kernel that guests run.
pub fn guest_config(text: &str) -> Parsed<String> {
    one_of(&configuration::names(&[Used::Tests]), text)
}

/// The configuration of a kernel that is built, and nothing else.
pub fn kernel_config(text: &str) -> Parsed<String> {
    one_of(
        &configuration::names(&[Used::Tests, Used::Measurements]),
        text,
    )
}

fn between(least: u64, most: u64, text: &str) -> Parsed<u64> {
    text.parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("it is a number from {least} to {most}"))
}

pub fn seed(text: &str) -> Parsed<u64> {
    between(0, MOST, text)
}

pub fn runs(text: &str) -> Parsed<u64> {
    between(1, MOST, text)
}

pub fn minutes(text: &str) -> Parsed<u64> {
    between(1, MOST_MINUTES, text)
}

/// Something that is done or not. As a variable of make it has a value in any case.
pub fn switch(text: &str) -> Parsed<bool> {
    match text {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => Err("it is 1, or 0 for no".to_owned()),
    }
}

/// What is wrong with a value, where the user gave it in the Makefile's words.
pub fn refusal(error: &Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    if error.kind() != ErrorKind::ValueValidation {
        return None;
    }
    let option = text(ContextKind::InvalidArg)?.strip_prefix("--")?;
    let name = option.split([' ', '=', '[']).next()?.to_uppercase();

    Some(format!(
        "{name}={}: {}",
        text(ContextKind::InvalidValue)?,
        error.source()?
    ))
}

#[cfg(test)]
mod tests {
    use super::{
        base,
        guest_config,
        kernel_config,
        minutes,
        refusal,
        runs,
        seed,
        switch, //
    };
    use crate::{
        base::names,
        paths::top,
        Args, //
    };
    use clap::Parser;
    use std::process::Command;

    #[test]
    fn configurations_are_those_of_kernels() {
        assert_eq!(guest_config("debug").as_deref(), Ok("debug"));
        for other in ["", "foo", "common", "range", "../configs/test", "bench"] {
            assert!(guest_config(other).is_err(), "{other}");
        }
        assert_eq!(kernel_config("bench").as_deref(), Ok("bench"));
        assert!(kernel_config("uml").is_err());
    }

    #[test]
    fn numbers_have_limits() {
        assert_eq!(seed("0"), Ok(0));
        assert_eq!(runs("1"), Ok(1));
        assert_eq!(minutes("10080"), Ok(10_080));
        for wrong in ["", "-1", "x", "1.5", "18446744073709551615", "1 2"] {
            assert!(seed(wrong).is_err(), "{wrong}");
        }
        assert!(runs("0").is_err());
        assert!(minutes("0").is_err());
        assert!(minutes("10081").is_err());
    }

    #[test]
    fn bases_are_folders() {
        let names = names(&top().unwrap()).unwrap();

        for name in &names {
            assert_eq!(base(name).as_ref(), Ok(name));
        }
        for wrong in ["", "9.9", ".", "../bases", "9.9 "] {
            let said = base(wrong).unwrap_err();
            assert!(said.contains(&names[0]), "{said}");
        }
    }

    #[test]
    fn switches_are_on_or_off() {
        assert_eq!((switch("1"), switch("0")), (Ok(true), Ok(false)));
        assert!(switch("yes").is_err());
    }

    /// What is said of arguments, as the Makefile gives them.
    fn said(arguments: &[&str]) -> Option<String> {
        let base = format!("--base={}", names(&top().unwrap()).unwrap()[0]);
        let error = Args::try_parse_from([&["kit", &base], arguments].concat()).err()?;
        Some(refusal(&error).unwrap_or(error.to_string()))
    }

    #[test]
    fn refusals_speak_of_the_makefile() {
        for (arguments, expected) in [
            (
                ["kernel", "--config=foo"],
                "CONFIG=foo: it is test or debug or preempt or few or tiny or arm64 or bench",
            ),
            (
                ["test", "--config=bench"],
                "CONFIG=bench: it is test or debug or preempt or few or tiny or arm64",
            ),
            (["fuzz", "--uml=yes"], "UML=yes: it is 1, or 0 for no"),
            (
                ["fuzz", "--runs=0"],
                "RUNS=0: it is a number from 1 to 1000000000000000000",
            ),
            (
                ["sweep", "--minutes=0"],
                "MINUTES=0: it is a number from 1 to 10080",
            ),
            (
                ["stress", "--seed=-1"],
                "SEED=-1: it is a number from 0 to 1000000000000000000",
            ),
            (["bench", "--quick=x"], "QUICK=x: it is 1, or 0 for no"),
            (["bench", "--profile=2"], "PROFILE=2: it is 1, or 0 for no"),
        ] {
            assert_eq!(said(&arguments).as_deref(), Some(expected));
        }
    }

    /// What make says of a target and options, without making it.
    fn make(arguments: &[&str]) -> (bool, String) {
        let out = Command::new("make")
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            // Options of a make that runs these tests are not meant.
            .env_remove("MAKEFLAGS")
            .arg("-n")
            .args(arguments)
            .output()
            .unwrap();
        (
            out.status.success(),
            String::from_utf8_lossy(&out.stderr).into_owned(),
        )
    }

    #[test]
    fn targets_refuse_options_of_others() {
        for (arguments, told) in [
            (
                ["stress", "RUNS=5"],
                "make stress does not take RUNS: it takes BASE SEED MINUTES ",
            ),
            (
                ["lint", "CONFIG=test"],
                "make lint does not take CONFIG: it takes BASE",
            ),
            (["bench", "COMPAER=x"], "make bench does not take COMPAER:"),
            (["kernel", "BASE=9.9"], "BASE=9.9: bases/ has only "),
            (["lint", "BASE="], "BASE=: bases/ has only "),
        ] {
            let (passed, errors) = make(&arguments);
            assert!(!passed && errors.contains(told), "{errors}");
        }
        for arguments in [
            &["bench", "COMPARE=x", "QUICK=1"][..],
            &["demo", "test", "SUITES=host"],
            &["limits", "LINUX_SRC=x"],
            &["deb", "KDEB_PKGVERSION=1", "KCONFIG=x"],
        ] {
            let (passed, errors) = make(arguments);
            assert!(passed, "{errors}");
        }
    }

    #[test]
    fn the_makefile_is_understood() {
        for arguments in [
            &["kernel", "--config=bench"][..],
            &["test", "--config=test", "--", "host", "kunit"],
            &["bench", "--quick=1", "--compare=a b", "--profile=0"],
            &[
                "fuzz",
                "--seed=1",
                "--runs=2",
                "--minutes=3",
                "--config=test",
                "--uml=1",
            ],
            &["mutants", "--", "undo", "-x"],
        ] {
            assert_eq!(said(arguments), None);
        }
    }
}
