// SPDX-License-Identifier: GPL-2.0

//! How a region is laid out: units, each of pages of one kind, with holes between.

use super::kind::Kind;
use std::ops::Range;

/// Pages of one kind. Each unit is a mapping, or more.
#[derive(Clone, Debug)]
pub struct Unit {
    pub kind: Kind,
    /// Numbers of pages, from the start of the region.
    pub pages: Range<usize>,
}

/// The units of a region.
pub struct Shape {
    units: Vec<Unit>,
    /// The unit of each page, `None` in a hole.
    by_page: Vec<Option<usize>>,
    /// All pages that are not in a hole.
    mapped: Vec<usize>,
}

impl Shape {
    /// Lays out units in order, given how many pages each has, and of what kind. `None` is a hole.
    pub fn new(parts: impl IntoIterator<Item = (usize, Option<Kind>)>) -> Self {
        let mut units = Vec::new();
        let mut by_page = Vec::new();

        for (len, kind) in parts {
            let pages = by_page.len()..by_page.len() + len;

            by_page.resize(pages.end, kind.map(|_| units.len()));
            units.extend(kind.map(|kind| Unit { kind, pages }));
        }
        let mapped = (0..by_page.len())
            .filter(|page| by_page[*page].is_some())
            .collect();
        Shape {
            units,
            by_page,
            mapped,
        }
    }

    /// How many pages it has, holes included.
    pub fn len(&self) -> usize {
        self.by_page.len()
    }

    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The pages that are mapped.
    pub fn mapped(&self) -> &[usize] {
        &self.mapped
    }

    /// The pages of a part that are mapped.
    pub fn mapped_in(&self, part: &Range<usize>) -> &[usize] {
        let below = |limit| self.mapped.partition_point(|page| *page < limit);

        &self.mapped[below(part.start)..below(part.end)]
    }

    /// The number of the unit that a mapped page is of.
    pub fn unit_number(&self, page: usize) -> usize {
        self.by_page[page].expect("a page that is mapped")
    }

    /// The unit that a mapped page is of.
    pub fn unit(&self, page: usize) -> &Unit {
        &self.units[self.unit_number(page)]
    }

    /// The units that have pages in a part.
    pub fn units_in<'a>(&'a self, part: &'a Range<usize>) -> impl Iterator<Item = &'a Unit> {
        self.units
            .iter()
            .filter(|unit| unit.pages.start < part.end && part.start < unit.pages.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        Shape::new([
            (2, Some(Kind::Anonymous)),
            (3, None),
            (1, Some(Kind::Shared)),
            (4, Some(Kind::Twin)),
        ])
    }

    #[test]
    fn pages_belong_to_units() {
        let shape = shape();

        assert_eq!(shape.len(), 10);
        assert_eq!(shape.mapped(), [0, 1, 5, 6, 7, 8, 9]);
        assert_eq!(shape.unit(5).kind, Kind::Shared);
        assert_eq!(shape.unit(9).pages, 6..10);
    }

    #[test]
    fn parts_cut_units() {
        let shape = shape();

        assert_eq!(shape.mapped_in(&(1..7)), [1, 5, 6]);
        assert_eq!(shape.units_in(&(1..7)).count(), 3);
        assert_eq!(shape.units_in(&(2..5)).count(), 0);
    }
}
