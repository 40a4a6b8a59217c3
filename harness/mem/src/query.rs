// SPDX-License-Identifier: GPL-2.0

//! One mapping at a time, as `PROCMAP_QUERY` finds it by an address.
//!
//! The kernel locks the mapping that it tells of, and not the address space: two answers are of two
//! times.

use crate::{
    checked,
    maps::{
        MMPermissions,
        MemoryMap, //
    }, //
};
use procfs::process::{
    MMapExtension,
    MMapPath, //
};
use std::{
    fs::File,
    io,
    os::fd::AsRawFd, //
};

/// `PROCMAP_QUERY` of `<linux/fs.h>`.
const PROCMAP_QUERY: libc::Ioctl = 0xc068_6611_u32 as _;

/// `PROCMAP_QUERY_COVERING_OR_NEXT_VMA`.
const COVERING_OR_NEXT: u64 = 0x10;

/// What a mapping allows, as the kernel says it here, and how it is shared.
const PERMISSIONS: [(u64, MMPermissions); 4] = [
    (1, MMPermissions::READ),
    (2, MMPermissions::WRITE),
    (4, MMPermissions::EXECUTE),
    (8, MMPermissions::SHARED),
];

/// `struct procmap_query`.
#[repr(C)]
#[derive(Default)]
struct Request {
    size: u64,
    flags: u64,
    addr: u64,
    start: u64,
    end: u64,
    permissions: u64,
    page_size: u64,
    offset: u64,
    inode: u64,
    dev_major: u32,
    dev_minor: u32,
    name_size: u32,
    build_id_size: u32,
    name: u64,
    build_id: u64,
}

/// Finds mappings by an address.
pub struct Query(File);

impl Query {
    /// Fails if the kernel does not have `PROCMAP_QUERY`, which is there since Linux 6.11.
    pub fn open() -> io::Result<Self> {
        let query = Query(File::open("/proc/self/maps")?);

        query.next(0)?;
        Ok(query)
    }

    /// The mapping that an address is in, or the next one. Its name is not asked for.
    pub fn next(&self, addr: usize) -> io::Result<Option<MemoryMap>> {
        let mut found = Request {
            size: size_of::<Request>() as u64,
            flags: COVERING_OR_NEXT,
            addr: addr as u64,
            ..Request::default()
        };
        // SAFETY: The kernel writes into the request, and nowhere else, as it asks for no names.
        let ret = unsafe { libc::ioctl(self.0.as_raw_fd(), PROCMAP_QUERY, &mut found) };

        match checked(ret) {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(None),
            result => result?,
        };
        let perms = PERMISSIONS
            .into_iter()
            .filter(|(bit, _)| found.permissions & bit != 0)
            .map(|(_, permission)| permission);
        Ok(Some(MemoryMap {
            address: (found.start, found.end),
            perms: perms.collect(),
            offset: found.offset,
            dev: (found.dev_major as i32, found.dev_minor as i32),
            inode: found.inode,
            pathname: MMapPath::Anonymous,
            extension: MMapExtension::default(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        maps::range,
        sys::{
            map,
            unmap,
            Source, //
        },
        PAGE, //
    };

    #[test]
    fn a_mapping_is_found_from_within_and_from_before() {
        let at = 0x4400_0000;
        // Older kernels cannot.
        let Ok(query) = Query::open() else { return };

        map(at, 2 * PAGE, Source::SharedAnonymous).unwrap();
        for from in [at - PAGE, at, at + PAGE] {
            let found = query.next(from).unwrap().unwrap();
            assert_eq!(range(&found), at..at + 2 * PAGE);
            assert!(found
                .perms
                .contains(MMPermissions::SHARED | MMPermissions::WRITE));
        }
        unmap(at, 2 * PAGE).unwrap();
        assert_eq!(query.next(usize::MAX).unwrap(), None);
    }
}
