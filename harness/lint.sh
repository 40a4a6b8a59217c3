#!/bin/sh
# Formatting and lints of what is not part of the kernel, and formatting of what is.
set -eu
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="$PWD/build/cargo"

cargo fmt --manifest-path harness/Cargo.toml --all --check
cargo clippy --manifest-path harness/Cargo.toml --workspace --all-targets --locked -- -D warnings
shellcheck harness/*.sh .ci/run
rustfmt --edition 2021 --check rust/kernel/mm.rs rust/kernel/mremap.rs mm/mremap_move/mremap_move.rs
