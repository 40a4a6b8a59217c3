// SPDX-License-Identifier: GPL-2.0

//! Whether a call that failed left what it should, and one that succeeded did what it should.

use super::{
    inject,
    session::{
        without_faults,
        Call,
        Session,
        Task, //
    }, //
};
use crate::errno;
use anyhow::{
    bail,
    Result, //
};
use layout::{
    arena::show,
    compare,
    in_child,
    runs,
    Effect,
    Layout,
    Mark,
    Page,
    Scope,
    Snapshot, //
};
use std::{
    ops::Range,
    path::Path, //
};

/// After how many seconds a child hangs.
pub const PATIENCE: u32 = 300;

/// What a call made of a layout, as far as it is compared.
struct State {
    snapshot: Snapshot,
    effect: Effect,
}

impl State {
    fn new(call: &Call) -> Self {
        State {
            snapshot: Snapshot::new(&call.after),
            effect: call.effect.clone(),
        }
    }
}

/// The scope when a move has been rolled back, which marks what it moved as soft-dirty, and splits
/// huge pages at the ends of the source.
fn moved_back(scope: Scope) -> Scope {
    Scope {
        may_soil: true,
        may_split: true,
        ..scope
    }
}

/// What there is to say of calls under faults.
pub struct Judgement {
    pub wrong: Vec<String>,
    /// The last one failed and left all as it was, what is in the way included.
    pub harmless: bool,
}

/// What calls on a layout are to give.
pub struct Judge {
    scope: Scope,
    /// Has the layout pages that KSM has merged? A move that fails may have unmerged them.
    merged: bool,
    /// Where mappings may stay apart that belong together.
    destination: Range<usize>,
    oracle: State,
    /// What there is when what is in the way of the first run, of the first two and so on was
    /// unmapped, and nothing else was done.
    cleared: Vec<State>,
}

impl Judge {
    pub fn new(layout: &Layout, segments: &[Range<usize>], folder: &Path) -> Result<Self> {
        let ask = |task: Task| -> Result<State> {
            match in_child(PATIENCE, || without_faults(layout, folder, &task))? {
                Ok(call) => Ok(State::new(&call)),
                Err(failure) => bail!("a child that should {task:?} {failure}"),
            }
        };
        let runs = runs(segments);
        let cleared = (1..=runs.len()).map(|count| ask(Task::Clear(runs[..count].to_vec())));

        Ok(Judge {
            scope: moved_back(layout.scope(segments)),
            destination: layout.step.destination(),
            merged: layout.units.iter().any(|unit| unit.has(Mark::Merged)),
            oracle: ask(Task::Oracle)?,
            cleared: cleared.collect::<Result<_>>()?,
        })
    }

    /// Judges the last calls of a session.
    pub fn judge(&self, session: &Session) -> Judgement {
        let before = Snapshot::new(&session.before);
        let mut all = Vec::new();
        let mut harmless = false;
        let mut effect = Effect::none();

        for call in &session.changed {
            if call.faults >= inject::PATIENCE {
                all.push(format!(
                    "it asked for memory {} times in vain, and would do so for ever",
                    call.faults
                ));
            }
            all.extend(match call.errno {
                0 => self.success("under faults", call, &effect, call.faults > 0),
                _ => {
                    let judgement = self.failure(&before, call);
                    harmless = judgement.harmless;
                    judgement.wrong
                }
            });
            effect = effect.then(&call.effect);
        }
        for call in &session.again {
            all.extend(self.success("when tried again", call, &effect, false));
        }
        Judgement {
            wrong: all,
            harmless,
        }
    }

    /// A call that succeeded gives what a call each gives, whatever happened before. If memory was
    /// `short`, mappings may have stayed apart.
    fn success(&self, when: &str, call: &Call, before: &Effect, short: bool) -> Vec<String> {
        if call.errno != 0 {
            return vec![format!("{when}: {}", errno::words(call.errno))];
        }
        let mut state = State::new(call);
        let mut scope = self.scope;
        if short {
            state.snapshot = self.joined(&state, &self.oracle.snapshot);
            scope.merged = false;
        }
        let mut all = compare(&self.oracle.snapshot, &state.snapshot, &scope);
        let total = before.then(&state.effect);

        all.extend(self.oracle.effect.compare(&total, &self.scope, true));
        all.iter().map(|what| format!("{when}: {what}")).collect()
    }

    /// What a call left, with mappings at the destination as in `other`: there a merge may have
    /// been given up, and an unmapping that failed may have split one.
    fn joined(&self, state: &State, other: &Snapshot) -> Snapshot {
        state.snapshot.joined_as_in(other, &self.destination)
    }

    /// A call that failed leaves all as it was, except for what it went over.
    fn failure(&self, before: &Snapshot, call: &Call) -> Judgement {
        let after = State::new(call);
        let mut all = Vec::new();

        if call.errno != i64::from(libc::ENOMEM) {
            all.push(format!("failed, with {}", errno::words(call.errno)));
        }
        let unfaulted = Scope {
            may_part: self.merged,
            ..moved_back(Scope::times(["before", "after it failed"]))
        };
        let joined = self.joined(&after, before);
        let mut as_before = compare(before, &joined, &unfaulted);
        as_before.extend(Effect::none().compare(&after.effect, &unfaulted, true));
        let cleared = self
            .cleared
            .iter()
            .map(|state| self.as_cleared(before, state, &after));

        let harmless = as_before.is_empty();
        let nearest = std::iter::once(as_before)
            .chain(cleared)
            .min_by_key(Vec::len)
            .unwrap_or_default();
        all.extend(nearest);
        Judgement {
            wrong: all,
            harmless,
        }
    }

    /// Compares with a process in which what is in the way was unmapped. Page frames must be those
    /// from before. What the next run goes over may have been split for that.
    fn as_cleared(&self, before: &Snapshot, cleared: &State, after: &State) -> Vec<String> {
        let names = ["with the destination unmapped", "after it failed"];
        let scope = Scope {
            may_part: self.merged,
            ..moved_back(Scope::processes(names))
        };
        let joined = self.joined(after, &cleared.snapshot);
        let mut all = compare(&cleared.snapshot, &joined, &scope);

        all.extend(cleared.effect.compare(&after.effect, &scope, true));
        all.extend(other_frames(before, &after.snapshot, self.merged));
        all
    }
}

/// Pages that are somewhere else than before. Those that KSM had merged may be.
fn other_frames(before: &Snapshot, after: &Snapshot, merged: bool) -> Option<String> {
    let pages = |snapshot: &Snapshot| -> Vec<(usize, Page)> {
        let mappings = snapshot.mappings.iter();
        mappings
            .filter(|mapping| !(merged && mapping.entry.mergeable()))
            .flat_map(|mapping| mapping.range.clone().zip(mapping.pages.iter().copied()))
            .collect()
    };
    let (old, new) = (pages(before), pages(after));
    let mut old = old.iter().peekable();

    for (number, page) in new {
        while old.next_if(|(other, _)| *other < number).is_some() {}
        let same = old
            .peek()
            .is_some_and(|(other, was)| *other == number && was.same_frame(&page));
        if !same {
            return Some(format!(
                "page {} is not the one from before",
                show(&(number..number + 1))
            ));
        }
    }
    None
}
