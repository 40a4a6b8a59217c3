#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs a compiler, its first argument, with a cache of what it has compiled. A source that takes in
# another file as data, such as the kernel that a boot image unpacks, is compiled each time: the
# cache knows it by its dependencies, and those do not name that file.
set -eu
for source; do :; done
# What is called - comes from the standard input, and is not to be read here.
if [ -f "$source" ] && grep -q incbin "$source"; then
	exec "$@"
fi
exec ccache "$@"
