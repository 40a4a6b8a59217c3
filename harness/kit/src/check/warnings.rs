// SPDX-License-Identifier: GPL-2.0

//! What tools have warned of.

use regex_lite::Regex;
use std::{
    collections::BTreeSet,
    fmt, //
};

/// What a build, or another tool, has warned of, without the numbers of lines.
#[derive(Default)]
pub struct Warnings(BTreeSet<String>);

impl Warnings {
    /// The warnings in what a tool has printed, each with the file that it is about.
    pub fn of(text: &str) -> Self {
        let number = Regex::new("[0-9]+").expect("a pattern");
        let is_warning = |line: &str| {
            let line = line.trim_start().to_ascii_lowercase();
            line.contains("warning:") || line.contains("error:") || line.starts_with("error[")
        };
        // Rust's tools name the file in the next line, after an arrow.
        let next = text.lines().skip(1).chain([""]);

        Warnings(
            text.lines()
                .zip(next)
                .filter(|(line, _)| is_warning(line))
                .map(|(line, next)| match next.trim().strip_prefix("--> ") {
                    Some(file) => format!("{file}: {}", line.trim()),
                    None => line.trim().to_owned(),
                })
                .map(|line| number.replace_all(&line, "N").into_owned())
                .collect(),
        )
    }

    /// Those that were written as text, each in a line.
    pub fn read(text: &str) -> Self {
        Warnings(text.lines().map(|line| line.trim().to_owned()).collect())
    }

    /// Those that are not in `known`.
    pub fn without(mut self, known: &Warnings) -> Self {
        self.0.retain(|line| !known.0.contains(line));
        self
    }

    /// Those that name one of `parts`.
    pub fn about(mut self, parts: &[&str]) -> Self {
        self.0
            .retain(|line| parts.iter().any(|part| line.contains(part)));
        self
    }

    /// Those that name none of `parts`.
    pub fn but(mut self, parts: &[&str]) -> Self {
        self.0
            .retain(|line| !parts.iter().any(|part| line.contains(part)));
        self
    }

    /// Those of both.
    pub fn add(&mut self, other: Warnings) {
        self.0.extend(other.0);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Warnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Warnings;

    #[test]
    fn warnings_of_rust_have_a_file() {
        let text = "warning: unused\n  --> rust/kernel/mm.rs:7:1\n   |\n";

        assert!(!Warnings::of(text).about(&["kernel/mm"]).is_empty());
        assert!(Warnings::of(text).about(&["kernel/net"]).is_empty());
    }

    #[test]
    fn exceptions_are_not_warnings() {
        let text = "a.c:1:2: warning: one\nb.c:1:2: warning: other\n";

        assert!(Warnings::of(text).but(&["one", "other"]).is_empty());
        assert!(!Warnings::of(text).but(&["one"]).is_empty());
    }

    #[test]
    fn a_warning_that_has_moved_is_known() {
        let base = Warnings::of("mm/mremap.c:10:2: warning: unused variable 'a'\n  CC foo.o\n");
        let same = Warnings::of("mm/mremap.c:12:2: warning: unused variable 'a'\n");
        let other = Warnings::of("mm/mremap.c:12:2: warning: unused variable 'b'\n");

        assert!(same.about(&["mremap.c"]).without(&base).is_empty());
        assert!(!other.without(&base).is_empty());
    }
}
