// SPDX-License-Identifier: GPL-2.0

//! How a call ended: as a number that one process hands to another, and as it should.

use anyhow::{
    bail,
    Context,
    Result, //
};
use std::io;

/// Zero for a call that succeeded.
pub fn of(result: &io::Result<()>) -> i64 {
    match result {
        Ok(()) => 0,
        Err(error) => error.raw_os_error().unwrap_or(-1).into(),
    }
}

/// What an errno means.
pub fn words(errno: i64) -> String {
    io::Error::from_raw_os_error(errno as i32).to_string()
}

/// Expects a call to be refused with an errno.
pub fn expect<T>(result: io::Result<T>, errno: i32, what: &str) -> Result<()> {
    match result {
        Err(error) if error.raw_os_error() == Some(errno) => Ok(()),
        Err(error) => Err(error).with_context(|| what.to_owned()),
        Ok(_) => bail!("{what} is not refused"),
    }
}
