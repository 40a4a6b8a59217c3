// SPDX-License-Identifier: GPL-2.0

//! Lets KSM merge equal pages, and parts them.

use super::Antagonist;
use crate::stress::{
    kind::Kind,
    region::Region,
    scene::Scene,
    stamp::word, //
};
use anyhow::{
    Context,
    Result, //
};
use mem::{
    peek::{
        self,
        poke, //
    },
    sys,
    PAGE, //
};
use rand::{
    rngs::ChaCha8Rng,
    RngExt, //
};
use std::{
    fs,
    io, //
};

const KSM: &str = "/sys/kernel/mm/ksm";

/// How KSM is set so that it works all the time.
const EAGER: [(&str, &str); 3] = [
    ("sleep_millisecs", "0"),
    ("pages_to_scan", "1000"),
    ("run", "1"),
];

fn set(name: &str, value: &str) -> io::Result<()> {
    fs::write(format!("{KSM}/{name}"), value)
}

struct Ksm<'a> {
    region: &'a Region,
    before: Vec<(&'static str, String)>,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let mut before = Vec::new();

    for (name, value) in EAGER {
        before.push((
            name,
            fs::read_to_string(format!("{KSM}/{name}")).context("no KSM")?,
        ));
        set(name, value).with_context(|| format!("{KSM}/{name}"))?;
    }
    Ok(Box::new(Ksm {
        region: scene.mixed(),
        before,
    }))
}

impl Drop for Ksm<'_> {
    fn drop(&mut self) {
        for (name, value) in &self.before {
            // The values were read from there.
            let _ = set(name, value);
        }
    }
}

impl Antagonist for Ksm<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let Some((addr, len)) = self.region.any_unit(Kind::Twin, rng) else {
            return Ok(());
        };
        let result = match rng.random_range(0..8) {
            0 => sys::advise(addr, len, libc::MADV_UNMERGEABLE),
            1..4 => sys::advise(addr, len, libc::MADV_MERGEABLE),
            _ => {
                // A store parts a merged page. Putting zero back makes it equal again.
                let page = addr + rng.random_range(0..len / PAGE) * PAGE;
                for value in [1, 0] {
                    let _ = poke(peek::word(page, word::KSM), value);
                }
                Ok(())
            }
        };
        match result.as_ref().map_err(|error| error.raw_os_error()) {
            // Nothing is mapped there; memory is short.
            Err(Some(libc::ENOMEM | libc::EAGAIN)) => Ok(()),
            _ => result.context("madvise of KSM"),
        }
    }
}
