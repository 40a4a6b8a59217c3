// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/pid/maps shows all memory that is mapped all the time, also while mappings
 * are split and merged.
 *
 * A race: a short run may miss a fault. DURATION=<seconds> sets how long it looks.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../kselftest_harness.h"

/* So many mappings of three pages, each with a hole of one page behind it. */
#define NR_MAPPINGS	200
#define NR_PAGES	3

/* The text of a child's maps. */
static char text[1 << 20];

static bool read_maps(int fd)
{
	size_t len = 0;
	ssize_t done;

	if (lseek(fd, 0, SEEK_SET))
		return false;
	do {
		done = read(fd, text + len, sizeof(text) - 1 - len);
		if (done < 0)
			return false;
		len += done;
	} while (done);
	text[len] = '\0';
	return true;
}

/* How many bytes of [start, end) does the text show as mapped? */
static size_t count_mapped(unsigned long start, unsigned long end)
{
	unsigned long from, to, counted = start;
	size_t mapped = 0;
	char *line;

	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		from = strtoul(line, &line, 16);
		to = strtoul(line + 1, NULL, 16);
		/* What has merged meanwhile may be shown twice. */
		if (from < counted)
			from = counted;
		if (to > end)
			to = end;
		if (from >= to)
			continue;
		mapped += to - from;
		counted = to;
	}
	return mapped;
}

/* Splits each mapping, and merges it again, for ever. */
static void split_and_merge(char *start, size_t page)
{
	const size_t step = (NR_PAGES + 1) * page;
	int i;

	for (;;) {
		for (i = 0; i < NR_MAPPINGS; i++)
			mprotect(start + i * step + page, page, PROT_READ);
		for (i = 0; i < NR_MAPPINGS; i++)
			mprotect(start + i * step + page, page, PROT_READ | PROT_WRITE);
	}
}

FIXTURE(maps) {
};

FIXTURE_SETUP(maps)
{
}

FIXTURE_TEARDOWN(maps)
{
}

TEST_F_TIMEOUT(maps, have_no_holes, 600)
{
	const char *duration = getenv("DURATION");
	const time_t end = time(NULL) + (duration ? atol(duration) : 5);
	const size_t page = sysconf(_SC_PAGESIZE);
	const size_t len = NR_MAPPINGS * (NR_PAGES + 1) * page;
	const size_t expected = NR_MAPPINGS * NR_PAGES * page;
	unsigned long reads = 0, holes = 0;
	char name[32], *start;
	pid_t pid;
	int i, fd;

	start = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	ASSERT_NE(MAP_FAILED, start);
	for (i = 0; i < NR_MAPPINGS; i++) {
		char *at = start + i * (NR_PAGES + 1) * page;

		*at = 1;
		ASSERT_EQ(0, munmap(at + NR_PAGES * page, page));
	}

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		split_and_merge(start, page);

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	fd = open(name, O_RDONLY);
	EXPECT_LE(0, fd);
	while (time(NULL) < end && read_maps(fd)) {
		reads++;
		holes += count_mapped((unsigned long)start,
				      (unsigned long)start + len) != expected;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
	TH_LOG("%lu reads", reads);
	EXPECT_LT(0, reads);
	EXPECT_EQ(0, holes);
}

TEST_HARNESS_MAIN
