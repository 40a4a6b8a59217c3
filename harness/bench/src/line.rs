// SPDX-License-Identifier: GPL-2.0

//! What the program in the guest says, a line for each thing that was measured.

use crate::{
    case::Case,
    figure::Figure, //
};
use anyhow::{
    Context,
    Result, //
};
use serde::{
    Deserialize,
    Serialize, //
};

/// What the lines begin with, on a console where the kernel may have something to say as well.
const PREFIX: &str = "bench ";

/// What was measured, each time in nanoseconds of the guest's clock.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// Moves of a layout.
    Moves {
        case: Case,
        /// By a call for each segment.
        by_loop: Vec<u64>,
        /// By one call, if the kernel can.
        by_one: Option<Vec<u64>>,
    },
    /// A single call of the kind that there has always been.
    Call { name: String, took: Vec<u64> },
    /// How many TLB shootdowns another CPU received during each move of a layout.
    Shootdowns {
        case: Case,
        by_loop: Vec<u64>,
        by_one: Option<Vec<u64>>,
    },
}

impl Line {
    pub fn print(&self) -> Result<()> {
        println!("{PREFIX}{}", serde_json::to_string(self)?);
        Ok(())
    }

    /// The lines of a console.
    pub fn parse(console: &str) -> Result<Vec<Line>> {
        console
            .lines()
            .filter_map(|line| line.strip_prefix(PREFIX))
            .map(|json| {
                serde_json::from_str(json).with_context(|| format!("not what bench prints: {json}"))
            })
            .collect()
    }
}

/// What moves of a layout cost for each segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    pub by_loop: Figure,
    pub by_one: Option<Figure>,
}

impl Costs {
    /// One call, as a part of a call for each.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.by_one?.median / self.by_loop.median)
    }
}

/// How many shootdowns a move of a layout takes. One that is due is not sent while the other CPU
/// happens to run something else, and none comes from elsewhere: the most that were counted are
/// those of a move during which the other CPU was busy all the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shootdowns {
    pub by_loop: u64,
    pub by_one: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::Line;
    use crate::cases::GIGABYTE;

    #[test]
    fn lines_survive_a_console() {
        let lines = [
            Line::Moves {
                case: GIGABYTE,
                by_loop: vec![3, 4],
                by_one: None,
            },
            Line::Call {
                name: "grow".to_owned(),
                took: vec![5],
            },
            Line::Shootdowns {
                case: GIGABYTE,
                by_loop: vec![6],
                by_one: Some(vec![7]),
            },
        ];
        let console: String = lines
            .iter()
            .map(|line| {
                format!(
                    "bench {}\nmmap: noise\n",
                    serde_json::to_string(line).unwrap()
                )
            })
            .collect();

        assert_eq!(Line::parse(&console).unwrap(), lines);
        assert!(Line::parse("bench {\"moves\":").is_err());
        assert_eq!(Line::parse("a benchmark\n").unwrap(), []);
    }
}
