#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs a compiler, its first argument, with a cache of what it has compiled. A source that takes in
# another file as data, such as the kernel that a boot image unpacks, is compiled each time: the
# cache knows it by its dependencies, and those do not name that file.
set -eu
for source; do :; done
if grep -qs incbin "$source"; then
	exec "$@"
fi
exec ccache "$@"
