// SPDX-License-Identifier: GPL-2.0

//! Processes that dump core while one of their threads moves a range. The core file has the range
//! at one place, as a whole.

use super::Antagonist;
use crate::{
    say::say,
    stress::{
        apart::{
            self,
            Program,
            MAPPINGS, //
        },
        core_file::CoreFile,
        scene::Scene,
        shuttle::Shuttle, //
    },
    strip::Strip, //
};
use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};
use mem::{
    checked,
    PAGE, //
};
use rand::{
    rngs::ChaCha8Rng,
    RngExt, //
};
use std::{
    fs,
    os::unix::process::ExitStatusExt,
    process,
    thread, //
};

/// Where the kernel is told where core files go.
const PATTERN: &str = "/proc/sys/kernel/core_pattern";

struct Coredump<'a> {
    scene: &'a Scene,
    /// Where core files went before.
    before: String,
    /// Where the core file goes.
    path: String,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let before = fs::read_to_string(PATTERN).context("the kernel dumps no core")?;
    let path = format!("/tmp/stress-core-{}", process::id());

    fs::write(PATTERN, &path).context(PATTERN)?;
    Ok(Box::new(Coredump {
        scene,
        before,
        path,
    }))
}

impl Drop for Coredump<'_> {
    fn drop(&mut self) {
        // It was read from there.
        let _ = fs::write(PATTERN, &self.before);
        let _ = fs::remove_file(&self.path);
    }
}

impl Antagonist for Coredump<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let status = apart::start(Program::Dump, rng.random())?.wait()?;

        ensure!(
            status.signal() == Some(libc::SIGABRT) && status.core_dumped(),
            "a process that dumps core ended with {status}"
        );
        CoreFile::open(&self.path)
            .and_then(|core| check(&core))
            .context("a core file")?;
        fs::remove_file(&self.path)?;
        self.scene.gains.add("coredump", 1);
        Ok(())
    }
}

/// Expects the range at one of its places in a core file, and nothing at the other.
fn check(core: &CoreFile) -> Result<()> {
    let places = Shuttle::places_of(apart::HOME);
    let counts = places.map(|place| core.mappings(&(place..place + MAPPINGS * PAGE)));
    let place = match counts {
        [MAPPINGS, 0] => places[0],
        [0, MAPPINGS] => places[1],
        _ => bail!("it has {counts:?} mappings at the two places, of {MAPPINGS}"),
    };

    Strip::of(MAPPINGS).check_as(place, 0..MAPPINGS, |addr| core.see(addr))
}

/// Runs in a process of its own.
pub fn program(mut shuttle: Shuttle, rng: &mut ChaCha8Rng) -> Result<()> {
    let unlimited = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: The limit is ours, and only read.
    checked(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &unlimited) }).context("setrlimit")?;

    thread::spawn(move || loop {
        match shuttle.go() {
            // Memory may be short.
            Err(error) if error.raw_os_error() != Some(libc::ENOMEM) => {
                say!("mremap() in a process that dumps core: {error}");
                process::exit(1);
            }
            _ => {}
        }
    });
    apart::let_it_move(rng);
    process::abort()
}
