// SPDX-License-Identifier: GPL-2.0
/*
 * mremap() of a range of several mappings, as administrators can observe it: the
 * counters in /proc/vmstat, the event mmap:mremap_range, what shmctl() tells, how
 * much memory KSM has merged, and which pages are soft-dirty.
 *
 * Documentation/userspace-api/mremap_range.rst describes them.
 */
#define _GNU_SOURCE
#include <sys/mount.h>
#include <sys/shm.h>
#include <time.h>

#include "../kselftest_harness.h"
#include "mremap_layout.h"

#define TRACING		"/sys/kernel/tracing/"
#define KSM_RUN		"/sys/kernel/mm/ksm/run"

static size_t page;

/*
 * Numbers of moves of several mappings since boot, by all processes. The tests
 * assume that no other process makes such moves.
 */
struct moves {
	long done;
	long aborted;
};

static struct moves read_moves(void)
{
	return (struct moves) {
		.done = read_count("/proc/vmstat", "mremap_range "),
		.aborted = read_count("/proc/vmstat", "mremap_range_aborted "),
	};
}

/*
 * Two mappings that can be relocated, and one that has to be copied with
 * MREMAP_DONTUNMAP.
 *
 *	[ w ][ r ][ System V ]
 */
FIXTURE(seen) {
	char *src;
	char *dst;
	size_t len;
	int id;
	struct moves before;
};

