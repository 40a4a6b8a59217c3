# Every entry point. `make help` lists them.

KIT = $(shell command -v cargo || echo /usr/bin/cargo) run --quiet --locked --release \
	--manifest-path tools/Cargo.toml --target-dir build/cargo -p kit --

CONFIG ?= test

.PHONY: help kernel demo count test shell export lint setup

help:
	@echo 'make demo      build the kernel, and see it move a thousand mappings by one call'
	@echo 'make test      all tests; SUITES="host kunit selftests ..." runs some'
	@echo 'make count     instructions for each mapping, by one call and by a call for each'
	@echo 'make shell     a shell in the patched kernel'
	@echo 'make kernel    the kernel image, build/6.12/bzImage'
	@echo 'make lint      formatting, clippy, shellcheck'
	@echo 'make export    write the branch "series" of build/6.12/linux to patches-6.12/'
	@echo
	@echo 'LINUX_SRC=<directory or tarball>  another Linux 6.12.y than the one of Debian'
	@echo 'ACCEL=tcg|kvm                     how guests run (found out by trying)'
	@echo 'CONFIG=test|debug                 which configuration of configs/ guests run'
	@echo
	@echo 'Needs Debian 12 or 13 on x86-64. As root, missing packages are installed.'
	@echo 'Logs are in build/logs.'

setup:
	@tools/setup.sh

kernel: setup
	@$(KIT) kernel --config $(CONFIG)

demo: setup
	@$(KIT) demo

test: setup
	@$(KIT) test --config $(CONFIG) $(SUITES)

count: setup
	@$(KIT) count

shell: setup
	@$(KIT) shell

export: setup
	@$(KIT) export

lint: setup
	@tools/lint.sh
