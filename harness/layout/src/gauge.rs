// SPDX-License-Identifier: GPL-2.0

//! What a call changes in the counters of the process and of the machine.

use crate::{
    counter::counter,
    late::Late,
    scope::Scope, //
};
use anyhow::Result;
use std::{
    fs::{
        self,
        File, //
    },
    hash::{
        Hash,
        Hasher, //
    },
    io,
    os::unix::fs::FileExt, //
};

/// Counters that are exact, from /proc/self/status.
///
/// The `Rss*` ones are not: they are sums over CPUs that are read without waiting for all of them.
const OF_PROCESS: [&str; 8] = [
    "VmSize", "VmLck", "VmPin", "VmData", "VmStk", "VmExe", "VmLib", "VmPTE",
];

/// Counters of the whole machine, from /proc/meminfo: exact if nobody else does anything.
const OF_MACHINE: [&str; 5] = [
    "Committed_AS",
    "PageTables",
    "HugePages_Total",
    "HugePages_Free",
    "HugePages_Rsvd",
];

/// The tables of a process, and those of the machine.
const TABLES: [&str; 2] = ["VmPTE", "PageTables"];

/// Reading it adds up what CPUs have counted by themselves. Only root may.
const REFRESH: &str = "/proc/sys/vm/stat_refresh";

/// Counters of the memory cgroup, in bytes: exact if no other process in it does anything.
///
/// There is no exact count of all that a cgroup uses: each CPU charges some pages ahead.
const OF_GROUP: [&str; 5] = ["anon", "file", "shmem", "file_mapped", "pagetables"];

/// How often they are read at most.
const READINGS: usize = 5;

/// Pages that KSM has merged, and that are unmerged again, are more of these.
const GROWS_BY_PARTING: &str = "anon";

/// What a call changed: the difference of each counter, in kB or huge pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    of_process: Vec<i64>,
    of_machine: Vec<i64>,
    of_group: Vec<i64>,
    /// By how much the largest size of the process grew, beyond its size before and after.
    peak: Vec<i64>,
}

crate::wire!(Effect {
    of_process,
    of_machine,
    of_group,
    peak
});

impl Effect {
    /// By how many kB the process was larger for a moment than before and after.
    pub fn peak(&self) -> i64 {
        self.peak.iter().sum()
    }

    /// Counters that changed differently. Those that others share count if nobody else is on the
    /// machine.
    pub fn compare(&self, other: &Effect, scope: &Scope, alone: bool) -> Vec<String> {
        let names = scope.names;
        let process = OF_PROCESS
            .iter()
            .zip(self.of_process.iter().zip(&other.of_process));
        let machine = OF_MACHINE
            .iter()
            .zip(self.of_machine.iter().zip(&other.of_machine));
        let group = OF_GROUP
            .iter()
            .zip(self.of_group.iter().zip(&other.of_group));

        process
            .chain(machine.chain(group).filter(|_| alone))
            .filter(|(name, (x, y))| match **name {
                "VmPTE" | "PageTables" | "pagetables" => !scope.tables.allow(**x, **y),
                GROWS_BY_PARTING if scope.may_part => x > y,
                _ => x != y,
            })
            .map(|(name, (x, y))| {
                format!("{name} changed by {x} {}, by {y} {}", names[0], names[1])
            })
            .collect()
    }

    /// Hashes what the call changed in the process.
    pub fn hash_alike(&self, hasher: &mut impl Hasher) {
        (&self.of_process, &self.peak).hash(hasher);
    }

    /// What two calls, one after the other, changed together.
    pub fn then(&self, next: &Effect) -> Effect {
        let sum = |a: &[i64], b: &[i64]| a.iter().zip(b).map(|(a, b)| a + b).collect();

        Effect {
            of_process: sum(&self.of_process, &next.of_process),
            of_machine: sum(&self.of_machine, &next.of_machine),
            of_group: sum(&self.of_group, &next.of_group),
            peak: sum(&self.peak, &next.peak),
        }
    }

    /// An effect of nothing, to compare with that of a call that is to have none.
    pub fn none() -> Self {
        Effect {
            of_process: vec![0; OF_PROCESS.len()],
            of_machine: vec![0; OF_MACHINE.len()],
            of_group: vec![0; OF_GROUP.len()],
            peak: vec![0],
        }
    }
}

/// A text of the kernel, in a buffer that is there before it is read.
struct Text {
    file: File,
    buffer: Box<[u8]>,
    len: usize,
}

