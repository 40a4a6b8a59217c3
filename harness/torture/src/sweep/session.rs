// SPDX-License-Identifier: GPL-2.0

//! What a child does: moves a layout under one fault after the other.

use super::inject::{
    Fault,
    Injector,
    Needs,
    PATIENCE, //
};
use crate::errno;
use anyhow::{
    ensure,
    Result, //
};
use layout::{
    by_a_call_each,
    by_one_call,
    clear_destination,
    wire,
    Capture,
    Depth,
    Effect,
    Gauge,
    Layout,
    Snapshot, //
};
use std::{
    ops::Range,
    path::Path, //
};

/// How a call ended.
#[derive(Clone, Debug)]
pub struct Call {
    /// Zero if it succeeded.
    pub errno: i64,
    /// How many allocations failed.
    pub faults: i64,
    pub effect: Effect,
    pub after: Capture,
}

wire!(Call {
    errno,
    faults,
    effect,
    after
});

/// What came of a session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Faults that were tried.
    pub tried: u64,
    /// Allocations that failed, and calls.
    pub faults: u64,
    pub failed: u64,
    pub before: Capture,
    /// The last call under a fault, if it changed anything.
    pub changed: Vec<Call>,
    /// The call without a fault after it, unless that has succeeded.
    pub again: Vec<Call>,
}

wire!(Session {
    tried,
    faults,
    failed,
    before,
    changed,
    again
});

/// Makes a layout and moves it under faults, until a call changes something.
///
/// While calls fail and leave all as it was, the next one finds what the first one found. In the
/// end the move is made without a fault.
pub fn under_faults(layout: &Layout, folder: &Path, faults: &[Fault]) -> Result<Session> {
    let _made = layout.make(folder)?;
    let injector = Injector::new()?;
    let mut gauge = Gauge::new()?;
    let mut session = Session {
        tried: 0,
        faults: 0,
        failed: 0,
        before: Capture::take(Depth::Look)?,
        changed: Vec::new(),
        again: Vec::new(),
    };

    for fault in faults {
        injector.prepare(*fault)?;
        let (called, effect) = gauge.measure(|| injector.call(*fault, || by_one_call(layout)))?;
        let (result, away) = called?;
        let faults = injector.failures(*fault, away)?;
        let succeeded = result.is_ok();
        let call = Call {
            errno: errno::of(&result),
            faults,
            effect,
            after: Capture::take(if succeeded { Depth::Probe } else { Depth::Look })?,
        };
        session.tried += 1;
        session.faults += faults as u64;
        session.failed += u64::from(!succeeded);

        if succeeded {
            session.changed.push(call);
            return Ok(session);
        }
        if !nothing_changed(&session.before, &call) {
            session.changed.push(call);
            break;
        }
    }

    let (result, effect) = gauge.measure(|| by_one_call(layout))?;
    session.again.push(Call {
        errno: errno::of(&result),
        faults: 0,
        effect,
        after: Capture::take(Depth::Probe)?,
    });
    Ok(session)
}

/// Is that all that there is to say about a call that failed? The parent looks closer if not.
fn nothing_changed(before: &Capture, call: &Call) -> bool {
    call.errno == i64::from(libc::ENOMEM)
        && call.faults < PATIENCE
        && call.effect == Effect::none()
        && before.pagemap == call.after.pagemap
        && Snapshot::new(before) == Snapshot::new(&call.after)
}

/// What else a child is asked for.
#[derive(Clone, Debug)]
pub enum Task {
    /// A call for each segment.
    Oracle,
    /// Unmapping what is in the way of these runs.
    Clear(Vec<Range<usize>>),
}

/// Makes a layout and does something with it that does not fail.
pub fn without_faults(layout: &Layout, folder: &Path, task: &Task) -> Result<Call> {
    let _made = layout.make(folder)?;
    let before = Capture::take(Depth::Glance)?;
    let segments = Snapshot::new(&before).segments(&layout.step.source());
    let mut gauge = Gauge::new()?;

    let (result, effect) = gauge.measure(|| match task {
        Task::Oracle => by_a_call_each(layout, &segments),
        Task::Clear(runs) => clear_destination(layout, runs),
    })?;
    result?;
    let depth = match task {
        Task::Oracle => Depth::Probe,
        Task::Clear(_) => Depth::Look,
    };
    Ok(Call {
        errno: 0,
        faults: 0,
        effect,
        after: Capture::take(depth)?,
    })
}

/// What moving a layout by one call needs. It is made twice, as a call is either counted or
/// weighed.
pub fn needs(layout: &Layout, folder: &Path, weigh: bool) -> Result<Needs> {
    let _made = layout.make(folder)?;
    let injector = Injector::new()?;
    let mut needs = Needs::default();

    let result = if weigh {
        let (result, bytes, pages) = injector.weigh(|| by_one_call(layout))?;
        (needs.bytes, needs.pages) = (bytes, pages);
        result
    } else {
        let (result, allocations) = injector.count(|| by_one_call(layout))?;
        needs.allocations = allocations;
        result
    };
    ensure!(result.is_ok(), "the move fails without a fault: {result:?}");
    Ok(needs)
}

/// The errno of unmapping what is in the way of a run while an allocation fails, zero if it
/// succeeds, or [`FEWER`] if it does not make so many.
pub fn clearing(layout: &Layout, folder: &Path, run: &Range<usize>, nth: u64) -> Result<i64> {
    let _made = layout.make(folder)?;
    let injector = Injector::new()?;
    let fault = Fault::Nth(nth);
    let (result, away) = injector.call(fault, || {
        clear_destination(layout, std::slice::from_ref(run))
    })?;

    Ok(match injector.failures(fault, away)? {
        0 => FEWER,
        _ => errno::of(&result),
    })
}

/// What [`clearing()`] returns at its end.
pub const FEWER: i64 = -1;

impl layout::Wire for Needs {
    fn put(&self, out: &mut Vec<u8>) {
        vec![self.allocations as i64, self.bytes, self.pages].put(out);
    }

    fn get(from: &mut &[u8]) -> Result<Self> {
        let numbers = Vec::<i64>::get(from)?;
        ensure!(numbers.len() == 3, "these are not the needs of a call");
        Ok(Needs {
            allocations: numbers[0] as u64,
            bytes: numbers[1],
            pages: numbers[2],
        })
    }
}
