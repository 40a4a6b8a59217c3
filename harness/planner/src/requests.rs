// SPDX-License-Identifier: GPL-2.0

//! Which requests there are.

use crate::{
    layout::PAGE,
    plan::Request, //
};
use proptest::prelude::*;

/// Addresses and lengths at the ends of what there is, whole pages or not.
fn sizes() -> impl Strategy<Value = usize> {
    let near = prop::sample::select(vec![0, 8 * PAGE, usize::MAX - 8 * PAGE]);

    (near, 0..8 * PAGE, any::<bool>()).prop_map(|(near, offset, whole)| {
        let size = near + offset;
        if whole {
            size / PAGE * PAGE
        } else {
            size
        }
    })
}

proptest! {
    #[test]
    fn source_and_destination_are_apart(old in sizes(), new in sizes(), len in sizes()) {
        let whole = [old, new, len].iter().all(|size| size & (PAGE - 1) == 0);
        let ends = (old.checked_add(len), new.checked_add(len));
        let valid = match ends {
            (Some(old_end), Some(new_end)) => {
                whole && len > 0 && (old_end <= new || new_end <= old)
            }
            _ => false,
        };

        prop_assert_eq!(Request::new(old, new, len, false, PAGE).is_some(), valid);
    }
}
