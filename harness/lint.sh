#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Formatting and lints of what is not part of the kernel, and formatting of what is. Runs the checks
# that are named, or all of them; "lint.sh names" lists them.
set -eu
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="$PWD/build/cargo"
names="format clippy shell kernel-format"

check() {
	case "$1" in
	format)
		cargo fmt --manifest-path harness/Cargo.toml --all --check ;;
	clippy)
		cargo clippy --manifest-path harness/Cargo.toml --workspace --all-targets --locked \
			-- -D warnings ;;
	shell)
		shellcheck harness/*.sh .ci/run ;;
	kernel-format)
		# By itself, as the modules of a file may lie in another folder here.
		find mm rust bases -name '*.rs' | while read -r file; do
			# shellcheck disable=SC2094 # both only read it
			rustfmt --edition 2021 <"$file" | diff -u "$file" -
		done ;;
	*)
		echo "lint: there is no check '$1', there are: $names" >&2
		exit 2 ;;
	esac
}

[ "${1:-}" != names ] || {
	echo "$names"
	exit
}
[ $# -ne 0 ] || {
	# shellcheck disable=SC2086 # a list of words
	set -- $names
}
for name; do
	check "$name"
done
