// SPDX-License-Identifier: GPL-2.0

//! What happens to the regions while they move. A file each.

mod advise;
mod collapse;
mod compact;
pub mod coredump;
mod fork;
mod futex;
mod hugetlb;
mod io_uring;
mod ksm;
mod load;
mod lock;
mod migrate;
mod offline;
mod perf;
mod present;
mod proc_files;
mod procmap_query;
mod protect;
mod punch;
mod reclaim;
mod remote;
pub mod seal;
mod store;
mod uprobe;
mod userfaultfd;
mod window;

use super::scene::Scene;
use anyhow::Result;
use rand::rngs::ChaCha8Rng;

/// Does something to the regions, over and over. Dropping it ends what it set up.
pub trait Antagonist: Send {
    /// Acts once. Fails if a region is not as it should be, or if the kernel says what it must not.
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()>;
}

/// Sets an antagonist up. Fails if the kernel lacks what it needs.
type Make = for<'a> fn(&'a Scene) -> Result<Box<dyn Antagonist + 'a>>;

/// An antagonist to choose.
pub struct Entry {
    pub name: &'static str,
    pub about: &'static str,
    pub make: Make,
}

/// All antagonists.
pub const ALL: [Entry; 27] = [
    Entry {
        name: "load",
        about: "loads by the CPU, from old and new addresses",
        make: load::make,
    },
    Entry {
        name: "store",
        about: "stores by the CPU, none of which may be lost",
        make: store::make,
    },
    Entry {
        name: "remote",
        about: "process_vm_readv() and _writev(): the move is one step",
        make: remote::make,
    },
    Entry {
        name: "window",
        about: "what is mapped, by PAGEMAP_SCAN: the move is one step",
        make: window::make,
    },
    Entry {
        name: "present",
        about: "one read of /proc/self/pagemap: the move is one step",
        make: present::make,
    },
    Entry {
        name: "procmap_query",
        about: "asks for mappings by PROCMAP_QUERY: the move is one step",
        make: procmap_query::make,
    },
    Entry {
        name: "fork",
        about: "children that check and move their copy",
        make: fork::make,
    },
    Entry {
        name: "coredump",
        about: "processes dump core while they move memory",
        make: coredump::make,
    },
    Entry {
        name: "proc",
        about: "reads maps, smaps, numa_maps and pagemap, clears references",
        make: proc_files::make,
    },
    Entry {
        name: "madvise",
        about: "madvise(), advice that keeps the contents",
        make: advise::make_own,
    },
    Entry {
        name: "process_madvise",
        about: "process_madvise(), of several ranges",
        make: advise::make_process,
    },
    Entry {
        name: "collapse",
        about: "another process collapses memory into huge pages",
        make: collapse::make,
    },
    Entry {
        name: "mprotect",
        about: "takes write permission away and gives it back",
        make: protect::make,
    },
    Entry {
        name: "mlock",
        about: "locks and unlocks",
        make: lock::make,
    },
    Entry {
        name: "seal",
        about: "seals a mapping of a range that moves: from then on it stays",
        make: seal::make,
    },
    Entry {
        name: "reclaim",
        about: "reclaims and swaps, under a limit of memory",
        make: reclaim::make,
    },
    Entry {
        name: "compact",
        about: "compacts all memory",
        make: compact::make,
    },
    Entry {
        name: "migrate",
        about: "migrates pages between NUMA nodes",
        make: migrate::make,
    },
    Entry {
        name: "punch",
        about: "punches holes in a mapped file and truncates it",
        make: punch::make,
    },
    Entry {
        name: "ksm",
        about: "merges equal pages, and parts them",
        make: ksm::make,
    },
    Entry {
        name: "uprobe",
        about: "registers uprobes, which have to be hit, and unregisters them",
        make: uprobe::make,
    },
    Entry {
        name: "perf",
        about: "reads a perf event's buffer, which moves, and what it says of mappings",
        make: perf::make,
    },
    Entry {
        name: "futex",
        about: "waiters on futexes that move",
        make: futex::make,
    },
    Entry {
        name: "io_uring",
        about: "transfers to and from registered buffers, and rings, that move",
        make: io_uring::make,
    },
    Entry {
        name: "userfaultfd",
        about: "has pages filled beside what moves, and where a mapping has moved",
        make: userfaultfd::make,
    },
    Entry {
        name: "hugetlb",
        about: "moves hugetlb memory whose page tables are shared",
        make: hugetlb::make,
    },
    Entry {
        name: "offline",
        about: "takes pages out of service",
        make: offline::make,
    },
];
