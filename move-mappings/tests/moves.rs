// SPDX-License-Identifier: GPL-2.0

//! Moves that the kernel makes, whichever way it can. These tests hold on every kernel.

use move_mappings::{
    move_mappings,
    support,
    supports_ranges,
    Error,
    Invalid,
    Moved,
    Options,
    Support, //
};
use rustix::{
    mm::{
        madvise,
        mmap,
        mmap_anonymous,
        mprotect,
        munmap,
        Advice,
        MapFlags,
        MprotectFlags,
        ProtFlags, //
    },
    param::page_size, //
};
use std::{
    collections::BTreeMap,
    ffi::c_void,
    fs,
    io,
    sync::{
        atomic::{
            AtomicUsize,
            Ordering, //
        },
        Mutex,
        MutexGuard,
        PoisonError, //
    }, //
};

/// A part of a region.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Writable,
    ReadOnly,
    NotDumped,
    /// Memory that does not move any more, for the rest of the process.
    Sealed,
    /// A private mapping of `/dev/zero`, a file that places its mappings itself, and where it is
    /// told to.
    Zero,
    /// Memory with a userfaultfd, which moves alone but not along with others.
    Watched,
    Hole,
}

use Part::*;

/// Lets one test run at a time, so that none maps memory where another has a hole.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());

    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Addresses for a region of some pages, with another page on either side, so that it neither
/// merges with anything nor is anything near. They are far below those that the kernel picks, so
/// that no thread which starts gets memory in a hole.
fn reserve(pages: usize) -> *mut c_void {
    static NEXT: AtomicUsize = AtomicUsize::new(0x10_0000_0000);

    let len = (pages + 2) * page_size();
    let start = NEXT.fetch_add(len, Ordering::Relaxed) as *mut c_void;
    // SAFETY: Memory is mapped there only if nothing is.
    let got = unsafe { mmap_anonymous(start, len, ProtFlags::empty(), MapFlags::PRIVATE).unwrap() };

    assert_eq!(got, start);
    start.wrapping_byte_add(page_size())
}

fn page(start: *mut c_void, index: usize) -> *mut c_void {
    start.wrapping_byte_add(index * page_size())
}

/// A region of a page for each part, each of which holds its number.
fn region(parts: &[Part]) -> *mut c_void {
    let start = reserve(parts.len());

    for (index, part) in parts.iter().enumerate() {
        let (at, len) = (page(start, index), page_size());
        // SAFETY: All of this is in the pages that were reserved.
        unsafe {
            mprotect(at, len, MprotectFlags::READ | MprotectFlags::WRITE).unwrap();
            at.cast::<usize>().write_volatile(index + 1);
            match part {
                Writable => {}
                ReadOnly => mprotect(at, len, MprotectFlags::READ).unwrap(),
                NotDumped => madvise(at, len, Advice::LinuxDontDump).unwrap(),
                Sealed => assert!(seal(at)),
                Watched => watch(at).unwrap(),
                Zero => {
                    let zero = fs::File::open("/dev/zero").unwrap();
                    let flags = MapFlags::PRIVATE | MapFlags::FIXED;
                    mmap(at, len, ProtFlags::READ, flags, zero, 0).unwrap();
                }
                Hole => munmap(at, len).unwrap(),
            }
        }
    }
    start
}

