// SPDX-License-Identifier: GPL-2.0

//! The two ways to move a source, and ways that are wrong, to see that it is noticed.

use crate::{
    arena::{
        address,
        addresses,
        PAGE, //
    },
    plan::Layout,
    sys, //
};
use std::{
    io,
    ops::Range, //
};

/// Moves the source by one call.
pub fn by_one_call(layout: &Layout) -> io::Result<()> {
    let source = addresses(&layout.step.source());
    sys::mremap(&source, layout.target(), layout.step.keep)
}

/// Moves each segment by a call of its own, lowest first.
pub fn by_a_call_each(layout: &Layout, segments: &[Range<usize>]) -> io::Result<()> {
    let start = address(layout.step.from);

    for segment in segments {
        let from = addresses(segment);
        let to = layout.target() + (from.start - start);
        sys::mremap(&from, to, layout.step.keep)?;
    }
    Ok(())
}

/// Unmaps what is in the way of runs of segments.
pub fn clear_destination(layout: &Layout, runs: &[Range<usize>]) -> io::Result<()> {
    let start = address(layout.step.from);

    for run in runs {
        let from = addresses(run);
        let to = layout.target() + (from.start - start);
        sys::unmap(&(to..to + from.len()))?;
    }
    Ok(())
}

/// A mistake that a kernel might make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// The last page of the last segment stays.
    PageTooFew,
    /// A segment stays.
    SegmentForgotten,
    /// A segment may be read only.
    WrongProtection,
    /// A page of a segment has lost its contents.
    PageLost,
    /// The last segment arrives a page too high.
    WrongPlace,
}

impl Mistake {
    pub const ALL: [Mistake; 5] = [
        Mistake::PageTooFew,
        Mistake::SegmentForgotten,
        Mistake::WrongProtection,
        Mistake::PageLost,
        Mistake::WrongPlace,
    ];
}

/// Moves each segment by a call of its own, with a mistake in the last one.
pub fn by_mistake(layout: &Layout, segments: &[Range<usize>], mistake: Mistake) -> io::Result<()> {
    let Some((last, rest)) = segments.split_last() else {
        return Ok(());
    };
    by_a_call_each(layout, rest)?;

    let from = addresses(last);
    let to = layout.target() + (from.start - address(layout.step.from));
    let arrived = to..to + from.len();
    match mistake {
        Mistake::PageTooFew if from.len() == PAGE => Ok(()),
        Mistake::PageTooFew => {
            let most = from.start..from.end - PAGE;
            sys::mremap(&most, to, layout.step.keep)
        }
        Mistake::SegmentForgotten => Ok(()),
        Mistake::WrongProtection => {
            sys::mremap(&from, to, layout.step.keep)?;
            sys::protect(&arrived, libc::PROT_READ | libc::PROT_EXEC)
        }
        Mistake::PageLost => {
            sys::mremap(&from, to, layout.step.keep)?;
            sys::advise(&(to..to + PAGE), libc::MADV_DONTNEED)
        }
        Mistake::WrongPlace => sys::mremap(&from, to + PAGE, layout.step.keep),
    }
}