FIXTURE_SETUP(seen)
{
	page = sysconf(_SC_PAGESIZE);
	self->src = ARENA_BASE(0);
	self->dst = ARENA_BASE(1);
	self->len = 3 * page;
	ASSERT_EQ(self->src, mmap(self->src, 2 * page, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	memset(self->src, 1, 2 * page);
	ASSERT_EQ(0, mprotect(self->src + page, page, PROT_READ));

	self->id = shmget(IPC_PRIVATE, page, IPC_CREAT | 0600);
	if (self->id < 0)
		SKIP(return, "no System V shared memory");
	ASSERT_EQ(self->src + 2 * page, shmat(self->id, self->src + 2 * page, 0));
	ASSERT_EQ(0, shmctl(self->id, IPC_RMID, NULL));

	self->before = read_moves();
	if (self->before.done < 0)
		SKIP(return, "no event counters");
}

FIXTURE_TEARDOWN(seen)
{
}

#define EXPECT_MOVES(done_, aborted_)					\
do {									\
	struct moves now_ = read_moves();				\
									\
	EXPECT_EQ(self->before.done + (done_), now_.done);		\
	EXPECT_EQ(self->before.aborted + (aborted_), now_.aborted);	\
} while (0)

TEST_F(seen, done_is_counted)
{
	ASSERT_EQ(0, move_by_one_call(self->src, self->len, self->dst, MOVE));
	EXPECT_MOVES(1, 0);
	ASSERT_EQ(0, move_by_one_call(self->dst, self->len, self->src, MOVE));
	EXPECT_MOVES(2, 0);
}

TEST_F(seen, one_mapping_is_not_counted)
{
	ASSERT_EQ(0, move_by_one_call(self->src, page, self->dst, MOVE));
	EXPECT_MOVES(0, 0);
}

TEST_F(seen, refused_is_not_counted)
{
	if (syscall(__NR_mseal, self->src + page, page, 0))
		SKIP(return, "no mseal()");
	ASSERT_NE(0, move_by_one_call(self->src, self->len, self->dst, MOVE));
	EXPECT_MOVES(0, 0);
}

TEST_F(seen, aborted_is_counted)
{
	size_t ring = map_ring(self->src + self->len);
	int status;
	pid_t pid;

	if (!ring)
		SKIP(return, "no AIO");

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		ring = refusing_ring(self->src + self->len, ring);
		_exit(!ring || !move_by_one_call(self->src, self->len + ring,
						 self->dst, MOVE));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	EXPECT_MOVES(0, 1);
}

/* Moves it, and returns whether shmctl() tells when and by whom. */
static bool told_of_move(int id, char *src, size_t len, char *dst)
{
	struct shmid_ds before, after;

	if (shmctl(id, IPC_STAT, &before))
		return false;
	/* These times are in seconds. */
	while (time(NULL) <= before.shm_atime)
		usleep(10000);

	return !move_by_one_call(src, len, dst, MOVE) &&
	       !shmctl(id, IPC_STAT, &after) &&
	       before.shm_lpid != getpid() && after.shm_lpid == getpid() &&
	       !before.shm_dtime && after.shm_dtime > before.shm_atime &&
	       after.shm_atime > before.shm_atime &&
	       after.shm_nattch == before.shm_nattch;
}

/* A segment that moves was attached where it goes, and detached where it was. */
TEST_F(seen, shmctl_tells_of_a_move)
{
	int status;
	pid_t pid;

	/* The parent was the last to do either, as it attaches for the child. */
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(!told_of_move(self->id, self->src, self->len, self->dst));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* How much memory of this process KSM has merged, in KiB, or -1. */
static long merged_kb(void)
{
	return read_count("/proc/self/smaps_rollup", "KSM:");
}

/* Lets KSM work until it has merged that much, for a minute at most. */
static bool merge_kb(long kb)
{
	const int wait_ms = 10;
	int left_ms = 60 * 1000;

	if (!write_text(KSM_RUN, "1"))
		return false;
	while (merged_kb() != kb && (left_ms -= wait_ms) > 0)
		usleep(1000 * wait_ms);
	return write_text(KSM_RUN, "0") && merged_kb() == kb;
}

/* As before any move, for KSM finds a merged page by the address it was merged at. */
TEST(ksm_pages_are_unmerged)
{
	const long ran = read_count(KSM_RUN, "");
	char *src = ARENA_BASE(0), *dst = ARENA_BASE(1);
	char text[2] = { ran + '0' };
	size_t len, i;
	bool merged;

	page = sysconf(_SC_PAGESIZE);
	len = 4 * page;
	ASSERT_EQ(src, mmap(src, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	memset(src, 0x5a, len);
	ASSERT_EQ(0, mprotect(src + len / 2, len / 2, PROT_READ));
	if (ran < 0 || merged_kb() || madvise(src, len, MADV_MERGEABLE))
		SKIP(return, "no KSM");

	merged = merge_kb(len / 1024);
	if (merged)
		EXPECT_EQ(0, move_by_one_call(src, len, dst, MOVE));
	EXPECT_EQ(0, merged_kb());
	EXPECT_TRUE(write_text(KSM_RUN, text));
	ASSERT_TRUE(merged);
	for (i = 0; i < len; i++)
		ASSERT_EQ(0x5a, dst[i]);
}

/* Is the page at @addr soft-dirty? Returns -1 if /proc/self/pagemap cannot be read. */
static int soft_dirty(const char *addr)
{
	uint64_t entry;

	return read_pagemap(addr, &entry) ? entry >> 55 & 1 : -1;
}

/*
 * A move marks pages soft-dirty, but not those of tables that move as a whole. A
 * call for each mapping moves a table as a whole only if no mapping begins or ends
 * in it.
 *
 *	tables    |                      |                      |
 *	mappings  [ w                    ...  ][ r  ]
 */
TEST(soft_dirty_as_by_many_calls)
{
	char *const base[] = { ARENA_BASE(0), ARENA_BASE(1) };
	size_t table, len, at;
	int i, is, was;
	char *new[2];

	page = sysconf(_SC_PAGESIZE);
	table = page * (page / sizeof(uint64_t));
	len = table + 4 * page;
	if (8 * table > ARENA_SIZE)
		SKIP(return, "tables are too large");
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(base[i], map_unit(ANON, base[i], len, -1, 0));
		madvise(base[i], len, MADV_NOHUGEPAGE);
		for (at = table - 2 * page; at < len; at += page)
			base[i][at] = 1;
		ASSERT_EQ(0, mprotect(base[i] + len - 2 * page, 2 * page, PROT_READ));
		new[i] = base[i] + 4 * table;
	}
	was = soft_dirty(base[0] + table);
	if (!write_text("/proc/self/clear_refs", "4") || was != 1 ||
	    soft_dirty(base[0] + table))
		SKIP(return, "no soft-dirty pages");

	ASSERT_EQ(0, move_by_one_call(base[0], len, new[0], MOVE));
	ASSERT_EQ(0, move_by_many_calls(base[1], len, new[1], MOVE));
	for (at = table - 2 * page; at < len; at += page) {
		is = soft_dirty(new[0] + at);
		EXPECT_EQ(soft_dirty(new[1] + at), is);
		if (at >= table)
			EXPECT_EQ(1, is);
	}
}

/* Sets @line to the first line of the trace with @text, from @text on. */
static bool find_event(const char *text, char *line, int size)
{
	FILE *f = fopen(TRACING "trace", "r");
	char *found = NULL;

	while (f && !found && fgets(line, size, f))
		found = strstr(line, text);
	if (f)
		fclose(f);
	if (found)
		memmove(line, found, strlen(found) + 1);
	return found;
}

TEST_F(seen, traced)
{
	const char *event = TRACING "events/mmap/mremap_range/enable";
	char expected[256], line[256];
	bool found;

	if (access(event, W_OK) &&
	    (mount("tracefs", TRACING, "tracefs", 0, NULL) || access(event, W_OK)))
		SKIP(return, "no such event");

	ASSERT_TRUE(write_text(TRACING "trace", "\n"));
	ASSERT_TRUE(write_text(event, "1"));
	EXPECT_EQ(0, move_by_one_call(self->src, self->len, self->dst,
				      MOVE | MREMAP_DONTUNMAP));
	found = find_event("mremap_range: ", line, sizeof(line));
	EXPECT_TRUE(write_text(event, "0"));

	ASSERT_TRUE(found);
	snprintf(expected, sizeof(expected),
		 "mremap_range: old=0x%lx new=0x%lx len=0x%lx flags=MAYMOVE|FIXED|DONTUNMAP relocated=2 copied=1 err=0\n",
		 (long)self->src, (long)self->dst, (long)self->len);
	EXPECT_STREQ(expected, line);
}

TEST_HARNESS_MAIN
