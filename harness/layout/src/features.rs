// SPDX-License-Identifier: GPL-2.0

//! What the system has, found out by trying.

use crate::{
    arena::{
        addresses,
        PMD, //
    },
    counter::counter,
    kind::Kind,
    mark::Mark,
    plan::Unit,
    sys, //
};
use std::fs;

/// What not every system has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    pub hugetlb: bool,
    pub thp: bool,
    pub swap: bool,
    pub ksm: bool,
    pub shm: bool,
    pub anon_names: bool,
    pub userfaultfd: bool,
    pub seal: bool,
}

/// How many huge pages a layout has at most.
pub const HUGE_PAGES: usize = 16;

impl Features {
    /// Everything, for drawing what is not made.
    pub const ALL: Features = Features {
        hugetlb: true,
        thp: true,
        swap: true,
        ksm: true,
        shm: true,
        anon_names: true,
        userfaultfd: true,
        seal: true,
    };

    /// Tries in the arena, which must be empty.
    pub fn probe() -> Self {
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let meminfo = |name| counter(&memory, name).unwrap_or(0);
        let thp = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
        let pages = addresses(&(0..PMD));
        let mapped = |kind: i32| {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            sys::map(&pages, libc::PROT_READ, kind | flags, -1, 0).is_ok()
        };

        let shm = sys::attach_shm(&pages).is_ok();
        let _ = sys::unmap(&pages);
        let anonymous = mapped(0);
        let features = Features {
            hugetlb: meminfo("HugePages_Free") >= 2 * HUGE_PAGES as i64,
            thp: thp.is_ok_and(|text| !text.contains("[never]")),
            swap: meminfo("SwapFree") > 0,
            ksm: anonymous && sys::advise(&pages, libc::MADV_MERGEABLE).is_ok(),
            shm,
            anon_names: anonymous && sys::name(&pages, c"unit").is_ok(),
            userfaultfd: anonymous && sys::watch(&pages).is_ok(),
            // A range of no length is sealed as well as any, and nothing is.
            seal: sys::seal(&(pages.start..pages.start)).is_ok(),
        };
        let _ = sys::unmap(&pages);
        features
    }

    /// What there is not.
    pub fn missing(&self) -> Vec<&'static str> {
        let all = [
            (self.hugetlb, "hugetlb"),
            (self.thp, "transparent huge pages"),
            (self.swap, "swap"),
            (self.ksm, "KSM"),
            (self.shm, "System V shared memory"),
            (self.anon_names, "named anonymous memory"),
            (self.userfaultfd, "userfaultfd"),
            (self.seal, "mseal"),
        ];
        all.iter()
            .filter(|(there, _)| !there)
            .map(|(_, name)| *name)
            .collect()
    }

    pub fn has_kind(&self, kind: Kind) -> bool {
        match kind {
            Kind::HugeShared | Kind::HugePrivate => self.hugetlb,
            Kind::Shm => self.shm,
            _ => true,
        }
    }

    pub fn has_mark(&self, mark: Mark) -> bool {
        match mark {
            Mark::Huge | Mark::NoHuge => self.thp,
            Mark::PagedOut => self.swap,
            Mark::Mergeable | Mark::Merged => self.ksm,
            Mark::Named => self.anon_names,
            Mark::Watched => self.userfaultfd,
            Mark::Sealed => self.seal,
            _ => true,
        }
    }

    /// Can the system make such a unit?
    pub fn has_unit(&self, unit: &Unit) -> bool {
        self.has_kind(unit.kind) && unit.marks.iter().all(|mark| self.has_mark(*mark))
    }
}
