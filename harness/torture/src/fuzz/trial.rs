// SPDX-License-Identifier: GPL-2.0

//! One layout, moved in two ways in processes of their own.

use super::view::{
    Found,
    View, //
};
use crate::errno;
use anyhow::Result;
use layout::{
    arena::overlap,
    by_a_call_each,
    by_mistake,
    by_one_call,
    compare,
    in_child,
    Capture,
    Depth,
    Gauge,
    Layout,
    Mistake,
    Scope,
    Snapshot,
    Verdict, //
};
use std::{
    hash::{
        DefaultHasher,
        Hasher, //
    },
    path::PathBuf, //
};

/// After how many seconds a child hangs.
const PATIENCE: u32 = 60;

/// How often a difference is looked for that does not show every time.
const TRIES: usize = 3;

/// How a layout is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    OneCall,
    ACallEach,
    /// As a call for each segment, but wrong, to see whether it is noticed.
    Wrong(Mistake),
}

/// Where trials run.
pub struct Lab {
    /// Where files are made.
    pub folder: PathBuf,
    /// Does nobody else use the machine, so that what it counts as a whole can be compared?
    pub alone: bool,
    /// What is tried.
    pub way: Way,
    /// How closely to look at what came of it.
    pub depth: Depth,
}

/// What came of a layout.
pub enum Outcome {
    /// Both ways gave the same, or the move was refused as it should be.
    Alike(Done),
    Different(Vec<String>),
    /// Memory or the result of the call is another, or a process did not survive.
    Wrong(Vec<String>),
    /// It could not be made twice the same, or a difference did not show again.
    Unsteady(String),
}

/// What was done, for the statistics.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    pub refused: bool,
    pub single: bool,
    pub segments: usize,
    /// How many borders between mappings are gone.
    pub merges: usize,
}

impl Lab {
    /// Tries a layout. A difference counts if it shows twice, or if nothing excuses it: counters
    /// may be off once, memory may not.
    pub fn try_out(&self, layout: &Layout) -> Result<Outcome> {
        let mut last = None;

        for _ in 0..TRIES {
            let outcome = self.try_once(layout)?;
            match (&last, &outcome) {
                (None, Outcome::Alike(_)) | (_, Outcome::Wrong(_)) => return Ok(outcome),
                (Some(Outcome::Different(_)), Outcome::Different(_)) => return Ok(outcome),
                (Some(Outcome::Different(what)), Outcome::Alike(_)) => {
                    return Ok(Outcome::Unsteady(what.join("; ")))
                }
                _ => last = Some(outcome),
            }
        }
        Ok(match last {
            Some(Outcome::Different(what)) => Outcome::Unsteady(what.join("; ")),
            Some(outcome) => outcome,
            None => unreachable!("it was tried"),
        })
    }

    /// Tries a layout, and believes what it sees.
    pub fn try_once(&self, layout: &Layout) -> Result<Outcome> {
        let one = match self.run(layout, self.way)? {
            Ok(view) => view,
            Err(what) => return Ok(Outcome::Wrong(vec![format!("by one call: {what}")])),
        };
        let asked = layout;
        let layout = &asked.whole();
        let segments = one.before.segments(&layout.step.source());
        let verdict = asked.verdict(&segments);
        let scope = layout.scope(&segments);
        let mut done = Done {
            segments: segments.len(),
            ..Done::default()
        };

        if let (Verdict::Refused(errno), Way::OneCall) = (verdict, self.way) {
            done.refused = true;
            return Ok(outcome(one.refusal(errno.into()), done));
        }
        let moves = verdict == Verdict::Moves && self.way == Way::OneCall;
        if moves && layout.fails_by_a_call_each(&segments) {
            return Ok(outcome(Vec::from_iter(one.failure()), done));
        }
        let each = match self.run(layout, Way::ACallEach)? {
            Ok(view) => view,
            Err(what) => return Ok(Outcome::Wrong(vec![format!("by a call each: {what}")])),
        };
        let unlike = compare(&each.before, &one.before, &scope);
        if let Some(what) = unlike.first() {
            return Ok(Outcome::Unsteady(format!("made differently: {what}")));
        }
        done.single = verdict == Verdict::AsBase;
        done.merges = one.merges(&layout.step.destination(), segments.len());
        let mut each = each;
        if layout.joins_the_other_end() {
            let destination = layout.step.destination();
            each.after = each.after.joined_as_in(&one.after, &destination);
        }
        let differences = self.differences(&scope, &each, &one);
        if each.errno != one.errno || each.after.holds_other_than(&one.after) {
            return Ok(Outcome::Wrong(differences));
        }
        Ok(outcome(differences, done))
    }

