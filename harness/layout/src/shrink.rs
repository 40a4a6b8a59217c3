// SPDX-License-Identifier: GPL-2.0

//! Making a layout smaller that shows something.

use crate::{
    arena::PMD,
    kind::{
        Fill,
        Kind,
        Prot, //
    },
    plan::{
        Layout,
        Part,
        Unit, //
    }, //
};

impl Layout {
    /// The smallest layout that can be reached from this one by small steps, all of which show
    /// what `shows` looks for. It is asked no more than `limit` times.
    pub fn shrink(&self, limit: usize, mut shows: impl FnMut(&Layout) -> bool) -> Layout {
        let mut best = self.clone();
        let mut asked = 0;

        loop {
            let next = best
                .simpler()
                .filter(|candidate| *candidate != best && candidate.check().is_ok())
                .take_while(|_| {
                    asked += 1;
                    asked <= limit
                })
                .find(&mut shows);
            match next {
                Some(simpler) => best = simpler,
                None => return best,
            }
        }
    }

    /// Layouts that are a step simpler, the largest steps first. There may be thousands.
    fn simpler(&self) -> impl Iterator<Item = Layout> + '_ {
        self.without_units()
            .chain(self.with_fewer_pages())
            .chain(self.with_less_to_move())
            .chain(self.without_twists())
            .chain(self.with_simpler_units())
    }

    fn with_simpler_units(&self) -> impl Iterator<Item = Layout> + '_ {
        (0..self.units.len()).flat_map(move |index| {
            simpler_units(&self.units[index])
                .into_iter()
                .map(move |unit| {
                    let mut layout = self.clone();
                    layout.units[index] = unit;
                    layout
                })
        })
    }

    fn without_units(&self) -> impl Iterator<Item = Layout> + '_ {
        (0..self.units.len()).map(|index| {
            let mut layout = self.clone();
            layout.units.remove(index);
            layout
        })
    }

    fn without_twists(&self) -> impl Iterator<Item = Layout> + '_ {
        let fewer = (0..self.twists.len()).map(|index| {
            let mut layout = self.clone();
            layout.twists.remove(index);
            layout
        });
        let mut unmaps = self.clone();
        unmaps.step.keep = false;
        fewer.chain([unmaps])
    }

    /// The range that moves, shorter at one end.
    fn with_less_to_move(&self) -> impl Iterator<Item = Layout> + '_ {
        let sizes = [self.step.pages / 2, PMD, 8, 1];
        sizes
            .into_iter()
            .filter(|pages| *pages < self.step.pages && *pages > 0)
            .flat_map(|pages| {
                let mut end = self.clone();
                end.step.pages -= pages;
                let mut start = end.clone();
                start.step.from += pages;
                start.step.to += pages;
                [end, start]
            })
    }

    /// Some pages cut out of both the source and the destination, and all that lies above them
    /// closer.
    fn with_fewer_pages(&self) -> impl Iterator<Item = Layout> + '_ {
        let step = self.step;
        let (low, high) = (step.from.min(step.to), step.from.max(step.to));

        [step.pages / 2, PMD, 16, 4, 1]
            .into_iter()
            .filter(move |pages| *pages > 0 && *pages < step.pages)
            .flat_map(move |pages| {
                let offsets = (0..=step.pages - pages).step_by(pages);
                offsets.map(move |offset| {
                    // The upper one first, so that the lower one is still where it was.
                    let mut layout = self.clone();
                    layout.cut(high + offset, pages);
                    layout.cut(low + offset, pages);
                    layout.step.pages = step.pages - pages;
                    layout
                })
            })
    }

    /// Cuts pages out of the arena.
    fn cut(&mut self, at: usize, pages: usize) {
        let shift = |page: usize| {
            if page <= at {
                page
            } else {
                page.saturating_sub(pages).max(at)
            }
        };

        for unit in &mut self.units {
            let (range, birth) = (unit.range(), unit.birth());
            let gone = range.start.clamp(at, at + pages) - at;
            unit.at = shift(range.start);
            unit.pages = shift(range.end) - unit.at;
            unit.born = unit.born.map(|_| shift(birth.start));
            if unit.kind.of_file() && range.start > at && range.start < at + pages {
                unit.part.offset += pages - gone;
            }
        }
        self.units.retain(|unit| unit.pages > 0);
        self.step.from = shift(self.step.from);
        self.step.to = shift(self.step.to);
    }
}

