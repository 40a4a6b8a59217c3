// SPDX-License-Identifier: GPL-2.0
/*
 * Part of a mapping is moved while one allocation of the kernel fails. However
 * that ends: when all is unmapped again, no memory may stay charged.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../kselftest.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"
#define IGNORE_WAIT	FAILSLAB "ignore-gfp-wait"
#define VERBOSE		FAILSLAB "verbose"
#define FAIL_NTH	"/proc/thread-self/fail-nth"

#define LENGTH		0x40000000UL
#define PART		(LENGTH / 4)
#define MAX_NTH		200

static char ignore_wait_was[16], verbose_was[16];

static bool read_file(const char *path, char *buf, size_t size)
{
	ssize_t n = -1;
	int fd;

	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		n = read(fd, buf, size - 1);
		close(fd);
	}
	buf[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

static bool write_file(const char *path, const char *text)
{
	ssize_t n = -1;
	int fd;

	fd = open(path, O_WRONLY);
	if (fd >= 0) {
		n = write(fd, text, strlen(text));
		close(fd);
	}
	return n > 0;
}

static void restore_failslab(void)
{
	write_file(IGNORE_WAIT, ignore_wait_was);
	write_file(VERBOSE, verbose_was);
}

static long committed_kb(void)
{
	char buf[8192], *line;

	if (!read_file("/proc/meminfo", buf, sizeof(buf)))
		ksft_exit_fail_perror("/proc/meminfo");
	line = strstr(buf, "Committed_AS:");
	if (!line)
		ksft_exit_fail_msg("No Committed_AS in /proc/meminfo\n");
	return atol(line + strlen("Committed_AS:"));
}

/* Returns whether allocation @nth was reached, and failed. */
static bool move_while_failing(int nth, int map_flags, int mremap_flags)
{
	char *area, *dest, *to, buf[16] = "";
	bool failed;
	int fd;

	area = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | map_flags, -1, 0);
	dest = mmap(NULL, PART, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED || dest == MAP_FAILED)
		ksft_exit_fail_perror("mmap");
	area[PART] = 1;

	fd = open(FAIL_NTH, O_RDWR);
	snprintf(buf, sizeof(buf), "%d", nth);
	if (fd < 0 || write(fd, buf, strlen(buf)) < 0)
		ksft_exit_fail_perror(FAIL_NTH);

	to = mremap(area + PART, PART, PART,
		    MREMAP_MAYMOVE | MREMAP_FIXED | mremap_flags, dest);

	memset(buf, 0, sizeof(buf));
	if (pread(fd, buf, sizeof(buf) - 1, 0) < 0)
		ksft_exit_fail_perror(FAIL_NTH);
	failed = atoi(buf) == 0;
	/* Otherwise the rest counts on. */
	if (!failed && pwrite(fd, "0", 1, 0) < 0)
		ksft_exit_fail_perror(FAIL_NTH);
	close(fd);

	if (to != MAP_FAILED && to != dest)
		ksft_exit_fail_msg("mremap moved to a wrong address\n");
	munmap(area, LENGTH);
	munmap(dest, PART);
	return failed;
}

static void test_accounting(const char *name, int map_flags, int mremap_flags)
{
	long before, grown;
	int nth, wrong = 0;

	for (nth = 1; nth <= MAX_NTH; nth++) {
		bool failed;

		before = committed_kb();
		failed = move_while_failing(nth, map_flags, mremap_flags);
		grown = committed_kb() - before;

		/* Others may map or unmap something meanwhile, but not as much. */
		if (labs(grown) >= (long)(PART >> 10) / 2) {
			ksft_print_msg("Committed_AS grows by %ld kB when allocation %d fails\n",
				       grown, nth);
			wrong++;
		}
		if (!failed)
			break;
	}
	ksft_print_msg("%d allocations failed\n", nth - 1);
	ksft_test_result(!wrong, "%s\n", name);
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(4);

	if (!read_file(IGNORE_WAIT, ignore_wait_was, sizeof(ignore_wait_was)) ||
	    !read_file(VERBOSE, verbose_was, sizeof(verbose_was)) ||
	    access(FAIL_NTH, R_OK | W_OK))
		ksft_exit_skip("Needs root, debugfs and CONFIG_FAILSLAB\n");
	atexit(restore_failslab);
	if (!write_file(IGNORE_WAIT, "N") || !write_file(VERBOSE, "0"))
		ksft_exit_skip("Cannot set up failslab\n");

	test_accounting("Move accountable memory", 0, 0);
	test_accounting("Move memory that is not accountable", MAP_NORESERVE, 0);
	test_accounting("Move accountable memory, keep the source", 0,
			MREMAP_DONTUNMAP);
	test_accounting("Move memory that is not accountable, keep the source",
			MAP_NORESERVE, MREMAP_DONTUNMAP);
	ksft_finished();
}
