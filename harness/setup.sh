#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Installs what building and booting the kernel needs, on Debian 12 and 13; with
# arguments also what "make same", "make deb", "make deb-demo", "make check-series",
# "make test-all", "make thirdparty" or configurations need.
# As another user than root it says which one command to run. The Makefile sets BASE.
set -eu

say() { echo "setup: $*" >&2; }
top=$(cd "$(dirname "$0")/.." && pwd)
base="$top/bases/${BASE:?}/base"
fact() { sed -n "s/^$1=//p" "${2:-$base}"; }
asked=" $* "
# Is one of these an argument?
is_for() {
	for word; do
		case "$asked" in *" $word "*) return 0 ;; esac
	done
	return 1
}
logs="$top/build/$BASE/logs"
BINDGEN_VERSION=0.73.2
B4_VERSION=0.16.0

# shellcheck disable=SC1091 # a file of the system
codename=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}") || codename=
case "$codename:$(uname -m)" in
bookworm:x86_64)
	# rustc-web is the newer Rust that Debian keeps for its browsers.
	pkgs="rustc-web rust-web-src cargo-web rustfmt-web clang-19 lld-19 llvm-19 libclang-19-dev"
	clippy=rust-web-clippy ;;
trixie:x86_64)
	pkgs="rustc rust-src cargo rustfmt bindgen clang-19 lld-19 llvm-19 libclang-19-dev"
	clippy=rust-clippy ;;
*)
	say "this needs Debian 12 (bookworm) or 13 (trixie) on x86_64, not '$codename' on $(uname -m)"
	exit 1 ;;
esac
# The base kernel, unless another one is given, and the further ones for what compares all. What
# another suite of Debian has is not installed: kit gets it.
suite=$(fact source_suite)
[ -n "${LINUX_SRC:-}$suite" ] || pkgs="$pkgs $(fact source_package)"
if is_for same test-all; then
	for other in "$top"/bases/*/base; do
		[ "$other" = "$base" ] || [ -n "$(fact source_suite "$other")" ] ||
			pkgs="$pkgs $(fact source_package "$other")"
	done
fi
pkgs="$pkgs make gcc libc6-dev git xz-utils flex bison bc cpio rsync python3 perl
	libelf-dev libssl-dev liburcu-dev busybox-static qemu-system-x86"
# The base and the series take turns in one checkout: what was compiled of one is kept.
pkgs="$pkgs ccache"
# The suite lint.
pkgs="$pkgs $clippy shellcheck"

if is_for deb deb-demo check-series; then
	# For the kernel's own packages; dwarves for the type information of Debian's kernels.
	pkgs="$pkgs debhelper dpkg-dev kmod dwarves"
fi
if is_for arm64 test-all; then
	# A machine, and programs for it.
	pkgs="$pkgs qemu-system-arm gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
fi
if is_for preempt test-all; then
	# Programs of 32 bits.
	pkgs="$pkgs gcc-i686-linux-gnu libc6-dev-i386-cross"
fi
if is_for thirdparty test-all; then
	# A Debian, and SQLite's tests.
	pkgs="$pkgs debootstrap tcl-dev zlib1g-dev"
fi
if is_for deb-demo check-series; then
	pkgs="$pkgs debootstrap e2fsprogs fdisk grub-common grub-pc-bin"
fi
# Debian's configurations, sparse, Sphinx, a reader of manual pages, a 64-bit ARM
# machine, and what b4 takes.
if is_for check-series; then
	[ -n "$suite" ] || pkgs="$pkgs $(fact config_package)"
	pkgs="$pkgs sparse python3-sphinx man-db groff graphviz
		qemu-system-arm python3-venv python3-pip"
fi

missing=
for pkg in $pkgs; do
	dpkg-query -W -f '${Status}' "$pkg" 2>/dev/null | grep -q 'ok installed' ||
		missing="$missing $pkg"
done

if [ -n "$missing" ]; then
	if [ "$(id -u)" -ne 0 ]; then
		say "packages are missing; run this once, then the same make again:"
		echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing" >&2
		exit 1
	fi
	mkdir -p "$logs"
	log="$logs/apt.log"
	say "installing$missing"
	# shellcheck disable=SC2086 # a list of words
	if ! { apt-get update && DEBIAN_FRONTEND=noninteractive \
	       apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
		tail -n 5 "$log" >&2
		say "apt-get failed, see $log (is there a network?)"
		exit 1
	fi
fi

# Debian 12's own bindgen is too old for the kernel's Rust.
if [ "$codename" = bookworm ] && [ ! -x "$top/build/tools/bin/bindgen" ]; then
	mkdir -p "$logs"
	log="$logs/bindgen.log"
	say "building bindgen $BINDGEN_VERSION (a minute)"
	if ! /usr/bin/cargo install --locked --root "$top/build/tools" \
	     bindgen-cli@$BINDGEN_VERSION >"$log" 2>&1; then
		tail -n 5 "$log" >&2
		say "cargo could not build bindgen, see $log (is there a network?)"
		exit 1
	fi
fi

# Debian 12's b4 fails on a sender that takes more than one line.
if is_for check-series && [ ! -x "$top/build/tools/b4/bin/b4" ]; then
	log="$logs/b4.log"
	say "installing b4 $B4_VERSION"
	if ! { python3 -m venv "$top/build/tools/b4" &&
	       "$top/build/tools/b4/bin/pip" install "b4==$B4_VERSION"; } >"$log" 2>&1; then
		tail -n 5 "$log" >&2
		say "pip could not install b4, see $log (is there a network?)"
		exit 1
	fi
fi
