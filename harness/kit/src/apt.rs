// SPDX-License-Identifier: GPL-2.0

//! Where this machine's packages come from.

use crate::step::output;
use anyhow::{
    Context,
    Result, //
};
use std::{
    collections::BTreeSet,
    fs,
    process::Command, //
};

/// A part of an archive of packages that apt uses.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Archive {
    pub url: String,
    pub suite: String,
    pub component: String,
}

/// The parts of Debian's archives that apt uses.
pub fn archives() -> Result<BTreeSet<Archive>> {
    Ok(parse(&output(Command::new("apt-cache").arg("policy"))?))
}

/// The archive of the release that is installed here.
pub fn archive() -> Result<Archive> {
    let release = fs::read_to_string("/etc/os-release")?;
    let suite = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .context("/etc/os-release names no release of Debian")?;

    archives()?
        .into_iter()
        .find(|archive| archive.suite == suite && archive.component == "main")
        .with_context(|| format!("apt knows no archive of Debian with {suite}/main"))
}

/// Reads what `apt-cache policy` prints.
fn parse(policy: &str) -> BTreeSet<Archive> {
    policy
        .lines()
        .filter_map(|line| {
            // 500 http://host/path suite/component arch Packages
            let mut words = line.split_whitespace();
            let (_, url, place) = (words.next()?, words.next()?, words.next()?);
            let (suite, component) = place.split_once('/')?;
            url.contains("debian").then(|| Archive {
                url: url.to_owned(),
                suite: suite.to_owned(),
                component: component.to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn archives_of_debian_are_read() {
        let policy = "Package files:\n\
                      \x20100 /var/lib/dpkg/status\n\
                      \x20    release a=now\n\
                      \x20500 http://host/debian stable/main amd64 Packages\n\
                      \x20    release v=12,o=Debian\n\
                      \x20500 https://other/node_20.x nodistro/main amd64 Packages\n";
        let archives: Vec<_> = parse(policy).into_iter().collect();

        assert_eq!(archives.len(), 1);
        assert_eq!(archives[0].url, "http://host/debian");
        assert_eq!(archives[0].suite, "stable");
        assert_eq!(archives[0].component, "main");
    }
}
