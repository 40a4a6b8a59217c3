// SPDX-License-Identifier: GPL-2.0

//! Letting allocations of the kernel fail, as Documentation/fault-injection says.
//!
//! Nothing is allocated between arming a fault and disarming it, but by the call in between.

use anyhow::{
    Context,
    Result, //
};
use std::{
    fmt,
    fs::{
        self,
        File, //
    },
    io,
    os::unix::fs::FileExt, //
};

const DEBUG: &str = "/sys/kernel/debug";

/// More than any call allocates.
const PLENTY: i64 = 1 << 30;

/// How many allocations fail of a call that goes on asking for memory, before there is some again.
/// No call that gives up asks so often.
pub const PATIENCE: i64 = 5000;

/// Which allocations fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The nth one, and no other.
    Nth(u64),
    /// Every one after so many bytes of slab objects.
    Slab(i64),
    /// Every one after so many pages.
    Pages(i64),
    /// Every one of either.
    Both(i64, i64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Nth(n) => write!(f, "allocation {n} fails"),
            Fault::Slab(bytes) => write!(f, "no slab objects after {bytes} bytes"),
            Fault::Pages(pages) => write!(f, "no pages after {pages}"),
            Fault::Both(bytes, pages) => write!(
                f,
                "no slab objects after {bytes} bytes, no pages after {pages}"
            ),
        }
    }
}

/// What a call needs of each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    pub allocations: u64,
    pub bytes: i64,
    pub pages: i64,
}

/// Sets up the kernel, which stays so: only that fails what a task does that asks for it, and
/// nothing is said about it.
pub fn set_up() -> Result<()> {
    let common = [
        ("probability", "100"),
        ("interval", "1"),
        ("verbose", "0"),
        ("task-filter", "Y"),
        ("ignore-gfp-wait", "N"),
    ];
    for point in [Point::SLAB, Point::PAGE] {
        for (file, value) in common {
            point.put(file, value)?;
        }
    }
    Point::SLAB.put("cache-filter", "N")?;
    Point::PAGE.put("min-order", "0")?;
    Point::PAGE.put("ignore-gfp-highmem", "N")
}

/// One of the kernel's points where allocations can be made to fail.
///
/// Its files cannot be read twice. They are used while nothing is armed.
#[derive(Clone, Copy)]
struct Point(&'static str);

impl Point {
    const SLAB: Point = Point("failslab");
    const PAGE: Point = Point("fail_page_alloc");

    fn put(self, file: &str, value: &str) -> Result<()> {
        let path = format!("{DEBUG}/{}/{file}", self.0);
        fs::write(&path, value)
            .with_context(|| format!("writing {path}; has this kernel fault injection?"))
    }

    fn get(self, file: &str) -> Result<i64> {
        let path = format!("{DEBUG}/{}/{file}", self.0);
        Ok(fs::read_to_string(path)?.trim().parse()?)
    }

    /// Lets it fail as soon as it has given so much, and count how often it does.
    fn limit(self, space: i64) -> Result<()> {
        self.put("space", &space.to_string())?;
        self.put("times", &PATIENCE.to_string())
    }

    /// How much it gave.
    fn given(self) -> Result<i64> {
        Ok(PLENTY - self.get("space")?)
    }

    /// How often it has failed since the limit was set.
    fn failures(self) -> Result<i64> {
        Ok(PATIENCE - self.get("times")?)
    }
}

/// Writes and reads numbers without allocating.
fn put(file: &File, number: i64) -> io::Result<()> {
    let mut text = [0; 24];
    let mut rest = &mut text[..];
    io::Write::write_fmt(&mut rest, format_args!("{number}"))?;
    let len = 24 - rest.len();
    file.write_at(&text[..len], 0).map(drop)
}

fn get(file: &File) -> io::Result<i64> {
    let mut text = [0; 24];
    let len = file.read_at(&mut text, 0)?;
    let number = std::str::from_utf8(&text[..len]).map(|text| text.trim().parse());
    match number {
        Ok(Ok(number)) => Ok(number),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Arms faults for the calling process.
pub struct Injector {
    nth: File,
    make_it_fail: File,
}

impl Injector {
    /// For the calling process, on a kernel that is set up.
    pub fn new() -> Result<Self> {
        let own = |name: &str| -> Result<File> {
            File::options()
                .read(true)
                .write(true)
                .open(name)
                .with_context(|| name.to_owned())
        };
        Ok(Injector {
            nth: own("/proc/thread-self/fail-nth")?,
            make_it_fail: own("/proc/self/make-it-fail")?,
        })
    }

    /// Prepares a fault for the next call.
    pub fn prepare(&self, fault: Fault) -> Result<()> {
        let (bytes, pages) = match fault {
            Fault::Nth(_) => return Ok(()),
            Fault::Slab(bytes) => (bytes, PLENTY),
            Fault::Pages(pages) => (PLENTY, pages),
            Fault::Both(bytes, pages) => (bytes, pages),
        };
        Point::SLAB.limit(bytes)?;
        Point::PAGE.limit(pages)
    }

    /// Makes a call under a fault that was prepared, and allocates nothing besides. Returns what it
    /// returned, and how many allocations a fault that hits one was away.
    pub fn call<T>(&self, fault: Fault, call: impl FnOnce() -> T) -> Result<(T, i64)> {
        match fault {
            Fault::Nth(n) => self.call_nth(n as i64, call),
            _ => Ok((self.call_lasting(call)?, 0)),
        }
    }

    /// How many allocations of the last call failed.
    pub fn failures(&self, fault: Fault, away: i64) -> Result<i64> {
        match fault {
            Fault::Nth(_) => Ok(i64::from(away == 0)),
            _ => Ok(Point::SLAB.failures()? + Point::PAGE.failures()?),
        }
    }

    /// Returns how many allocations the fault was away, too.
    fn call_nth<T>(&self, n: i64, call: impl FnOnce() -> T) -> Result<(T, i64)> {
        put(&self.nth, n)?;
        let ret = call();
        let left = get(&self.nth)?;
        put(&self.nth, 0)?;
        Ok((ret, left))
    }

    fn call_lasting<T>(&self, call: impl FnOnce() -> T) -> Result<T> {
        put(&self.make_it_fail, 1)?;
        let ret = call();
        put(&self.make_it_fail, 0)?;
        Ok(ret)
    }

    /// Counts the allocations of a call, of which none fails.
    pub fn count<T>(&self, call: impl FnOnce() -> T) -> Result<(T, u64)> {
        let (ret, left) = self.call_nth(PLENTY, call)?;
        Ok((ret, (PLENTY - left) as u64))
    }

    /// Measures the allocations of a call, of which none fails: bytes of slab objects, and pages.
    pub fn weigh<T>(&self, call: impl FnOnce() -> T) -> Result<(T, i64, i64)> {
        self.prepare(Fault::Both(PLENTY, PLENTY))?;
        let ret = self.call_lasting(call)?;
        Ok((ret, Point::SLAB.given()?, Point::PAGE.given()?))
    }
}
