// SPDX-License-Identifier: GPL-2.0

//! A call that is refused because of the number of mappings, and changes none.

use super::snapshot::Snapshot;
use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};
use std::io;

/// Makes the call and expects `ENOMEM`, and the same mappings afterwards. Returns these.
///
/// The snapshots are room that was made before there were as many mappings as there can be.
pub fn expect(
    call: impl Fn() -> io::Result<()>,
    [mut before, mut after]: [Snapshot; 2],
) -> Result<Snapshot> {
    before.take()?;
    let result = call();
    after.take()?;

    let error = result.err().context("it moved")?;
    ensure!(
        error.raw_os_error() == Some(libc::ENOMEM),
        "mremap: {error}"
    );
    if let Some(line) = before.difference(&after) {
        bail!("mappings have changed: {line}");
    }
    Ok(after)
}
