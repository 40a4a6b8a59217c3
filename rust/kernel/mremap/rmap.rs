// SPDX-License-Identifier: GPL-2.0

//! The reverse mapping: what finds the mappings of a page.
//!
//! C header: [`include/linux/rmap.h`](srctree/include/linux/rmap.h)

use crate::{bindings, mm::VmaRef};

/// What finds the pages of mappings, and is locked while they move: a file, anonymous memory that
/// has a root in common, both or neither. Wraps `struct address_space` and `struct anon_vma`.
#[derive(Clone, Copy)]
pub(super) struct Rmap {
    file: Option<*mut bindings::address_space>,
    root: Option<*mut bindings::anon_vma>,
}

impl Rmap {
    /// Returns what finds the pages of both, if that is one file and one root at most.
    #[inline]
    pub(super) fn join(self, other: Rmap) -> Option<Rmap> {
        let same_root = match (self.root, other.root) {
            (Some(root), Some(other)) => root == other,
            _ => true,
        };

        (self.file == other.file && same_root).then_some(Rmap {
            file: self.file,
            root: self.root.or(other.root),
        })
    }
}

impl VmaRef {
    /// Returns what finds the pages of the mapping.
    #[inline]
    pub(super) fn rmap(&self) -> Rmap {
        let vma = self.as_ptr();

        // SAFETY: The lock is held, so nobody changes the fields, and the mapping refers to both as
        // long as it lives. No reference is made to either, as others change the rest of them.
        unsafe {
            let (file, anon_vma) = ((*vma).vm_file, (*vma).anon_vma);

            Rmap {
                file: (!file.is_null()).then(|| (*file).f_mapping),
                root: (!anon_vma.is_null()).then(|| (*anon_vma).root),
            }
        }
    }
}