impl Text {
    fn open(path: &str) -> io::Result<Self> {
        Ok(Text {
            file: File::open(path)?,
            // Written to, so that there are pages.
            buffer: vec![b' '; 8192].into(),
            len: 0,
        })
    }

    fn read(&mut self) -> io::Result<()> {
        self.len = 0;
        loop {
            let rest = &mut self.buffer[self.len..];
            match self.file.read_at(rest, self.len as u64)? {
                0 => return Ok(()),
                more => self.len += more,
            }
        }
    }

    /// The number on the line that starts with a name. Zero if there is none.
    fn number(&self, name: &str) -> i64 {
        counter(&String::from_utf8_lossy(&self.buffer[..self.len]), name).unwrap_or(0)
    }
}

/// By how much the number on a line is higher in the second text.
fn change(before: &Text, after: &Text, name: &str) -> i64 {
    after.number(name) - before.number(name)
}

/// The folder of the cgroup of this process, if there is one with memory controlled.
fn cgroup() -> Option<String> {
    let text = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    let folder = format!("/sys/fs/cgroup{path}");

    fs::exists(format!("{folder}/memory.stat"))
        .ok()?
        .then_some(folder)
}

/// What there is to read at one time.
struct Reading {
    refresh: Option<Text>,
    process: Text,
    machine: Text,
    group: Option<Text>,
}

impl Reading {
    fn open(group: Option<&str>) -> io::Result<Self> {
        let group = group.map(|folder| Text::open(&format!("{folder}/memory.stat")));

        Ok(Reading {
            refresh: Text::open(REFRESH).ok(),
            process: Text::open("/proc/self/status")?,
            machine: Text::open("/proc/meminfo")?,
            group: group.transpose()?,
        })
    }

    fn read(&mut self, late: &mut Late) -> io::Result<()> {
        if let Some(refresh) = &mut self.refresh {
            refresh.read()?;
        }
        self.read_group(late)?;
        self.process.read()?;
        self.machine.read()
    }

    /// Reads the counters of the cgroup until they are twice the same: the kernel adds them up every
    /// two seconds by itself as well, and if that comes in between, some may not be added.
    fn read_group(&mut self, late: &mut Late) -> io::Result<()> {
        let Some(group) = &mut self.group else {
            return Ok(());
        };
        let mut last = None;

        for _ in 0..READINGS {
            late.count_group()?;
            group.read()?;
            let now = OF_GROUP.map(|name| group.number(name));
            if last == Some(now) {
                break;
            }
            last = Some(now);
        }
        Ok(())
    }

    fn of_group(&self, name: &str) -> i64 {
        self.group.as_ref().map_or(0, |text| text.number(name))
    }
}

/// Measures calls. Nothing is allocated between the call and the readings around it.
pub struct Gauge {
    before: Reading,
    after: Reading,
    late: Late,
}

impl Gauge {
    pub fn new() -> Result<Self> {
        let group = cgroup();
        let mut late = Late::new(group.is_some());

        late.count_group()?;
        late.free_tables();
        Ok(Gauge {
            before: Reading::open(group.as_deref())?,
            after: Reading::open(group.as_deref())?,
            late,
        })
    }

    /// Did the tables of the machine change as those of the process?
    fn tables_agree(&self) -> bool {
        let [of_process, of_machine] = TABLES;
        let Gauge { before, after, .. } = self;

        change(&before.process, &after.process, of_process)
            == change(&before.machine, &after.machine, of_machine)
    }

    /// Makes a call, and returns what it returned and what it changed.
    pub fn measure<T>(&mut self, call: impl FnOnce() -> T) -> Result<(T, Effect)> {
        self.before.read(&mut self.late)?;
        let result = call();
        self.after.read(&mut self.late)?;
        if !self.tables_agree() {
            self.late.free_tables();
            self.after.read(&mut self.late)?;
        }

        let Gauge { before, after, .. } = self;
        let highest = before
            .process
            .number("VmPeak")
            .max(after.process.number("VmSize"));
        let effect = Effect {
            of_process: OF_PROCESS
                .map(|name| change(&before.process, &after.process, name))
                .into(),
            of_machine: OF_MACHINE
                .map(|name| change(&before.machine, &after.machine, name))
                .into(),
            of_group: OF_GROUP
                .map(|name| after.of_group(name) - before.of_group(name))
                .into(),
            peak: vec![after.process.number("VmPeak") - highest],
        };
        Ok((result, effect))
    }
}
