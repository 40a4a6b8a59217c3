// SPDX-License-Identifier: GPL-2.0

//! What this machine has.

use layout::Features;

/// Finds out what layouts can be made of here, and tells what cannot.
pub fn features() -> Features {
    let features = Features::probe();
    let missing = features.missing();

    if !missing.is_empty() {
        println!("not on this system, so left out: {}", missing.join(", "));
    }
    features
}
