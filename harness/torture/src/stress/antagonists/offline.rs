// SPDX-License-Identifier: GPL-2.0

//! Takes pages out of service, as if the hardware had warned of them. Their contents move.

use super::Antagonist;
use crate::stress::scene::Scene;
use anyhow::{
    ensure,
    Context,
    Result, //
};
use mem::{
    sys::{
        self,
        Source, //
    },
    FIELD,
    PAGE, //
};
use rand::rngs::ChaCha8Rng;

/// Advice that libc has no name for.
const MADV_SOFT_OFFLINE: i32 = 101;

/// How many pages may go: they do not come back.
const MOST: usize = 256;

struct Offline<'a> {
    scene: &'a Scene,
    gone: usize,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let at = FIELD.end - PAGE;

    sys::map(at, PAGE, Source::Anonymous)?;
    let result = sys::advise(at, PAGE, MADV_SOFT_OFFLINE);
    sys::unmap(at, PAGE)?;
    let missing = result.is_err_and(|error| error.raw_os_error() == Some(libc::EINVAL));
    ensure!(!missing, "the kernel has no CONFIG_MEMORY_FAILURE");
    Ok(Box::new(Offline { scene, gone: 0 }))
}

impl Antagonist for Offline<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let (addr, _) = self.scene.any_region(rng).any_range(1, rng);

        if self.gone == MOST {
            std::thread::sleep(std::time::Duration::from_millis(10));
            return Ok(());
        }
        let result = sys::advise(addr, PAGE, MADV_SOFT_OFFLINE);
        match result.as_ref().map_err(|error| error.raw_os_error()) {
            Ok(()) => {
                self.gone += 1;
                Ok(())
            }
            // Nothing is there; the page is in use, or cannot be taken, as that of zeros; memory is
            // short.
            Err(Some(
                libc::EFAULT
                | libc::EBUSY
                | libc::EIO
                | libc::EAGAIN
                | libc::ENOMEM
                | libc::EOPNOTSUPP
                | libc::EEXIST
                | libc::ENOTRECOVERABLE,
            )) => Ok(()),
            _ => result.context("MADV_SOFT_OFFLINE"),
        }
    }
}
