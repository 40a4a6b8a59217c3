// SPDX-License-Identifier: GPL-2.0

//! Guests to look at: the demonstration programs, and a shell.

use crate::{
    base::Base,
    guest::{
        self,
        Content,
        Guest, //
    },
    host,
    kernel::{
        self,
        Image, //
    },
    outcome::Outcome,
    paths::Paths,
    programs,
    selftest,
    tree::Tree, //
};
use anyhow::Result;
use std::time::Duration;

/// A guest of the demonstration: its name, what the kernel is told, and what runs there.
struct Part<'a> {
    name: &'static str,
    parameters: &'static str,
    /// Commands, and words that each says when it goes as it should.
    commands: Vec<(&'static str, &'a str)>,
}

/// The programs, and words that each says where one call moves several mappings.
pub const BY_ONE_CALL: [(&str, &str); 2] = [
    ("demo", "mappings arrived, 0 were left behind"),
    ("arena", "moved by one call for all of it"),
];

/// A move of a region, and an arena that grows by moving; then the same where one call moves no
/// more than one mapping, or one after the other. Such a call may stop half-way, where this one
/// moves nothing.
fn parts(base: &Base) -> [Part<'_>; 2] {
    let mut parts = [
        Part {
            name: "demo",
            parameters: "",
            commands: BY_ONE_CALL.into(),
        },
        Part {
            name: "demo-off",
            parameters: kernel::OFF,
            commands: vec![("demo off", &base.demo_off), ("arena", &base.arena_off)],
        },
    ];

    if base.c_loop {
        let refused = [
            ("demo refused", "nothing has moved: "),
            ("demo refused off", "half of it has moved: "),
        ];
        for (part, command) in parts.iter_mut().zip(refused) {
            part.commands.insert(1, command);
        }
    }
    parts
}

/// Runs a part in a guest, which prints what it has to say, and counts its commands.
fn show(paths: &Paths, image: &Image, programs: &[Content], part: &Part) -> Result<Outcome> {
    let guest = Guest {
        content: programs,
        parameters: part.parameters,
        cpus: 1,
        show: true,
        ..Guest::of(image, Duration::from_secs(120))
    };
    let commands: Vec<&str> = part.commands.iter().map(|(command, _)| *command).collect();
    let all = guest.commands(paths, part.name, &commands)?;
    let mut outcome = Outcome::default();

    for (ran, (command, words)) in all.iter().zip(&part.commands) {
        outcome.check(ran.status == 0 && ran.said(words), || {
            format!(
                "{command} failed or did not say '{words}', see {}",
                paths.console(part.name).display()
            )
        });
    }
    Ok(outcome)
}

/// Builds the kernel and the programs.
fn prepare(tree: &Tree, config: &str) -> Result<(Image, Vec<Content>)> {
    let image = kernel::image(tree, config)?;
    let content = |(program, _)| {
        Ok((
            format!("guest/{program}"),
            host::static_program(tree.paths, image.of, program)?,
        ))
    };
    let programs = BY_ONE_CALL.into_iter().map(content);
    let programs = programs.collect::<Result<_>>()?;

    Ok((image, programs))
}

/// Shows the demonstration.
pub fn run(tree: &Tree) -> Result<()> {
    check(tree, "test")?.require()
}

/// Expects the demonstration to go as it should, each part on its own.
pub fn check(tree: &Tree, config: &str) -> Result<Outcome> {
    let paths = tree.paths;
    let (image, programs) = prepare(tree, config)?;
    let mut outcome = Outcome::default();

    for part in &parts(&paths.base) {
        match show(paths, &image, &programs, part) {
            Ok(shown) => outcome.add(shown),
            Err(error) => outcome.check(false, || format!("{}: {error:#}", part.name)),
        }
    }
    Ok(outcome)
}

/// Opens a shell in the patched kernel, with the test programs at hand.
pub fn shell(tree: &Tree) -> Result<()> {
    let paths = tree.paths;
    let image = kernel::image(tree, "test")?;
    let mut content = selftest::programs(tree, "test")?;
    for program in [programs::TORTURE, "bench", "arena"] {
        content.push((
            format!("guest/{program}"),
            host::static_program(paths, image.of, program)?,
        ));
    }
    let script = "echo 'a shell in the patched kernel; leave it with exit'\n\
                  export PS1='mremap:\\w# '\nsetsid cttyhack sh\n";

    guest::interactive(paths, &image, &content, script)
}

#[cfg(test)]
mod tests {
    use super::parts;
    use crate::{
        base::{
            tests::example,
            Base, //
        },
        kernel, //
    };
    use std::path::PathBuf;

    /// The commands of a guest with the feature turned off or not.
    fn commands(base: &Base, off: bool) -> Vec<&str> {
        let [on, without] = parts(base);
        let part = if off { without } else { on };

        assert_eq!(part.parameters == kernel::OFF, off);
        part.commands.iter().map(|(command, _)| *command).collect()
    }

    #[test]
    fn a_refusal_is_shown_beside_the_loop_in_c() {
        let mut base = example(PathBuf::new());
        assert_eq!(commands(&base, false), ["demo", "arena"]);
        assert_eq!(commands(&base, true), ["demo off", "arena"]);

        base.c_loop = true;
        assert_eq!(commands(&base, false), ["demo", "demo refused", "arena"]);
        assert_eq!(
            commands(&base, true),
            ["demo off", "demo refused off", "arena"]
        );
    }
}
