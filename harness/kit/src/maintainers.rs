// SPDX-License-Identifier: GPL-2.0

//! `MAINTAINERS`: the repository has the entries that the series adds, and nothing of the base's
//! file, which differs from base to base. They come with the last patch. A base for which they are
//! others has a file of its own in its folder.

use crate::paths::Paths;
use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};
use std::path::PathBuf;

/// Its place in the kernel, and in the repository.
pub const FILE: &str = "MAINTAINERS";

/// Where the repository keeps the entries, or would.
pub fn home(paths: &Paths) -> PathBuf {
    let own = paths.base.folder.join(FILE);

    if own.is_file() {
        own
    } else {
        paths.top.join(FILE)
    }
}

/// What the base's file ends with, whatever the alphabet says.
const LAST: &str = "THE REST";

/// What is between two paragraphs.
const GAP: &str = "\n\n";

/// The title of an entry, which is followed by a line such as `F:`. Other text has none.
fn title(paragraph: &str) -> Option<&str> {
    let mut lines = paragraph.trim_start_matches('\n').lines();
    let (title, next) = (lines.next()?, lines.next()?);
    let (key, _) = next.split_once(":\t")?;

    (key.len() == 1).then_some(title)
}

/// The paragraph before which an entry of that title belongs. The base's list is in alphabetical
/// order except for some, so it is where the fewest are on the wrong side.
fn place(paragraphs: &[&str], own: &str) -> Option<usize> {
    let own = own.to_uppercase();
    let (mut wrong, mut fewest, mut place) = (0, i32::MAX, None);

    for (index, paragraph) in paragraphs.iter().enumerate() {
        let Some(title) = title(paragraph) else {
            continue;
        };
        if wrong <= fewest {
            (fewest, place) = (wrong, Some(index));
        }
        let is_before = title != LAST && title.to_uppercase() < own;
        wrong += if is_before { -1 } else { 1 };
    }
    place
}

/// Puts entries into the text of a base's file.
pub fn put(base: &str, entries: &str) -> Result<String> {
    let mut paragraphs: Vec<&str> = base.split(GAP).collect();

    for entry in entries.split(GAP) {
        let entry = entry.trim_matches('\n');
        let Some(own) = title(entry) else {
            bail!("{FILE}: '{entry}' is no entry: that is a title, and lines such as 'F:\tmm/x.c'");
        };
        ensure!(
            paragraphs.iter().all(|known| title(known) != Some(own)),
            "{FILE}: the base has an entry '{own}' already: give it another title"
        );
        let place = place(&paragraphs, own).context("the base's MAINTAINERS has no entry")?;
        paragraphs.insert(place, entry);
    }
    Ok(paragraphs.join(GAP))
}

/// The entries that have been put into the base's file.
pub fn added(base: &str, series: &str) -> Result<String> {
    let known: Vec<_> = base.split(GAP).filter_map(title).collect();
    let entries: Vec<&str> = series
        .split(GAP)
        .filter(|entry| title(entry).is_some_and(|title| !known.contains(&title)))
        .collect();
    let entries = entries.join(GAP) + "\n";

    ensure!(
        put(base, &entries).is_ok_and(|again| again == series),
        "the branch series may add entries to {FILE}, in alphabetical order, and edit nothing else \
         there"
    );
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::{
        added,
        put, //
    };

    /// A list that is in order except for one entry.
    const BASE: &str = "Maintainers List\n----------------\n\n.. note:: read this\n\nALPHA\n\
                        S:\tx\n\nZULU\nS:\tx\n\nBRAVO\nS:\tx\nF:\tb\n\nDELTA one\nS:\tx\n\n\
                        TANGO\nS:\tx\n\nTHE REST\nS:\tx\n";

    /// The titles of a list with entries of these titles.
    fn titles(own: &str) -> String {
        let entries: Vec<String> = own
            .split(' ')
            .map(|own| format!("{own}\nS:\tx\n"))
            .collect();
        let text = put(BASE, &entries.join("\n")).unwrap();

        assert_eq!(added(BASE, &text).unwrap(), entries.join("\n"));
        let titles = text.split("\n\n").filter_map(super::title);
        titles.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn entries_are_put_in_order() {
        assert_eq!(
            titles("AAA"),
            "AAA ALPHA ZULU BRAVO DELTA one TANGO THE REST"
        );
        assert_eq!(
            titles("Charlie"),
            "ALPHA ZULU BRAVO Charlie DELTA one TANGO THE REST"
        );
        assert_eq!(
            titles("VICTOR"),
            "ALPHA ZULU BRAVO DELTA one TANGO VICTOR THE REST"
        );
        assert_eq!(
            titles("CHARLIE ECHO"),
            "ALPHA ZULU BRAVO CHARLIE DELTA one ECHO TANGO THE REST"
        );
    }

    #[test]
    fn what_is_no_new_entry_is_refused() {
        let told = |entries: &str| put(BASE, entries).unwrap_err().to_string();

        assert!(told("BRAVO\nS:\ty\n").contains("'BRAVO' already"));
        assert!(told("only a title\n").contains("is no entry"));
        assert!(told("").contains("is no entry"));
    }

    #[test]
    fn other_edits_are_refused() {
        let refused = |series: String| added(BASE, &series).is_err();

        assert!(refused(BASE.replace("F:\tb", "F:\tc")));
        assert!(refused(BASE.replace("TANGO", "CHARLIE\nS:\tx\n\nTANGO")));
        assert!(!refused(BASE.replace("DELTA", "CHARLIE\nS:\tx\n\nDELTA")));
    }
}
