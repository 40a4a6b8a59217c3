//! What a call changes in the counters of the process and of the machine.

use crate::compare::Scope;
use anyhow::Result;
use std::{fs::File, io, os::unix::fs::FileExt};

/// Counters that are exact, from /proc/self/status.
///
/// The `Rss*` ones are not: they are sums over CPUs that are read without waiting for all of them.
const OF_PROCESS: [&str; 8] = [
    "VmSize", "VmLck", "VmPin", "VmData", "VmStk", "VmExe", "VmLib", "VmPTE",
];

/// Counters of the whole machine, from /proc/meminfo: exact if nobody else does anything.
const OF_MACHINE: [&str; 4] = [
    "Committed_AS",
    "HugePages_Total",
    "HugePages_Free",
    "HugePages_Rsvd",
];

/// What a call changed: the difference of each counter, in kB or huge pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    of_process: Vec<i64>,
    of_machine: Vec<i64>,
    /// By how much the largest size of the process grew, beyond its size before and after.
    peak: Vec<i64>,
}

crate::wire!(Effect {
    of_process,
    of_machine,
    peak
});

impl Effect {
    /// By how many kB the process was larger for a moment than before and after.
    pub fn peak(&self) -> i64 {
        self.peak.iter().sum()
    }

    /// Counters that changed differently. Those of the machine count if nobody else is on it.
    pub fn compare(&self, other: &Effect, scope: &Scope, alone: bool) -> Vec<String> {
        let names = scope.names;
        let process = OF_PROCESS
            .iter()
            .zip(self.of_process.iter().zip(&other.of_process));
        let machine = OF_MACHINE
            .iter()
            .zip(self.of_machine.iter().zip(&other.of_machine))
            .filter(|_| alone);

        process
            .chain(machine)
            .filter(|(name, (x, y))| match **name {
                "VmPTE" => !scope.tables.allow(**x, **y),
                _ => x != y,
            })
            .map(|(name, (x, y))| {
                format!("{name} changed by {x} {}, by {y} {}", names[0], names[1])
            })
            .collect()
    }

    /// What two calls, one after the other, changed together.
    pub fn then(&self, next: &Effect) -> Effect {
        let sum = |a: &[i64], b: &[i64]| a.iter().zip(b).map(|(a, b)| a + b).collect();

        Effect {
            of_process: sum(&self.of_process, &next.of_process),
            of_machine: sum(&self.of_machine, &next.of_machine),
            peak: sum(&self.peak, &next.peak),
        }
    }

    /// An effect of nothing, to compare with that of a call that is to have none.
    pub fn none() -> Self {
        Effect {
            of_process: vec![0; OF_PROCESS.len()],
            of_machine: vec![0; OF_MACHINE.len()],
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
            buffer: vec![0; 8192].into(),
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
        String::from_utf8_lossy(&self.buffer[..self.len])
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| value.split_whitespace().next()?.parse().ok())
            .unwrap_or(0)
    }
}

/// Measures calls. Nothing is allocated between the call and the readings around it.
pub struct Gauge {
    /// The process and the machine, before and after.
    texts: [[Text; 2]; 2],
}

impl Gauge {
    pub fn new() -> Result<Self> {
        let texts = || -> io::Result<[Text; 2]> {
            Ok([
                Text::open("/proc/self/status")?,
                Text::open("/proc/meminfo")?,
            ])
        };
        Ok(Gauge {
            texts: [texts()?, texts()?],
        })
    }

    /// Makes a call, and returns what it returned and what it changed.
    pub fn measure<T>(&mut self, call: impl FnOnce() -> T) -> Result<(T, Effect)> {
        for text in &mut self.texts[0] {
            text.read()?;
        }
        let result = call();
        for text in &mut self.texts[1] {
            text.read()?;
        }

        let [[process, machine], [process_after, machine_after]] = &self.texts;
        let change = |a: &Text, b: &Text, name: &str| b.number(name) - a.number(name);
        let highest =
            [(process, "VmPeak"), (process_after, "VmSize")].map(|(text, name)| text.number(name));
        let peak = process_after.number("VmPeak") - highest[0].max(highest[1]);
        let effect = Effect {
            of_process: OF_PROCESS
                .map(|name| change(process, process_after, name))
                .into(),
            of_machine: OF_MACHINE
                .map(|name| change(machine, machine_after, name))
                .into(),
            peak: vec![peak],
        };
        Ok((result, effect))
    }
}
