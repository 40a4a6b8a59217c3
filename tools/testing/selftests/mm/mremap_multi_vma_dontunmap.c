// SPDX-License-Identifier: GPL-2.0
/*
 * mremap() of a range of several mappings with MREMAP_DONTUNMAP: what stays at the
 * source, and what the copies merge with.
 *
 * The result of one call is compared with the result of a call for each mapping.
 * The rules are in Documentation/userspace-api/mremap_range.rst.
 */
#define _GNU_SOURCE

#include <sys/sysinfo.h>

#include "../kselftest_harness.h"
#include "mremap_layout.h"

static size_t page;

/*
 * An unfaulted, locked copy merges with a source that is still locked. When the
 * source is unlocked, the copy must stay locked.
 *
 *	source [ A ]    [ Z ]
 *	copies               [ A ]    [ Z ]
 */
TEST(locked_on_fault)
{
	char *const base[] = { ARENA_BASE(0), ARENA_BASE(1) };
	long before[2], after[2];
	int i;

	page = sysconf(_SC_PAGESIZE);
	for (i = 0; i < 2; i++) {
		char *at = base[i];

		ASSERT_EQ(at, mmap(at, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE |
				   MAP_ANONYMOUS | MAP_FIXED, -1, 0));
		ASSERT_EQ(0, munmap(at + page, page));
		ASSERT_EQ(0, mlock2(at, page, MLOCK_ONFAULT));
		ASSERT_EQ(0, mlock2(at + 2 * page, page, MLOCK_ONFAULT));
	}
	move_both(_metadata, base[0], base[1], 0, 3 * page, 3 * page,
		  MOVE | MREMAP_DONTUNMAP);
	for (i = 0; i < 2; i++) {
		before[i] = read_count("/proc/self/status", "VmLck:");
		ASSERT_EQ(0, munmap(base[i], 6 * page));
		after[i] = read_count("/proc/self/status", "VmLck:");
	}
	EXPECT_EQ(before[0] - after[0], before[1] - after[1]);
	EXPECT_EQ(0, after[1]);
}

/*
 * The first copy merges with the VMA that the second mapping is a part of, and that
 * reaches the destination. The second copy must not merge with that one, its source.
 *
 *	[ A ][ B            ][ destination ]
 *	[ source ]
 *	[ A ][ B, copy of A      ][ copy of B ]	afterwards
 */
TEST(beside_its_source)
{
	char *const base[] = { ARENA_BASE(0), ARENA_BASE(1) };
	char *away;
	int i;

	page = sysconf(_SC_PAGESIZE);
	for (i = 0; i < 2; i++) {
		char *at = base[i];

		ASSERT_EQ(at, map_unit(ANON, at, 20 * page, -1, 0));
		/* Leaves two mappings that are alike, and do not merge by themselves. */
		ASSERT_EQ(0, mlock(at, 2 * page));
		away = at + 64 * page;
		ASSERT_EQ(0, move_by_one_call(at, 2 * page, away, MOVE | MREMAP_DONTUNMAP));
	}
	move_both(_metadata, base[0], base[1], 0, 4 * page, 20 * page,
		  MOVE | MREMAP_DONTUNMAP);
}

/*
 * The first part moves while its VMA still has pages below it, which the second part
 * replaces. So the VMA does not lose all of its pages, though in the end it is just
 * what the first part was. Such a VMA keeps its page offsets, and does not merge
 * with what the second part leaves behind.
 *
 *	destination     source
 *	[ A                  ][ B, r ]	before
 *	[ A' ][ B', r ][ A   ][ B, r ]	afterwards
 */
TEST(split_by_the_destination)
{
	char *const base[] = { ARENA_BASE(0), ARENA_BASE(1) };
	char *snap[2];
	int i;

	page = sysconf(_SC_PAGESIZE);
	for (i = 0; i < 2; i++) {
		char *at = base[i], *from = at + 64 * page;

		ASSERT_EQ(from, map_unit(ANON, from, 8 * page, -1, 0));
		memset(from, 1, 8 * page);
		/* With page offsets that are not those of the new address. */
		ASSERT_EQ(0, move_by_one_call(from, 8 * page, at, MOVE));
		ASSERT_EQ(0, mprotect(at + 6 * page, 2 * page, PROT_READ));
	}
	move_both(_metadata, base[0], base[1], 4 * page, 4 * page, 0,
		  MOVE | MREMAP_DONTUNMAP);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mprotect(base[i] + 4 * page, 4 * page, PROT_READ));
		snap[i] = snapshot(base[i] - ARENA_SIZE / 2);
	}
	EXPECT_STREQ(snap[1], snap[0]);
	free(snap[0]);
	free(snap[1]);
}

/*
 * Two pages of a file, or of anonymous memory that has moved, in reverse order of
 * their offsets. The destination is just below the source.
 */
TEST(in_reverse_order)
{
	char *const base[] = { ARENA_BASE(0), ARENA_BASE(1) };
	int file, i, fd;

	page = sysconf(_SC_PAGESIZE);
	fd = memfd_create("order", 0);
	ASSERT_EQ(0, ftruncate(fd, 2 * page));
	for (file = 0; file < 2; file++) {
		for (i = 0; i < 2; i++) {
			char *at = base[i] + 2 * page;
			int flags = MAP_PRIVATE | MAP_FIXED |
				    (file ? 0 : MAP_ANONYMOUS);

			munmap(base[i], 8 * page);
			ASSERT_EQ(at + page,
				  mmap(at + page, page, PROT_READ | PROT_WRITE,
				       flags, file ? fd : -1, 0));
			at[page] = 1;
			ASSERT_EQ(at + 4 * page,
				  mmap(at + 4 * page, page, PROT_READ | PROT_WRITE,
				       flags, file ? fd : -1, file ? page : 0));
			if (!file)
				at[4 * page] = 2;
			ASSERT_EQ(0, move_by_one_call(at + 4 * page, page, at, MOVE));
		}
		move_both(_metadata, base[0], base[1], 2 * page, 2 * page, 0,
			  MOVE | MREMAP_DONTUNMAP);
	}
}

#if __SIZEOF_LONG__ == 8
/*
 * Each mapping that stays is charged for by itself: together they may be more than
 * the machine has, as they may if a call is made for each. It takes addresses that
 * programs of 32 bits do not have.
 */
TEST(more_than_memory)
{
	char *old = (char *)(1UL << 44), *new = (char *)(1UL << 45);
	struct sysinfo info;
	char mode = 0;
	size_t len;
	FILE *file;
	int i;

	page = sysconf(_SC_PAGESIZE);
	file = fopen("/proc/sys/vm/overcommit_memory", "r");
	if (file) {
		mode = fgetc(file);
		fclose(file);
	}
	if (mode != '0')
		SKIP(return, "memory is not overcommitted by the heuristic");
	ASSERT_EQ(0, sysinfo(&info));
	len = (info.totalram + info.totalswap) * info.mem_unit / 2 / page * page;

	for (i = 0; i < 3; i++) {
		char *at = old + i * len;

		ASSERT_EQ(at, mmap(at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE |
				   MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
		/* Another mapping than the one before. */
		ASSERT_EQ(0, madvise(at, len, i == 1 ? MADV_DONTDUMP : MADV_DODUMP));
	}
	EXPECT_EQ(0, move_by_one_call(old, 3 * len, new, MOVE | MREMAP_DONTUNMAP));
	ASSERT_EQ(0, munmap(old, 3 * len));
	ASSERT_EQ(0, munmap(new, 3 * len));
}
#endif

TEST_HARNESS_MAIN
