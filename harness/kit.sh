#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs kit, which does what the Makefile asks for. Compiles it first where that is due, and says so.
set -eu
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="$PWD/build/cargo"

[ -x "$CARGO_TARGET_DIR/release/kit" ] ||
	echo "building kit, which does the rest: a minute or two, the first time"
exec "$(command -v cargo || echo /usr/bin/cargo)" run --quiet --locked --release \
	--manifest-path harness/Cargo.toml -p kit -- "$@"