    /// What is mapped before and after a move in one way, for people.
    pub fn describe(&self, layout: &Layout, way: Way) -> Result<String> {
        let view = match self.run(layout, way)? {
            Ok(view) => view,
            Err(what) => return Ok(format!("a child {what}\n")),
        };
        Ok(format!(
            "before:\n{}{:?}: {}\n{}",
            view.before,
            way,
            view.result(),
            view.after
        ))
    }

    /// What a call for each segment makes of a layout, as a number or in words. A call that is
    /// refused may have unmapped the destination or not: only that it was refused counts.
    ///
    /// Where source and destination overlap, a segment arrives in one that has not gone yet, and the
    /// call for that moves several mappings: not what this is about.
    pub fn digest(&self, layout: &Layout) -> Result<String> {
        if overlap(&layout.step.source(), &layout.step.destination()) {
            return Ok("overlap".to_owned());
        }
        Ok(match self.run(layout, Way::ACallEach)? {
            Ok(view) if view.errno != 0 => view.result(),
            Ok(view) => {
                let mut hasher = DefaultHasher::new();
                view.after.hash_alike(&mut hasher);
                view.effect.hash_alike(&mut hasher);
                format!("{:016x}", hasher.finish())
            }
            Err(failure) => format!("{failure}"),
        })
    }

    /// Makes and moves a layout in a child.
    fn run(&self, layout: &Layout, way: Way) -> Result<Result<View, layout::Failure>> {
        let found = in_child(PATIENCE, || self.work(layout, way))?;

        Ok(found.map(View::new))
    }

    fn work(&self, layout: &Layout, way: Way) -> Result<Found> {
        let _made = layout.make(&self.folder)?;
        let mut before = Capture::take(Depth::Glance)?;
        let segments = Snapshot::new(&before).segments(&layout.whole().step.source());
        // What is to be refused must leave all as it was.
        if let Verdict::Refused(_) = layout.verdict(&segments) {
            before = Capture::take(Depth::Look)?;
        }
        let (result, effect) = Gauge::new()?.measure(|| match way {
            Way::OneCall => by_one_call(layout),
            Way::ACallEach => by_a_call_each(layout, &segments),
            Way::Wrong(mistake) => by_mistake(layout, &segments, mistake),
        })?;

        // What was refused is compared with what was there before, so nothing is touched.
        let depth = match result {
            Ok(()) => self.depth,
            Err(_) => Depth::Look,
        };
        Ok(Found {
            errno: errno::of(&result),
            before,
            after: Capture::take(depth)?,
            effect,
        })
    }

    /// What two ways to move differ in.
    fn differences(&self, scope: &Scope, each: &View, one: &View) -> Vec<String> {
        let names = scope.names;

        if each.errno != one.errno {
            let mut all = vec![format!(
                "{} {}, {} {}",
                each.result(),
                names[0],
                one.result(),
                names[1]
            )];
            if one.errno != 0 {
                all.extend(one.changes());
            }
            return all;
        }
        let mut all = compare(&each.after, &one.after, scope);
        all.extend(each.effect.compare(&one.effect, scope, self.alone));
        if one.effect.peak() > each.effect.peak().max(0) {
            all.push(format!(
                "VmPeak rose by {} kB {}",
                one.effect.peak(),
                names[1]
            ));
        }
        all
    }
}

fn outcome(differences: Vec<String>, done: Done) -> Outcome {
    if differences.is_empty() {
        Outcome::Alike(done)
    } else {
        Outcome::Different(differences)
    }
}
