// SPDX-License-Identifier: GPL-2.0

//! Layouts as a line of text.
//!
//! ```text
//! move 4097+8 to 8192 dontunmap forked; 4096+4 anon rw- all locked; 4102+4 memfd-shared r-- some file=0+7 born=9000
//! ```
//!
//! Ranges are a page and a count. Units stand in the order in which they are made.

use crate::{
    kind::{
        Fill,
        Kind,
        Prot, //
    },
    mark::{
        Mark,
        Twist, //
    },
    plan::{
        Layout,
        Move,
        Part,
        Unit, //
    }, //
};
use anyhow::{
    bail,
    Context,
    Error,
    Result, //
};
use std::{
    fmt,
    str::FromStr, //
};

/// Finds what has a name.
fn named<T: Copy>(all: &[T], name: fn(T) -> &'static str, word: &str) -> Result<T> {
    all.iter()
        .copied()
        .find(|value| name(*value) == word)
        .with_context(|| format!("what is {word:?}?"))
}

/// Parses two numbers with a plus between.
fn pair(word: &str) -> Result<(usize, usize)> {
    let (first, second) = word
        .split_once('+')
        .with_context(|| format!("{word:?} is not a range"))?;

    Ok((first.parse()?, second.parse()?))
}

impl fmt::Display for Prot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = [
            (libc::PROT_READ, 'r'),
            (libc::PROT_WRITE, 'w'),
            (libc::PROT_EXEC, 'x'),
        ];
        for (bit, letter) in letters {
            write!(f, "{}", if self.0 & bit != 0 { letter } else { '-' })?;
        }
        Ok(())
    }
}

impl FromStr for Prot {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        Prot::ALL
            .into_iter()
            .find(|prot| prot.to_string() == word)
            .with_context(|| format!("{word:?} is not a protection"))
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, fill) = (self.kind.name(), self.fill.name());

        write!(f, "{}+{} {kind} {} {fill}", self.at, self.pages, self.prot)?;
        if self.kind.of_file() {
            write!(f, " file={}+{}", self.part.file, self.part.offset)?;
        }
        if let Some(born) = self.born {
            write!(f, " born={born}")?;
        }
        for mark in &self.marks {
            write!(f, " {}", mark.name())?;
        }
        Ok(())
    }
}

impl FromStr for Unit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut words = text.split_whitespace();
        let mut word = || words.next().context("a unit ends too early");

        let (at, pages) = pair(word()?)?;
        let mut unit = Unit {
            at,
            pages,
            kind: named(&Kind::ALL, Kind::name, word()?)?,
            prot: word()?.parse()?,
            fill: named(&Fill::ALL, Fill::name, word()?)?,
            part: Part::default(),
            born: None,
            marks: Vec::new(),
        };
        for word in words {
            match word.split_once('=') {
                Some(("file", part)) => {
                    let (file, offset) = pair(part)?;
                    unit.part = Part { file, offset };
                }
                Some(("born", page)) => unit.born = Some(page.parse()?),
                _ => unit.marks.push(named(&Mark::ALL, Mark::name, word)?),
            }
        }
        Ok(unit)
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Move {
            from, pages, to, ..
        } = self.step;

        write!(f, "move {from}+{pages} to {to}")?;
        if self.step.keep {
            write!(f, " dontunmap")?;
        }
        for twist in &self.twists {
            write!(f, " {}", twist.name())?;
        }
        for unit in &self.units {
            write!(f, "; {unit}")?;
        }
        Ok(())
    }
}

impl FromStr for Layout {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(';');
        let mut words = parts.next().unwrap_or_default().split_whitespace();
        let mut word = || words.next().context("the move ends too early");

        if word()? != "move" {
            bail!("a layout starts with \"move\"");
        }
        let (from, pages) = pair(word()?)?;
        if word()? != "to" {
            bail!("the source is followed by \"to\"");
        }
        let mut step = Move {
            from,
            pages,
            to: word()?.parse()?,
            keep: false,
        };
        let mut twists = Vec::new();
        for word in words {
            match word {
                "dontunmap" => step.keep = true,
                _ => twists.push(named(&Twist::ALL, Twist::name, word)?),
            }
        }
        let units = parts.map(str::parse).collect::<Result<_>>()?;
        let layout = Layout {
            step,
            twists,
            units,
        };
        layout.check()?;
        Ok(layout)
    }
}
