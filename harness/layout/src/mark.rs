// SPDX-License-Identifier: GPL-2.0

//! What else may be said of a mapping, and of a process.

use crate::kind::Kind;

/// What was done to a unit besides mapping and touching it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// `mlock()`.
    Locked,
    /// `mlock2(MLOCK_ONFAULT)`.
    OnFault,
    /// `MADV_HUGEPAGE`.
    Huge,
    /// `MADV_NOHUGEPAGE`.
    NoHuge,
    /// `MADV_MERGEABLE`: KSM may merge its pages.
    Mergeable,
    /// KSM has merged its pages, which are all alike.
    Merged,
    /// `MADV_DONTFORK`.
    DontFork,
    /// `MADV_DONTDUMP`.
    DontDump,
    /// `MADV_WIPEONFORK`.
    WipeOnFork,
    /// `MADV_SEQUENTIAL`.
    Sequential,
    /// `PR_SET_VMA_ANON_NAME`.
    Named,
    /// `mprotect()` of a part to something else and back.
    Split,
    /// `MADV_PAGEOUT`.
    PagedOut,
    /// A userfaultfd waits for missing pages.
    Watched,
    /// `mseal()`.
    Sealed,
}

impl Mark {
    pub const ALL: [Mark; 15] = [
        Mark::Locked,
        Mark::OnFault,
        Mark::Huge,
        Mark::NoHuge,
        Mark::Mergeable,
        Mark::Merged,
        Mark::DontFork,
        Mark::DontDump,
        Mark::WipeOnFork,
        Mark::Sequential,
        Mark::Named,
        Mark::Split,
        Mark::PagedOut,
        Mark::Watched,
        Mark::Sealed,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Mark::Locked => "locked",
            Mark::OnFault => "onfault",
            Mark::Huge => "thp",
            Mark::NoHuge => "nothp",
            Mark::Mergeable => "mergeable",
            Mark::Merged => "merged",
            Mark::DontFork => "dontfork",
            Mark::DontDump => "dontdump",
            Mark::WipeOnFork => "wipeonfork",
            Mark::Sequential => "sequential",
            Mark::Named => "named",
            Mark::Split => "split",
            Mark::PagedOut => "pagedout",
            Mark::Watched => "watched",
            Mark::Sealed => "sealed",
        }
    }

    /// Can a unit of this kind have it?
    pub fn suits(self, kind: Kind) -> bool {
        match self {
            Mark::Huge
            | Mark::NoHuge
            | Mark::Mergeable
            | Mark::Merged
            | Mark::WipeOnFork
            | Mark::Named => kind == Kind::Anon,
            Mark::Locked | Mark::OnFault | Mark::PagedOut | Mark::Split => !kind.hugetlb(),
            // Nobody is there to give a page of a file that was not touched yet.
            Mark::Watched => kind == Kind::Anon,
            _ => true,
        }
    }

    /// Can a unit have only one of the two?
    pub fn excludes(self, other: Mark) -> bool {
        // Locked memory cannot be paged out. KSM merges what is in memory, in small pages.
        let rivals = [
            [Mark::Locked, Mark::PagedOut],
            [Mark::OnFault, Mark::PagedOut],
            [Mark::Locked, Mark::OnFault],
            [Mark::Merged, Mark::PagedOut],
            [Mark::Merged, Mark::Huge],
        ];
        rivals.contains(&[self, other]) || rivals.contains(&[other, self])
    }

    /// Is it a reason to refuse a move, rather than something that moves along?
    pub fn refuses(self) -> bool {
        matches!(self, Mark::Watched | Mark::Sealed)
    }
}

/// What the process went through between making the layout and moving it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Twist {
    /// It has a child that still holds the same pages.
    Forked,
    /// It is the child of the process that made the layout, which is still there.
    Inherited,
    /// No page is soft-dirty.
    Clean,
    /// The destination is at address 0, and the process may not map there.
    Low,
}

impl Twist {
    pub const ALL: [Twist; 4] = [Twist::Forked, Twist::Inherited, Twist::Clean, Twist::Low];

    pub fn name(self) -> &'static str {
        match self {
            Twist::Forked => "forked",
            Twist::Inherited => "inherited",
            Twist::Clean => "clean",
            Twist::Low => "low",
        }
    }
}
