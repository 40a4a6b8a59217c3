// SPDX-License-Identifier: GPL-2.0

//! Drawing layouts at random, the same ones for the same seed.

mod dice;
mod place;
mod spoil;
mod units;

use crate::{
    features::Features,
    mark::Twist,
    plan::Layout, //
};
use dice::Dice;

/// Draws a layout of what the system has.
pub fn draw(seed: u64, features: &Features) -> Layout {
    let mut dice = Dice::new(seed);

    loop {
        let layout = attempt(&mut dice, features);
        // Parts that were drawn without regard to each other may be in each other's way.
        if layout.check().is_ok() {
            return layout;
        }
    }
}

/// Brings things into an order that a seed decides.
pub fn shuffle<T>(seed: u64, values: &mut [T]) {
    Dice::new(seed).shuffle(values);
}

fn attempt(dice: &mut Dice, features: &Features) -> Layout {
    let mut theme = units::theme(dice, features);
    let source = units::source(dice, &mut theme);
    let step = place::step(dice, &source);
    let mut layout = Layout {
        step,
        twists: Vec::new(),
        units: source,
    };

    place::stretch(dice, &mut layout);
    place::furnish(dice, &mut theme, &mut layout);
    if dice.chance(10) {
        // Where the order decides what joins what, any may come first.
        dice.shuffle(&mut layout.units);
    }
    for (twist, percent) in [
        (Twist::Forked, 10),
        (Twist::Inherited, 8),
        (Twist::Clean, 30),
    ] {
        if dice.chance(percent) && !(twist == Twist::Inherited && layout.has(Twist::Forked)) {
            layout.twists.push(twist);
        }
    }
    spoil::spoil(dice, features, &mut layout);
    layout
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_seed_gives_one_layout() {
        for seed in 0..500 {
            let layout = draw(seed, &Features::ALL);
            assert_eq!(layout, draw(seed, &Features::ALL));
            assert!(layout.check().is_ok(), "{layout}");
        }
    }

    #[test]
    fn seeds_give_different_layouts() {
        let layouts: HashSet<String> = (0..500)
            .map(|seed| draw(seed, &Features::ALL).to_string())
            .collect();
        assert!(layouts.len() > 490);
    }

    #[test]
    fn text_gives_the_layout_back() {
        for seed in 0..500 {
            let layout = draw(seed, &Features::ALL);
            assert_eq!(layout.to_string().parse::<Layout>().unwrap(), layout);
        }
    }

    #[test]
    fn what_is_missing_is_not_drawn() {
        let features = Features {
            hugetlb: false,
            swap: false,
            seal: false,
            ..Features::ALL
        };
        for seed in 0..500 {
            let layout = draw(seed, &features);
            assert!(
                layout.units.iter().all(|unit| features.has_unit(unit)),
                "{layout}"
            );
        }
    }
}
