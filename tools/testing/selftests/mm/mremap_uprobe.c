// SPDX-License-Identifier: GPL-2.0
/*
 * Uprobes are registered and unregistered while mremap() moves the text that they
 * are in. Each breakpoint has to be there, or gone, when that is done.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/perf_event.h>
#include "../kselftest.h"

#define NR_ROUNDS	50
#define NR_OTHERS	32
#define SELF		"/proc/self/exe"
#define TYPE		"/sys/bus/event_source/devices/uprobe/type"

static pthread_mutex_t move_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool stop;
static char *places[2];
static int place;
static size_t page_size, moved_size;

/* Position independent: a copy of its page is called. */
static int probed(int value)
{
	return value + 1;
}

static unsigned long offset_in_file(unsigned long addr)
{
	unsigned long start, end, offset;
	char line[512];
	FILE *maps;

	maps = fopen("/proc/self/maps", "r");
	if (!maps)
		ksft_exit_fail_perror("/proc/self/maps");

	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) != 3)
			continue;
		if (addr < start || addr >= end)
			continue;
		fclose(maps);
		return addr - start + offset;
	}
	ksft_exit_fail_msg("code not found in /proc/self/maps\n");
}

static void map_code(void *addr, size_t size, int fd, unsigned long offset)
{
	if (mmap(addr, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd,
		 offset) == MAP_FAILED)
		ksft_exit_fail_perror("mmap of the code");
}

static void *move(void *unused)
{
	while (!stop) {
		void *from, *to, *ret;

		pthread_mutex_lock(&move_lock);
		from = places[place];
		to = places[!place];
		ret = mremap(from, moved_size, moved_size,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to);
		if (ret == to)
			place = !place;
		else
			stop = true;
		pthread_mutex_unlock(&move_lock);
	}
	return NULL;
}

/* The number of the kind of perf events that are uprobes, or 0. */
static unsigned int probe_type(void)
{
	unsigned int type = 0;
	FILE *file;

	file = fopen(TYPE, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%u", &type) != 1)
		type = 0;
	fclose(file);
	return type;
}

static int open_probe(unsigned int type, unsigned long offset)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = type,
		.config1 = (uintptr_t)SELF,
		.config2 = offset,
	};

	return syscall(__NR_perf_event_open, &attr, 0, -1, -1, 0);
}

static uint64_t count_hits(int fd)
{
	uint64_t hits = 0;

	if (read(fd, &hits, sizeof(hits)) != sizeof(hits))
		ksft_exit_fail_perror("read from perf event");
	return hits;
}

int main(void)
{
	unsigned long offset, page_start, in_moved;
	unsigned int type;
	int fd, i, round, missed = 0, left = 0;
	char *original, code[4];
	pthread_t mover;
	char *area;

	ksft_print_header();
	ksft_set_plan(2);

	type = probe_type();
	if (!type)
		ksft_exit_skip("No uprobes by perf_event_open()\n");

	page_size = getpagesize();
	original = (char *)(uintptr_t)probed;
	memcpy(code, original, sizeof(code));
	offset = offset_in_file((unsigned long)original);
	in_moved = page_size + offset % page_size;

	fd = open_probe(type, offset);
	if (fd < 0) {
		if (errno == EACCES || errno == EPERM)
			ksft_exit_skip("No permission for uprobes, run as root\n");
		ksft_exit_fail_perror("perf_event_open");
	}
	close(fd);

	/*
	 * What moves starts a page before the code. So the kernel finds it before
	 * the others, and comes to it when it is done with them.
	 */
	moved_size = 2 * page_size;
	area = mmap(NULL, 2 * moved_size + NR_OTHERS * page_size, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		ksft_exit_fail_perror("mmap");
	places[0] = area;
	places[1] = area + moved_size;

	page_start = offset - offset % page_size;
	if (page_start < page_size)
		ksft_exit_skip("The code is in the first page of the file\n");
	fd = open(SELF, O_RDONLY);
	if (fd < 0)
		ksft_exit_fail_perror(SELF);
	map_code(area, moved_size, fd, page_start - page_size);
	for (i = 0; i < NR_OTHERS; i++)
		map_code(area + 2 * moved_size + i * page_size, page_size, fd,
			 page_start);
	close(fd);

	if (pthread_create(&mover, NULL, move, NULL))
		ksft_exit_fail_msg("pthread_create failed\n");

	for (round = 0; round < NR_ROUNDS && !stop && !left; round++) {
		int (*func)(int value);

		fd = open_probe(type, offset);
		if (fd < 0)
			ksft_exit_fail_perror("perf_event_open");

		pthread_mutex_lock(&move_lock);
		func = (void *)(places[place] + in_moved);
		if (func(round) != round + 1)
			ksft_exit_fail_msg("wrong result of the probed code\n");
		missed += !count_hits(fd);
		pthread_mutex_unlock(&move_lock);

		close(fd);

		/* Do not call it: a breakpoint of no probe is deadly. */
		pthread_mutex_lock(&move_lock);
		left += !!memcmp(places[place] + in_moved, code, sizeof(code));
		pthread_mutex_unlock(&move_lock);
	}

	if (stop)
		ksft_exit_fail_msg("mremap failed\n");
	stop = true;
	pthread_join(mover, NULL);

	ksft_print_msg("%d of %d probes missed, %d breakpoints left behind\n",
		       missed, round, left);
	ksft_test_result(!missed, "Probe in code that moves is hit\n");
	ksft_test_result(!left, "No breakpoint is left in code that moves\n");
	ksft_finished();
}