/// Lets a userfaultfd watch a page for the rest of the process.
fn watch(at: *mut c_void) -> io::Result<()> {
    const USER_MODE_ONLY: libc::c_long = 1;
    const MISSING: u64 = 1;
    // Of <linux/userfaultfd.h>, with what they take.
    const UFFDIO_API: libc::c_ulong = 0xc018_aa3f;
    const UFFDIO_REGISTER: libc::c_ulong = 0xc020_aa00;
    let mut api = [0xaa_u64, 0, 0];
    let mut register = [at as u64, page_size() as u64, MISSING, 0];

    // SAFETY: The arguments are as the calls take them. The descriptor stays open.
    let failed = unsafe {
        let fd = libc::syscall(libc::SYS_userfaultfd, USER_MODE_ONLY) as libc::c_int;
        fd < 0
            || libc::ioctl(fd, UFFDIO_API, &mut api) != 0
            || libc::ioctl(fd, UFFDIO_REGISTER, &mut register) != 0
    };
    if failed {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Seals a page for good. Linux before 6.10 cannot.
fn seal(at: *mut c_void) -> bool {
    const SYS_MSEAL: libc::c_long = 462;

    // SAFETY: Nobody means to change it.
    unsafe { libc::syscall(SYS_MSEAL, at, page_size(), 0_usize) == 0 }
}

/// The pages that are mapped and may be read, and what they hold.
fn contents(start: *mut c_void, pages: usize) -> BTreeMap<usize, usize> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let address = |text: &str| usize::from_str_radix(text, 16).unwrap();
    let readable = |at: usize| {
        maps.lines().any(|line| {
            let (range, rest) = line.split_once(' ').unwrap();
            let (from, to) = range.split_once('-').unwrap();
            rest.starts_with('r') && (address(from)..address(to)).contains(&at)
        })
    };
    (0..pages)
        .filter(|index| readable(page(start, *index) as usize))
        .map(|index| {
            // SAFETY: The page may be read, and nobody else uses it.
            let word = unsafe { page(start, index).cast::<usize>().read_volatile() };
            (index, word)
        })
        .collect()
}

/// What a region holds.
fn expected(parts: &[Part]) -> BTreeMap<usize, usize> {
    let mapped = parts.iter().enumerate().filter(|(_, part)| **part != Hole);
    let number = |(index, part): (usize, &Part)| match part {
        Zero => (index, 0),
        _ => (index, index + 1),
    };

    mapped.map(number).collect()
}

fn move_region(
    old: *mut c_void,
    parts: &[Part],
    new: *mut c_void,
    options: Options,
) -> Result<Moved, Error> {
    // SAFETY: The region is used by address alone, and `new` was reserved.
    unsafe { move_mappings(old, parts.len() * page_size(), new, options) }
}

const MIXED: [Part; 8] = [
    Writable, ReadOnly, Hole, NotDumped, Writable, Hole, ReadOnly, Hole,
];

/// How the mappings of [`MIXED`] are moved.
fn expected_way(mappings: usize) -> Moved {
    match supports_ranges().unwrap() {
        true => Moved::OneCall,
        false => Moved::ByMapping { calls: mappings },
    }
}

#[test]
fn a_region_moves() {
    let _turn = turn();
    let (old, new) = (region(&MIXED), reserve(MIXED.len()));
    let moved = move_region(old, &MIXED, new, Options::new()).unwrap();

    assert_eq!(moved, expected_way(5));
    assert_eq!(contents(new, MIXED.len()), expected(&MIXED));
    assert!(contents(old, MIXED.len()).is_empty());
}

#[test]
fn a_region_moves_and_its_mappings_stay() {
    let _turn = turn();
    let (old, new) = (region(&MIXED), reserve(MIXED.len()));
    let moved = move_region(old, &MIXED, new, Options::new().keep_source(true)).unwrap();
    let empty = expected(&MIXED).into_keys().map(|index| (index, 0));

    if support().unwrap() == Support::AllOrNothing {
        assert_eq!(moved, Moved::OneCall);
    }
    assert_eq!(contents(new, MIXED.len()), expected(&MIXED));
    assert_eq!(contents(old, MIXED.len()), empty.collect());
}

#[test]
fn one_mapping_moves_by_one_call_anywhere() {
    let _turn = turn();
    let parts = [Writable; 3];
    let (old, new) = (region(&parts), reserve(parts.len()));
    let moved = move_region(old, &parts, new, Options::new().atomic(true)).unwrap();

    assert_eq!(moved, Moved::OneCall);
    assert_eq!(contents(new, parts.len()), expected(&parts));
}

#[test]
fn atomic_or_not_at_all() {
    let _turn = turn();
    let there = [Writable; MIXED.len()];
    let (old, new) = (region(&MIXED), region(&there));
    let result = move_region(old, &MIXED, new, Options::new().atomic(true));

    if support().unwrap() == Support::AllOrNothing {
        assert_eq!(result.unwrap(), Moved::OneCall);
        assert!(contents(old, MIXED.len()).is_empty());
    } else {
        assert!(matches!(result, Err(Error::NotAtomic)));
        assert_eq!(contents(old, MIXED.len()), expected(&MIXED));
    }
    // What has moved there holds the numbers that were there before.
    assert_eq!(contents(new, MIXED.len()), expected(&there));
}

#[test]
fn a_mapping_that_does_not_move_keeps_all_in_place() {
    let _turn = turn();
    let try_out = reserve(1);
    if !seal(try_out) {
        println!("this kernel has no mseal()");
        return;
    }
    let parts = [Writable, ReadOnly, Hole, Writable, Sealed, ReadOnly];

    for keep in [false, true] {
        let (old, new) = (region(&parts), reserve(parts.len()));
        let error = move_region(old, &parts, new, Options::new().keep_source(keep)).unwrap_err();

        assert!(error.is_unmoved(), "{error}");
        match (support().unwrap(), &error) {
            (Support::AllOrNothing, Error::Refused(error)) => {
                assert_eq!(error.kind(), io::ErrorKind::PermissionDenied)
            }
            (Support::AllOrNothing, other) => panic!("{other:?}"),
            (_, Error::Stopped(stopped)) => {
                assert_eq!(stopped.error.kind(), io::ErrorKind::PermissionDenied);
                assert_eq!(stopped.offset, 4 * page_size());
                assert_eq!(stopped.moved, 3 * page_size());
                assert_eq!(stopped.left, 0);
                assert!(stopped.back.is_none());
            }
            (_, other) => panic!("{other:?}"),
        }
        assert_eq!(contents(old, parts.len()), expected(&parts));
        assert!(contents(new, parts.len()).is_empty());
    }
}

#[test]
fn a_file_that_takes_its_address_moves_with_others() {
    let _turn = turn();
    let parts = [Writable, ReadOnly, Hole, Zero, Writable];

    for keep in [false, true] {
        let options = Options::new().keep_source(keep);
        let (old, new) = (region(&parts), reserve(parts.len()));
        let moved = move_region(old, &parts, new, options).unwrap();

        if support().unwrap() == Support::AllOrNothing {
            assert_eq!(moved, Moved::OneCall);
        }
        assert_eq!(contents(new, parts.len()), expected(&parts));
    }
}

#[test]
fn a_mapping_that_moves_alone_is_moved_alone() {
    let _turn = turn();
    let parts = [Writable, ReadOnly, Hole, Watched, Writable];

    if let Err(error) = watch(reserve(1)) {
        println!("no userfaultfd: {error}");
        return;
    }

    for keep in [false, true] {
        let options = Options::new().keep_source(keep);
        let (old, new) = (region(&parts), reserve(parts.len()));
        let error = move_region(old, &parts, new, options.atomic(true)).unwrap_err();
        assert!(
            matches!(error, Error::Refused(_) | Error::NotAtomic),
            "{error}"
        );
        assert_eq!(contents(old, parts.len()), expected(&parts));

        let moved = move_region(old, &parts, new, options).unwrap();
        assert!(matches!(moved, Moved::ByMapping { .. }));
        assert_eq!(contents(new, parts.len()), expected(&parts));
    }
}

#[test]
fn memory_under_a_hole_is_left_alone() {
    let _turn = turn();
    let (old, new) = (region(&MIXED), region(&[Writable; MIXED.len()]));
    move_region(old, &MIXED, new, Options::new()).unwrap();

    assert_eq!(
        contents(new, MIXED.len()),
        expected(&[Writable; MIXED.len()])
    );
}

#[test]
fn a_range_starts_with_a_mapping() {
    let _turn = turn();
    let parts = [Hole, Writable, ReadOnly];
    let (old, new) = (region(&parts), region(&[Writable; 3]));
    let result = move_region(old, &parts, new, Options::new());

    assert!(matches!(result, Err(Error::NothingMapped)));
    assert_eq!(contents(old, parts.len()), expected(&parts));
    assert_eq!(contents(new, parts.len()), expected(&[Writable; 3]));
}

#[test]
fn ranges_do_not_overlap() {
    let _turn = turn();
    let old = region(&MIXED);
    let result = move_region(old, &MIXED, page(old, 1), Options::new());

    assert!(matches!(result, Err(Error::Invalid(Invalid::Overlap))));
}

#[test]
fn only_whole_pages_move() {
    let _turn = turn();
    let (old, new) = (region(&MIXED), reserve(MIXED.len()));
    // SAFETY: As in `move_region()`.
    let result = unsafe { move_mappings(old, page_size() + 1, new, Options::new()) };

    assert!(matches!(result, Err(Error::Invalid(Invalid::Unaligned))));
}
