// SPDX-License-Identifier: GPL-2.0

//! What is behind a mapping, and what of it was touched.

/// What is behind a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Anon,
    SharedAnon,
    MemfdShared,
    MemfdPrivate,
    FileShared,
    FilePrivate,
    Shm,
    HugeShared,
    HugePrivate,
    /// `/dev/zero`, mapped privately: anonymous memory of a file.
    Zero,
}

impl Kind {
    pub const ALL: [Kind; 10] = [
        Kind::Anon,
        Kind::SharedAnon,
        Kind::MemfdShared,
        Kind::MemfdPrivate,
        Kind::FileShared,
        Kind::FilePrivate,
        Kind::Shm,
        Kind::HugeShared,
        Kind::HugePrivate,
        Kind::Zero,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Anon => "anon",
            Kind::SharedAnon => "shared-anon",
            Kind::MemfdShared => "memfd-shared",
            Kind::MemfdPrivate => "memfd-private",
            Kind::FileShared => "file-shared",
            Kind::FilePrivate => "file-private",
            Kind::Shm => "shm",
            Kind::HugeShared => "huge-shared",
            Kind::HugePrivate => "huge-private",
            Kind::Zero => "zero",
        }
    }

    /// The letter that stands for it in a picture.
    pub fn letter(self) -> char {
        match self {
            Kind::Anon => 'a',
            Kind::SharedAnon => 's',
            Kind::MemfdShared => 'm',
            Kind::MemfdPrivate => 'p',
            Kind::FileShared => 'f',
            Kind::FilePrivate => 'q',
            Kind::Shm => 'v',
            Kind::HugeShared => 'H',
            Kind::HugePrivate => 'h',
            Kind::Zero => 'z',
        }
    }

    /// Is it a part of a file that other mappings may be parts of as well?
    pub fn of_file(self) -> bool {
        matches!(
            self,
            Kind::MemfdShared | Kind::MemfdPrivate | Kind::FileShared | Kind::FilePrivate
        )
    }

    /// Is it a memfd or a part of one?
    pub fn of_memfd(self) -> bool {
        matches!(self, Kind::MemfdShared | Kind::MemfdPrivate)
    }

    /// Does what a process writes to it stay with that process?
    pub fn private(self) -> bool {
        matches!(
            self,
            Kind::Anon | Kind::MemfdPrivate | Kind::FilePrivate | Kind::HugePrivate | Kind::Zero
        )
    }

    /// Is it made of hugetlb pages?
    pub fn hugetlb(self) -> bool {
        matches!(self, Kind::HugeShared | Kind::HugePrivate)
    }
}

/// Which pages of a mapping were touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// None.
    Nothing,
    /// All were read.
    Read,
    /// Every other one was written, and none else touched.
    Some,
    /// All were written.
    All,
}

impl Fill {
    pub const ALL: [Fill; 4] = [Fill::Nothing, Fill::Read, Fill::Some, Fill::All];

    pub fn name(self) -> &'static str {
        match self {
            Fill::Nothing => "none",
            Fill::Read => "read",
            Fill::Some => "some",
            Fill::All => "all",
        }
    }
}

/// What may be done to the pages of a mapping: `PROT_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prot(pub i32);

impl Prot {
    pub const NONE: Prot = Prot(libc::PROT_NONE);
    pub const READ: Prot = Prot(libc::PROT_READ);
    pub const WRITE: Prot = Prot(libc::PROT_READ | libc::PROT_WRITE);

    /// What there is to choose from.
    pub const ALL: [Prot; 5] = [
        Prot::NONE,
        Prot::READ,
        Prot::WRITE,
        Prot(libc::PROT_READ | libc::PROT_EXEC),
        Prot(libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC),
    ];
}
