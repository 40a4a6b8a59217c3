// SPDX-License-Identifier: GPL-2.0

//! Moves that are wrong on purpose, to see that it is noticed.

use super::trial::{
    Lab,
    Outcome,
    Way, //
};
use anyhow::Result;
use layout::{
    Layout,
    Mistake, //
};

/// Layouts in which each mistake shows.
const LAYOUTS: [&str; 4] = [
    "move 4096+6 to 8192; 4096+2 anon rw- all; 4098+4 anon r-- all",
    "move 4097+8 to 8192; 4096+4 memfd-private rw- all file=0+0; 4102+4 anon rw- all",
    "move 4096+7 to 8192; 4096+2 shm rw- all; 4098+2 anon r-- all; 4101+2 memfd-shared rw- all file=0+9",
    "move 4096+4 to 8192 forked; 4096+2 anon --- all; 4098+2 anon rw- all locked",
];

/// The mistakes that nobody noticed, and differences that are none.
pub fn unnoticed(lab: &Lab) -> Result<Vec<String>> {
    let mut wrong = Vec::new();

    for text in LAYOUTS {
        let layout: Layout = text.parse()?;
        let with = |way: Way| Lab {
            folder: lab.folder.clone(),
            way,
            ..*lab
        };
        if let Outcome::Different(what) | Outcome::Wrong(what) =
            with(Way::ACallEach).try_out(&layout)?
        {
            wrong.push(format!("the same twice, yet {}: {text}", what.join("; ")));
        }
        for mistake in Mistake::ALL {
            if let Outcome::Alike(_) = with(Way::Wrong(mistake)).try_out(&layout)? {
                wrong.push(format!("{mistake:?} is not noticed: {text}"));
            }
        }
    }
    Ok(wrong)
}

/// Says what was not noticed. Returns whether that is nothing.
pub fn run(lab: &Lab) -> Result<bool> {
    let wrong = unnoticed(lab)?;

    for line in &wrong {
        println!("{line}");
    }
    if wrong.is_empty() {
        println!("every mistake is noticed");
    }
    Ok(wrong.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use layout::Depth;

    #[test]
    fn mistakes_are_noticed() {
        let lab = Lab {
            folder: std::env::temp_dir(),
            alone: false,
            way: Way::OneCall,
            depth: Depth::Probe,
        };
        assert_eq!(unnoticed(&lab).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn the_same_twice_is_alike() {
        let lab = Lab {
            folder: std::env::temp_dir(),
            alone: false,
            way: Way::ACallEach,
            depth: Depth::Probe,
        };
        // Letting KSM merge pages sets up the whole machine, which is not ours.
        let features = layout::Features {
            ksm: false,
            ..layout::Features::probe()
        };

        for seed in 0..100 {
            let layout = layout::draw(seed, &features);
            if let Outcome::Different(what) | Outcome::Wrong(what) = lab.try_out(&layout).unwrap() {
                panic!("{layout}: {what:?}");
            }
        }
    }
}
