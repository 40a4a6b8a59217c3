// SPDX-License-Identifier: GPL-2.0

//! Commands in a guest, and what they did, as the console has it.

use anyhow::{
    ensure,
    Context,
    Result, //
};
use std::path::Path;

/// How many lines are shown of a command that failed.
const LAST: usize = 40;

/// What a command did.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub command: String,
    /// As a shell has it: zero if all went well.
    pub status: i32,
    /// What it printed, to either output, and what the kernel said meanwhile.
    pub output: String,
}

/// Makes one word of a text, for a shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What a line begins with before a command, and behind what it printed.
fn marks(number: usize) -> [String; 2] {
    ["run", "exit"].map(|what| format!("guest: {what} {number}: "))
}

/// A script that runs commands one after another, whatever becomes of each.
pub fn script(commands: &[impl AsRef<str>]) -> String {
    let run = |(number, command): (usize, &str)| {
        let [begin, end] = marks(number);
        let shown = quoted(&format!("{begin}{command}"));
        format!("printf '%s\\n' {shown}\n{{ {command}\n}} 2>&1\necho \"{end}$?\"\n")
    };

    commands
        .iter()
        .map(AsRef::as_ref)
        .enumerate()
        .map(run)
        .collect()
}

/// Finds what such a script printed.
pub fn read(console: &str, commands: &[impl AsRef<str>]) -> Result<Vec<Ran>> {
    let find = |(number, command): (usize, &str)| {
        let [begin, end] = marks(number);
        let (_, rest) = console.split_once(&begin)?;
        let (_, rest) = rest.split_once(&format!("{command}\n"))?;
        let (output, rest) = rest.split_once(&end)?;

        Some(Ran {
            command: command.to_owned(),
            status: rest.lines().next()?.trim().parse().ok()?,
            output: output.to_owned(),
        })
    };

    commands
        .iter()
        .map(AsRef::as_ref)
        .enumerate()
        .map(|entry| {
            find(entry).with_context(|| format!("the console does not tell how {} ended", entry.1))
        })
        .collect()
}

impl Ran {
    /// What it printed last.
    pub fn last_lines(&self, count: usize) -> String {
        let lines: Vec<&str> = self.output.lines().collect();

        lines[lines.len().saturating_sub(count)..].join("\n  ")
    }

    /// Is this among the lines for people to read, which begin with a bar?
    pub fn said(&self, words: &str) -> bool {
        let mut lines = self.output.lines();

        lines.any(|line| line.starts_with('|') && line.contains(words))
    }

    /// Fails if the command has, with what it printed last. `console` is where the rest is.
    pub fn require(&self, console: &Path) -> Result<()> {
        ensure!(
            self.status == 0,
            "{} ended with {}:\n  {}\n  the whole console is {}",
            self.command,
            self.status,
            self.last_lines(LAST),
            console.display()
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        read,
        script, //
    };
    use std::process::Command;

    /// What a shell prints.
    fn console(script: &str) -> String {
        let output = Command::new("sh").args(["-c", script]).output().unwrap();

        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn commands_are_told_apart() {
        let commands = ["echo one; echo two >&2", "printf \"it's\"; false", "exit 3"];
        let ran = read(&console(&script(&commands[..2])), &commands[..2]).unwrap();

        assert_eq!(ran[0].command, commands[0]);
        assert_eq!((ran[0].status, ran[0].output.as_str()), (0, "one\ntwo\n"));
        assert_eq!((ran[1].status, ran[1].output.as_str()), (1, "it's"));
        // What ends the shell takes the others with it.
        assert!(read(&console(&script(&commands)), &commands).is_err());
    }

    #[test]
    fn lines_for_people_begin_with_a_bar() {
        let commands = ["echo '| moved'; echo 'and lost'"];
        let ran = read(&console(&script(&commands)), &commands).unwrap();

        assert!(ran[0].said("moved"));
        assert!(!ran[0].said("lost"));
        assert_eq!(ran[0].last_lines(1), "and lost");
    }
}
