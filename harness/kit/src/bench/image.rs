// SPDX-License-Identifier: GPL-2.0

//! Images of kernels, which boot as these do.

use anyhow::{
    ensure,
    Context,
    Result, //
};
use std::{
    fs::File,
    io::Read,
    ops::Range,
    path::Path, //
};

/// Fields of the header of a bzImage: `Documentation/arch/x86/boot.rst`.
const BOOT_FLAG: Range<usize> = 0x1fe..0x200;
const MAGIC: Range<usize> = 0x202..0x206;
const PROTOCOL: Range<usize> = 0x206..0x208;
const LOAD_FLAGS: Range<usize> = 0x236..0x238;

/// How much of a file is looked at.
const HEADER: u64 = 0x238;

/// The first protocol that has load flags, and the one of them that a 64-bit kernel has.
const WITH_LOAD_FLAGS: u16 = 0x20c;
const KERNEL_64: u16 = 1;

/// Refuses a file that is no image of a kernel for x86-64. `name` is what the user calls it.
pub fn check(file: &Path, name: &str) -> Result<()> {
    let mut header = Vec::new();

    ensure!(
        !file.is_dir(),
        "{name}: it is a folder, not the bzImage of a kernel for x86-64"
    );
    File::open(file)
        .and_then(|opened| opened.take(HEADER).read_to_end(&mut header))
        .with_context(|| format!("{name}: cannot read it"))?;
    ensure!(
        is_kernel(&header),
        "{name}: it is not the bzImage of a kernel for x86-64"
    );
    Ok(())
}

/// Does a header belong to a kernel for x86-64?
fn is_kernel(header: &[u8]) -> bool {
    let number = |field: Range<usize>| {
        let bytes = header.get(field)?.try_into().ok()?;
        Some(u16::from_le_bytes(bytes))
    };

    number(BOOT_FLAG) == Some(0xaa55)
        && header.get(MAGIC) == Some(b"HdrS")
        && number(PROTOCOL).is_some_and(|protocol| protocol >= WITH_LOAD_FLAGS)
        && number(LOAD_FLAGS).is_some_and(|flags| flags & KERNEL_64 != 0)
}

#[cfg(test)]
mod tests {
    use super::{
        check,
        is_kernel,
        BOOT_FLAG,
        HEADER,
        LOAD_FLAGS,
        MAGIC,
        PROTOCOL, //
    };
    use std::path::Path;

    fn header() -> Vec<u8> {
        let mut header = vec![0; HEADER as usize];
        header[BOOT_FLAG].copy_from_slice(&[0x55, 0xaa]);
        header[MAGIC].copy_from_slice(b"HdrS");
        header[PROTOCOL].copy_from_slice(&[0x0f, 0x02]);
        header[LOAD_FLAGS].copy_from_slice(&[0x7f, 0]);
        header
    }

    #[test]
    fn a_kernel_is_known_by_its_header() {
        assert!(is_kernel(&header()));
        assert!(!is_kernel(b""));
        assert!(!is_kernel(&header()[..0x220]));
        for field in [BOOT_FLAG, MAGIC, PROTOCOL, LOAD_FLAGS] {
            let mut other = header();
            other[field.clone()].fill(0);
            assert!(!is_kernel(&other), "{field:?}");
        }
    }

    #[test]
    fn what_is_no_image_is_told() {
        for (file, part) in [
            ("/nowhere/bzImage", "COMPARE=x: cannot read it"),
            ("/", "COMPARE=x: it is a folder"),
            ("/proc/self/cmdline", "COMPARE=x: it is not the bzImage"),
        ] {
            let error = format!("{:#}", check(Path::new(file), "COMPARE=x").unwrap_err());
            assert!(error.contains(part), "{error}");
        }
    }
}
