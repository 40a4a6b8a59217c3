//! What is asked of the series before anybody else looks at it.

mod bases;
mod builds;
mod documents;
mod mails;
mod rust;
mod warnings;

use crate::{
    kunit,
    paths::Paths,
    suite::{self, Suite},
};
use anyhow::Result;

/// All checks, quick ones first.
const CHECKS: [Suite; 9] = [
    ("patches", |paths, _| mails::patches(paths)),
    ("mailbox", |paths, _| mails::mailbox(paths)),
    ("maintainers", |paths, _| mails::maintainers(paths)),
    ("upstream", |paths, _| bases::upstream(paths)),
    ("documents", |paths, _| documents::check(paths)),
    ("rust", |paths, _| rust::check(paths)),
    ("other-arch", |paths, _| builds::without_rust(paths)),
    ("arm64", |paths, _| kunit::arm64(paths)),
    ("builds", |paths, _| builds::each_commit(paths)),
];

/// Runs the checks that are named, or all. Returns whether nothing failed.
pub fn run(paths: &Paths, names: &[String]) -> Result<bool> {
    suite::run_some(paths, &CHECKS, &[], "test", names)
}