/// Units that are a step simpler than one.
fn simpler_units(unit: &Unit) -> Vec<Unit> {
    let change = |change: &dyn Fn(&mut Unit)| {
        let mut unit = unit.clone();
        change(&mut unit);
        unit
    };
    let mut all = vec![
        change(&|unit| unit.kind = Kind::Anon),
        change(&|unit| unit.born = None),
        change(&|unit| unit.fill = Fill::Nothing),
        change(&|unit| unit.fill = Fill::All),
        change(&|unit| unit.prot = Prot::WRITE),
        change(&|unit| unit.prot = Prot::READ),
        change(&|unit| unit.pages /= 2),
        change(&|unit| unit.pages -= 1),
        change(&|unit| {
            unit.at += 1;
            unit.pages -= 1;
        }),
    ];
    all.extend((0..unit.marks.len()).map(|index| without(unit, index)));

    // What is simple stays so, or shrinking would not end.
    all.retain(|simpler| weight(simpler) < weight(unit));
    for unit in &mut all {
        if !unit.kind.of_file() {
            unit.part = Part::default();
        }
    }
    all
}

fn without(unit: &Unit, mark: usize) -> Unit {
    let mut unit = unit.clone();
    unit.marks.remove(mark);
    unit
}

/// How far from simple a unit is.
fn weight(unit: &Unit) -> usize {
    let fill = match unit.fill {
        Fill::Nothing => 0,
        Fill::All => 1,
        Fill::Read | Fill::Some => 2,
    };
    let prot = match unit.prot {
        Prot::WRITE => 0,
        Prot::READ => 1,
        _ => 2,
    };
    let strange = usize::from(unit.kind != Kind::Anon) + usize::from(unit.born.is_some());

    unit.pages * 16 + fill + prot + strange * 4 + unit.marks.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        draw,
        features::Features, //
    };

    /// A seed from which a layout is drawn that shows something.
    fn find(shows: impl Fn(&Layout) -> bool) -> Layout {
        (0..)
            .map(|seed| draw(seed, &Features::ALL))
            .find(|layout| layout.units.len() > 6 && shows(layout))
            .expect("there is one")
    }

    #[test]
    fn what_does_not_matter_goes() {
        let shows = |layout: &Layout| {
            let source = layout.step.source();
            layout.step.keep && layout.units_in(source).any(|unit| unit.kind == Kind::Shm)
        };
        let small = find(shows).shrink(10_000, shows);

        assert!(shows(&small) && small.check().is_ok());
        assert_eq!(small.units.len(), 1, "{small}");
        let unit = &small.units[0];
        assert_eq!((unit.pages, unit.fill, unit.born), (1, Fill::Nothing, None));
        assert!(small.twists.is_empty() && unit.marks.is_empty());
    }

    #[test]
    fn what_matters_stays() {
        let large = |unit: &&Unit| unit.pages >= 5;
        let shows = |layout: &Layout| layout.units.iter().filter(large).count() >= 3;
        let small = find(shows).shrink(10_000, shows);

        assert_eq!(small.units.len(), 3, "{small}");
        assert!(small.units.iter().all(|unit| unit.pages == 5), "{small}");
    }

    #[test]
    fn it_gives_up_in_time() {
        let mut asked = 0;
        let layout = find(|_| true);
        layout.shrink(7, |_| {
            asked += 1;
            false
        });
        assert_eq!(asked, 7);
    }
}
