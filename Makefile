# SPDX-License-Identifier: GPL-2.0

# Every entry point. `make help` lists them.

# The kernel that the series is for: a folder of bases/.
BASE ?= 6.12
export BASE
bases := $(patsubst bases/%/base,%,$(wildcard bases/*/base))
ifneq ($(words $(BASE))$(filter-out $(bases),$(BASE)),1)
$(error BASE=$(BASE): bases/ has only $(bases))
endif

KIT = harness/kit.sh --base=$(BASE)
CONFIG ?= test

.PHONY: help kernel demo bench test same fuzz sweep stress limits mutants test-all thirdparty shell deb \
	deb-demo series check-series export lint setup

# The options that each target takes beside BASE. Any other one would be a slip that nobody notices.
takes_kernel = CONFIG LINUX_SRC
takes_demo = ACCEL LINUX_SRC
takes_test = CONFIG SUITES MINUTES ACCEL LINUX_SRC
takes_same = LINUX_SRC
takes_bench = QUICK COMPARE PROFILE ACCEL LINUX_SRC
takes_fuzz = SEED RUNS MINUTES UML CONFIG ACCEL LINUX_SRC
takes_sweep = SEED MINUTES ACCEL LINUX_SRC
takes_stress = SEED MINUTES ACCEL LINUX_SRC
takes_limits = LINUX_SRC
takes_mutants = MUTANTS ACCEL LINUX_SRC
takes_test-all = PARTS MINUTES ACCEL LINUX_SRC
takes_thirdparty = CONFIG ACCEL LINUX_SRC
takes_shell = ACCEL LINUX_SRC
takes_deb = KCONFIG LOCALVERSION KDEB_PKGVERSION LINUX_SRC
takes_deb-demo = LOCALVERSION KDEB_PKGVERSION ACCEL LINUX_SRC
takes_series = SERIES LINUX_SRC
takes_check-series = SERIES CHECKS UPSTREAM ACCEL LINUX_SRC
takes_export = LINUX_SRC
takes_setup = LINUX_SRC

targets := $(or $(MAKECMDGOALS),help)
given := $(foreach name,$(.VARIABLES),$(if $(findstring command line,$(origin $(name))),$(name)))
taken := BASE $(foreach target,$(targets),$(takes_$(target)))
unknown := $(filter-out $(taken),$(given))
ifneq ($(unknown),)
$(error make $(targets) does not take $(unknown): it takes $(strip $(taken)))
endif

help:
	@echo 'make demo      build the kernel, and see it move a thousand mappings by one call'
	@echo 'make test      all tests; SUITES="host kunit selftests ..." runs some'
	@echo '               without BASE= and SUITES=, some on each further base as well;'
	@echo '               MINUTES= leaves out what needs further kernels and would end later'
	@echo 'make same      whether new files of the kernel are the same on all bases'
	@echo 'make bench     what moves cost, in instructions; QUICK=1 COMPARE=<bzImage> PROFILE=1'
	@echo 'make fuzz      random layouts, one call against a call for each; SEED= RUNS= MINUTES= UML=1'
	@echo 'make sweep     moves in which each allocation fails once; SEED= MINUTES='
	@echo 'make stress    moves while everything else happens to the memory; SEED= MINUTES='
	@echo 'make limits    moves where a limit is in the way, and how long others wait'
	@echo 'make mutants   deliberate bugs, each found by a test; MUTANTS="undo hole" tries some'
	@echo 'make test-all  all tests in all configurations, long runs and mutants too, in days; it goes on'
	@echo '               where it was stopped. PARTS="arm64 fuzz" takes some, MINUTES= starts none later'
	@echo 'make thirdparty tests of stress-ng, Python, Perl and SQLite, with the feature on and off; as root'
	@echo 'make shell     a shell in the patched kernel'
	@echo 'make kernel    the kernel image, build/$(BASE)/bzImage'
	@echo 'make lint      formatting, clippy, shellcheck'
	@echo 'make deb       a Debian package of the kernel, build/$(BASE)/deb; KCONFIG=<a .config> for another one'
	@echo 'make deb-demo  that package in a Debian of its own, booted from its disk'
	@echo 'make series    the series as mails, build/$(BASE)/series; nothing is sent; SERIES=fixes: the fixes'
	@echo 'make check-series  what reviewers ask of it; CHECKS="patches documents" asks some; SERIES='
	@echo 'make export    write the branches of build/$(BASE)/linux to bases/$(BASE)'
	@echo
	@echo 'BASE=$(BASE)                         which Linux, of: $(bases)'
	@echo 'LINUX_SRC=<directory or tarball>  another Linux $(BASE).y than the one of Debian'
	@echo 'ACCEL=tcg|kvm                     how guests run (found out by trying)'
	@echo 'CONFIG=test|debug|preempt|few|tiny|arm64  which configuration of configs/ guests run'
	@echo
	@echo 'Needs Debian 12 or 13 on x86-64. As root, missing packages are installed.'
	@echo 'Logs are in build/$(BASE)/logs.'

# An option of kit for a variable that is set.
option = $(if $($(1)),'--$(2)=$($(1))')

setup:
	@harness/setup.sh $(filter arm64 preempt,$(CONFIG))

kernel: setup
	@$(KIT) kernel $(call option,CONFIG,config)

demo: setup
	@$(KIT) demo

# Without BASE= and SUITES=, also what the file of each further base names.
others = $(if $(findstring command line,$(origin BASE))$(SUITES),,--others)

# The suite that needs all bases.
compares = $(filter same,$(or $(SUITES),same))

test:
	@harness/setup.sh $(filter arm64 preempt,$(CONFIG)) $(compares)
	@$(KIT) test $(call option,CONFIG,config) $(call option,MINUTES,minutes) $(others) -- $(SUITES)

same:
	@harness/setup.sh same
	@$(KIT) test -- same

bench: setup
	@$(KIT) bench $(call option,QUICK,quick) $(call option,COMPARE,compare) \
		$(call option,PROFILE,profile)

fuzz: setup
	@$(KIT) fuzz $(call option,SEED,seed) $(call option,RUNS,runs) \
		$(call option,MINUTES,minutes) $(call option,CONFIG,config) $(call option,UML,uml)

sweep: setup
	@$(KIT) sweep $(call option,SEED,seed) $(call option,MINUTES,minutes)

stress: setup
	@$(KIT) stress $(call option,SEED,seed) $(call option,MINUTES,minutes)

limits: setup
	@$(KIT) limits

mutants: setup
	@$(KIT) mutants -- $(MUTANTS)

test-all:
	@harness/setup.sh test-all
	@$(KIT) test-all $(call option,MINUTES,minutes) -- $(PARTS)

thirdparty:
	@harness/setup.sh thirdparty
	@$(KIT) test $(call option,CONFIG,config) -- thirdparty

shell: setup
	@$(KIT) shell

deb:
	@harness/setup.sh deb
	@$(KIT) deb $(call option,KCONFIG,kconfig)

deb-demo:
	@harness/setup.sh deb-demo
	@$(KIT) deb-demo

series: setup
	@$(KIT) series $(call option,SERIES,series)

check-series:
	@harness/setup.sh check-series
	@$(KIT) check-series $(call option,SERIES,series) -- $(CHECKS)

export: setup
	@$(KIT) export

lint: setup
	@harness/lint.sh
