// SPDX-License-Identifier: GPL-2.0

//! What the units of a region are made of.

/// A kind of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anonymous memory.
    Anonymous,
    /// Anonymous memory that may only be read, unless somebody changes that.
    ReadOnly,
    /// Shared anonymous memory.
    Shared,
    /// A memfd, shared.
    MemfdShared,
    /// A memfd, private, every page of it copied.
    MemfdPrivate,
    /// A file on tmpfs, shared.
    Tmpfs,
    /// Anonymous memory that may be made of huge pages.
    Huge,
    /// Anonymous memory, locked.
    Locked,
    /// Anonymous memory that is swapped out every now and then.
    Swapped,
    /// Anonymous memory that children may lack.
    NoFork,
    /// Anonymous memory whose pages are all the same.
    Twin,
    /// A file that loses pages every now and then, shared.
    Punched,
    /// The same file, private.
    PunchedPrivate,
    /// A memfd, private, that may be read and executed. Each page has a function.
    Code,
}

impl Kind {
    /// Is a page at one place only? A page of a file is wherever that is mapped.
    pub fn once(self) -> bool {
        !matches!(
            self,
            Kind::Shared
                | Kind::MemfdShared
                | Kind::Tmpfs
                | Kind::Punched
                | Kind::PunchedPrivate
                | Kind::Code
        )
    }

    /// May a page be zero, or missing in its file, instead of carrying its stamp?
    pub fn may_be_zero(self) -> bool {
        matches!(self, Kind::Punched | Kind::PunchedPrivate)
    }

    /// Does `/proc/self/maps` call it shared?
    pub fn shared(self) -> bool {
        matches!(
            self,
            Kind::Shared | Kind::MemfdShared | Kind::Tmpfs | Kind::Punched
        )
    }

    /// Does a private page lie over a page of a file, which shows where the private one is gone?
    pub fn over_file(self) -> bool {
        self == Kind::MemfdPrivate
    }

    /// May antagonists write to its pages, except for the stamps?
    pub fn writable(self) -> bool {
        !self.may_be_zero() && !matches!(self, Kind::Twin | Kind::ReadOnly | Kind::Code)
    }
}
