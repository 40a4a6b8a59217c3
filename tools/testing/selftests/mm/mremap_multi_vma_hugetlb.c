// SPDX-License-Identifier: GPL-2.0
/*
 * mremap() of a range of several mappings, with hugetlb memory in it: sizes,
 * reservations, and page tables that mappings of a file share.
 *
 * The rules are in Documentation/userspace-api/mremap_range.rst.
 */
#define _GNU_SOURCE

#include <linux/memfd.h>
#include <signal.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "free_slabs.h"
#include "mremap_layout.h"

#define HUGE		(2UL << 20)
#define GIB		(1UL << 30)

static size_t page;

/*
 * A private hugetlb mapping is split for a move, and the move is rolled back.
 * The mapping has one reservation before and after.
 */
TEST(hugetlb_reservation_rolled_back)
{
	const size_t huge = HUGE;
	char *src = ARENA_BASE(0);
	size_t ring = map_ring(src + 4 * huge);
	long before, rolled_back, unmapped;
	int status;
	pid_t pid;

	if (!ring)
		SKIP(return, "no AIO");

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		before = read_count("/proc/meminfo", "HugePages_Rsvd:");
		if (map_unit(HUGETLB_PRIVATE, src, 4 * huge, -1, 0) != src)
			_exit(10);
		src[0] = 1;
		ring = refusing_ring(src + 4 * huge, ring);
		if (!ring || !move_by_one_call(src + huge, 3 * huge + ring,
					       src + 16 * huge, MOVE))
			_exit(1);
		rolled_back = read_count("/proc/meminfo", "HugePages_Rsvd:");
		munmap(src, 4 * huge);
		unmapped = read_count("/proc/meminfo", "HugePages_Rsvd:");
		_exit(rolled_back != before + 3 ? 2 : unmapped != before ? 3 : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 10)
		SKIP(return, "no huge pages");
	EXPECT_EQ(0, status);
	syscall(__NR_io_destroy, src + 4 * huge);
}

/*
 * A length in bytes that does not fit in an int, with few pages faulted in. If the
 * memory is shared, its page tables may be shared as well.
 *
 *	[ 4 GiB of hugetlb memory ][ r ]
 */
FIXTURE(large_hugetlb) {
};

FIXTURE_VARIANT(large_hugetlb) {
	int sharing;
};

FIXTURE_VARIANT_ADD(large_hugetlb, private) { .sharing = MAP_PRIVATE };
FIXTURE_VARIANT_ADD(large_hugetlb, shared) { .sharing = MAP_SHARED };

FIXTURE_SETUP(large_hugetlb)
{
	page = sysconf(_SC_PAGESIZE);
	if (sizeof(long) < 8)
		SKIP(return, "too few addresses");
}

FIXTURE_TEARDOWN(large_hugetlb)
{
}

TEST_F(large_hugetlb, moves)
{
	const size_t huge = 4 * GIB, len = huge + page;
	const size_t faulted[] = { 0, GIB, 3 * GIB, huge - HUGE };
	char *const src = (char *)(64 * GIB), *const dst = (char *)(80 * GIB);
	size_t i;

	if (mmap(src, huge, PROT_READ | PROT_WRITE, variant->sharing | MAP_ANONYMOUS |
		 MAP_HUGETLB | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != src)
		SKIP(return, "no hugetlb memory");
	ASSERT_EQ(src + huge, mmap(src + huge, page, PROT_READ, MAP_PRIVATE |
				   MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	for (i = 0; i < 4; i++)
		src[faulted[i]] = 'a' + i;

	ASSERT_EQ(dst, mremap(src, len, len, MOVE, dst));
	for (i = 0; i < 4; i++)
		EXPECT_EQ('a' + i, (size_t)dst[faulted[i]]);

	/* A single mapping moves by another code path. */
	ASSERT_EQ(src, mremap(dst, huge, huge, MOVE, src));
	for (i = 0; i < 4; i++)
		EXPECT_EQ('a' + i, (size_t)src[faulted[i]]);
}

/*
 * A source that ends inside a huge page. That page moves as a whole.
 *
 *	[ r ][ huge page, w ][ huge page, r ]
 *	[ source .............. ]
 */
FIXTURE(rounded_hugetlb) {
};

FIXTURE_VARIANT(rounded_hugetlb) {
	enum kind kind;
};

FIXTURE_VARIANT_ADD(rounded_hugetlb, shared) { .kind = HUGETLB_SHARED };
FIXTURE_VARIANT_ADD(rounded_hugetlb, private) { .kind = HUGETLB_PRIVATE };

FIXTURE_SETUP(rounded_hugetlb)
{
	page = sysconf(_SC_PAGESIZE);
}

FIXTURE_TEARDOWN(rounded_hugetlb)
{
}

TEST_F(rounded_hugetlb, moves)
{
	const size_t huge = kind_unit(variant->kind), len = page + huge + page;
	char *one = ARENA_BASE(0) + ARENA_SIZE / 2;
	char *many = ARENA_BASE(1) + ARENA_SIZE / 2;
	const ssize_t dest = 16 * huge;
	struct segment left;
	char *const at[] = { one - page, many - page };
	size_t i;

	if (make_layout(variant->kind, one) || make_layout(variant->kind, many))
		SKIP(return, "no huge pages");
	for (i = 0; i < 2; i++)
		ASSERT_EQ(at[i], mmap(at[i], page, PROT_READ, MAP_PRIVATE |
				      MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));

	move_both(_metadata, one, many, -page, len, dest - page, MOVE);
	EXPECT_EQ(0, check_layout(variant->kind, one + dest, 0, 2 * huge));
	EXPECT_EQ(0, find_segments(one - page, one + 2 * huge, &left, 1));

	/* To the nearest destination below that does not overlap. */
	move_both(_metadata, one, many, dest - page, len, dest - page - 3 * huge,
		  MOVE);
	EXPECT_EQ(0, check_layout(variant->kind, one + dest - 3 * huge, 0, 2 * huge));
}

/*
 * Parent and child share a huge page that the parent has reserved. One of the two
 * processes moves the page with a mapping after it, and the parent writes to it
 * when no other huge page is free. The kernel then unmaps the page from the
 * child. If the kernel uses a wrong address in the child, the fault retries
 * forever.
 */
FIXTURE(reserved_hugetlb) {
	pid_t child;
};

FIXTURE_VARIANT(reserved_hugetlb) {
	bool child_moves;
};

FIXTURE_VARIANT_ADD(reserved_hugetlb, parent_moves) { .child_moves = false };
FIXTURE_VARIANT_ADD(reserved_hugetlb, child_moves) { .child_moves = true };

FIXTURE_SETUP(reserved_hugetlb)
{
	page = sysconf(_SC_PAGESIZE);
	self->child = -1;
}

FIXTURE_TEARDOWN(reserved_hugetlb)
{
	if (self->child > 0)
		kill(self->child, SIGKILL);
}

TEST_F_TIMEOUT(reserved_hugetlb, is_unmapped_from_child, 10)
{
	const size_t huge = kind_unit(HUGETLB_PRIVATE), len = huge + page;
	char *src = ARENA_BASE(0), *dst = ARENA_BASE(0) + 8 * huge;
	const long rest = read_count("/proc/meminfo", "HugePages_Free:") -
			  read_count("/proc/meminfo", "HugePages_Rsvd:") - 1;
	int ready[2];
	char byte;

	if (rest < 0 || read_count("/proc/sys/vm/nr_overcommit_hugepages", ""))
		SKIP(return, "no free huge page, or overcommit of huge pages");
	/* One huge page to share by fork(), and a reservation of all others. */
	ASSERT_EQ(src, mmap(src, huge, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			    MAP_ANONYMOUS | MAP_HUGETLB | MAP_FIXED_NOREPLACE, -1, 0));
	src[0] = 'a';
	src[1] = 'c';
	/* Another mapping, so that a range moves. */
	ASSERT_EQ(src + huge, mmap(src + huge, page, PROT_READ, MAP_PRIVATE |
				   MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	if (rest)
		ASSERT_NE(MAP_FAILED, mmap(NULL, rest * huge, PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB,
					   -1, 0));

	ASSERT_EQ(0, pipe(ready));
	self->child = fork();
	ASSERT_LE(0, self->child);
	if (!self->child) {
		if (variant->child_moves &&
		    mremap(src, len, len, MOVE, dst) != dst)
			_exit(1);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	if (!variant->child_moves) {
		ASSERT_EQ(dst, mremap(src, len, len, MOVE, dst));
		src = dst;
	}
	src[0] = 'b';
	EXPECT_EQ('b', src[0]);
	EXPECT_EQ('c', src[1]);
}

/*
 * Two mappings of a file use one page table, and one of them moves, next to another
 * mapping. The table stays with the other one, also if it has no entries.
 *
 *	source [ 1 GiB of a file ][ r ]    other [ the same of the file ]
 *	         [ ~ 512 MiB ]
 */
FIXTURE(shared_table) {
	char *src;
	char *dst;
	char *other;
};

FIXTURE_VARIANT(shared_table) {
	bool has_entries;
};

FIXTURE_VARIANT_ADD(shared_table, with_entries) { .has_entries = true };
FIXTURE_VARIANT_ADD(shared_table, without_entries) { .has_entries = false };

FIXTURE_SETUP(shared_table)
{
	const int flags = MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
	int fd = memfd_create("shared_table", MFD_HUGETLB | MFD_HUGE_2MB);

	page = sysconf(_SC_PAGESIZE);
	if (sizeof(long) < 8)
		SKIP(return, "too few addresses");
	/* At addresses of which each has a table of its own, unless it is shared. */
	self->src = (char *)(64 * GIB);
	self->dst = (char *)(66 * GIB);
	self->other = (char *)(68 * GIB);

	if (fd < 0)
		SKIP(return, "no hugetlb memory");
	ASSERT_EQ(self->src, mmap(self->src, GIB, PROT_READ | PROT_WRITE, flags,
				  fd, 0));
	ASSERT_EQ(self->other, mmap(self->other, GIB, PROT_READ | PROT_WRITE, flags,
				    fd, 0));
	/* Writable mappings have made the file as long as they are. */
	ASSERT_EQ(0, ftruncate(fd, GIB / 2));
	if (madvise(self->src, HUGE, MADV_POPULATE_WRITE))
		SKIP(return, "no free huge page");
	self->src[0] = 'a';

	if (variant->has_entries) {
		self->other[0] = 'b';
	} else {
		ASSERT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				       0, HUGE));
		/* Finds the table to share first, and then the end of the file. */
		ASSERT_EQ(-1, madvise(self->other + GIB - HUGE, HUGE,
				      MADV_POPULATE_READ));
		ASSERT_EQ(EFAULT, errno);
	}
	close(fd);
}

FIXTURE_TEARDOWN(shared_table)
{
}

/* Both mappings still have the same memory. */
static bool is_shared(char *a, char *b)
{
	a[0] = 'c';
	b[1] = 'd';
	return b[0] == 'c' && a[1] == 'd';
}

TEST_F(shared_table, moves)
{
	const size_t len = GIB + page;

	ASSERT_EQ(self->src + GIB,
		  mmap(self->src + GIB, page, PROT_READ, MAP_PRIVATE |
		       MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	ASSERT_EQ(self->dst, mremap(self->src, len, len, MOVE, self->dst));
	if (variant->has_entries)
		EXPECT_EQ('b', self->dst[0]);
	EXPECT_TRUE(is_shared(self->other, self->dst));

	/* And back; they may share a table again by now. */
	ASSERT_EQ(self->src, mremap(self->dst, len, len, MOVE, self->src));
	EXPECT_EQ('c', self->src[0]);
	EXPECT_TRUE(is_shared(self->src, self->other));
}

/* How many page tables map the page at @addr? Returns -1 if that cannot be read. */
static long map_count(const char *addr)
{
	const uint64_t pfn_bits = (1ULL << 55) - 1;
	uint64_t entry, count;
	long ret = -1;
	int fd;

	/* Without privilege there is no number of the page frame. */
	if (!read_pagemap(addr, &entry) || !(entry & pfn_bits))
		return -1;
	fd = open("/proc/kpagecount", O_RDONLY);
	if (pread(fd, &count, sizeof(count),
		  (entry & pfn_bits) * sizeof(count)) == sizeof(count))
		ret = count;
	close(fd);
	return ret;
}

/*
 * A mapping before it is copied, and its source unmapped. That must not take the
 * lock of hugetlb memory that moves with it: without the lock it never shares a
 * table again.
 *
 *	[ private /dev/zero ][ 1 GiB of a file ]
 */
TEST_F(shared_table, again_beside_a_copy)
{
	const size_t len = page + GIB;
	int fd = open("/dev/zero", O_RDWR), i;
	char *at = self->src, *to = self->dst;

	if (!variant->has_entries)
		SKIP(return, "it is shared when it has entries");
	if (map_count(self->src) != 1)
		SKIP(return, "no table is shared");
	ASSERT_EQ(at - page, mmap(at - page, page, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0));
	close(fd);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(to - page, mremap(at - page, len, len, MOVE, to - page));
		EXPECT_EQ('b', to[0]);
		EXPECT_EQ(1, map_count(to));
		at = self->dst;
		to = self->src;
	}
}

TEST_F(shared_table, rolled_back)
{
	const size_t ring = map_ring(self->src + GIB);
	int status;
	pid_t pid;

	if (!ring)
		SKIP(return, "no AIO");

	/* It shares the table, too. */
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		const size_t len = GIB + refusing_ring(self->src + GIB, ring);

		if (len == GIB || !move_by_one_call(self->src, len, self->dst, MOVE))
			_exit(1);
		if (variant->has_entries && self->src[0] != 'b')
			_exit(2);
		_exit(is_shared(self->src, self->other) ? 0 : 3);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ('c', self->src[0]);
	EXPECT_EQ('d', self->other[1]);
	syscall(__NR_io_destroy, self->src + GIB);
}

/*
 * Where the memory moves to, it has one page table; where it was, it has two, of
 * which one is missing. Before the move is rolled back, another process shares the
 * one, has an entry added for which the table is missing, and leaves.
 *
 *	source [ 1 GiB of a file ]   [w][r][w] ... [r][ refuses ]
 *	tables    ][  missing       ][
 */
FIXTURE(left_table) {
	char *src;
	char *dst;
	int fd;
	pid_t other;
};

#define LEFT_OFFSET	(GIB / 2 + HUGE)
#define SMALL_OFFSET	(GIB + GIB / 2)
#define NR_SMALL	6000

FIXTURE_SETUP(left_table)
{
	page = sysconf(_SC_PAGESIZE);
	self->other = -1;
	if (sizeof(long) < 8)
		SKIP(return, "too few addresses");
	self->src = (char *)(64 * GIB + GIB / 2);
	self->dst = (char *)(72 * GIB);
	self->fd = memfd_create("left_table", MFD_HUGETLB | MFD_HUGE_2MB);
	if (self->fd < 0 || ftruncate(self->fd, GIB))
		SKIP(return, "no hugetlb memory");
}

FIXTURE_TEARDOWN(left_table)
{
	if (self->other > 0)
		kill(self->other, SIGKILL);
}

static char *map_gib(int fd, char *addr)
{
	return mmap(addr, GIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE |
		    MAP_FIXED_NOREPLACE, fd, 0);
}

/* Maps the file, touches two pages, and leaves, over and over. */
static void come_and_go(int fd, char *addr)
{
	for (;;) {
		if (map_gib(fd, addr) != addr)
			_exit(1);
		addr[0] = 'a';
		addr[LEFT_OFFSET] = 'b';
		munmap(addr, GIB);
	}
}

static bool is_mapped(const char *addr)
{
	unsigned char in_core;

	return !mincore((void *)addr, page, &in_core);
}

TEST_F(left_table, rolled_back)
{
	char *const small = self->src + SMALL_OFFSET;
	const size_t ring = map_ring(small + NR_SMALL * page);
	int status, i;
	pid_t pid;

	if (!ring)
		SKIP(return, "no AIO");
	/* Two free huge pages, which stay in the file. */
	if (fallocate(self->fd, 0, 0, HUGE) ||
	    fallocate(self->fd, 0, LEFT_OFFSET, HUGE))
		SKIP(return, "no free huge pages");

	self->other = fork();
	ASSERT_LE(0, self->other);
	if (!self->other)
		come_and_go(self->fd, (char *)(80 * GIB));

	ASSERT_EQ(self->src, map_gib(self->fd, self->src));
	ASSERT_EQ(small, mmap(small, NR_SMALL * page, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	for (i = 1; i < NR_SMALL; i += 2)
		ASSERT_EQ(0, mprotect(small + i * page, page, PROT_READ));

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		const size_t last = refusing_ring(small + NR_SMALL * page, ring);
		const size_t len = SMALL_OFFSET + NR_SMALL * page + last;

		if (!last)
			_exit(1);
		for (i = 0; i < 150; i++) {
			self->src[0] = 'c' + i;
			if (!move_by_one_call(self->src, len, self->dst, MOVE))
				_exit(2);
			if (is_mapped(self->dst) || !is_mapped(self->src))
				_exit(3);
			if (!self->src[0])
				_exit(4);
		}
		/* Only now: this adds the table that is missing. */
		_exit(self->src[LEFT_OFFSET] == 'b' ? 0 : 5);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* Only if it could not map the file. */
	EXPECT_EQ(0, waitpid(self->other, &status, WNOHANG));
	syscall(__NR_io_destroy, small + NR_SMALL * page);
}

/*
 * A huge page, of each size that the system has a free page of, moves from and to
 * page tables that are made of pages that others have used. Only tables of PMDs have
 * a count of those who share them. Debug kernels may need minutes to clear a page.
 */
FIXTURE(slow) {
};

FIXTURE_SETUP(slow)
{
}

FIXTURE_TEARDOWN(slow)
{
}

TEST_F_TIMEOUT(slow, each_size_of_huge_pages, 600)
{
	const size_t distance = (size_t)(1ULL << 39);
	unsigned int shift, i, sizes = 0;

	if (sizeof(long) < 8)
		SKIP(return, "too few addresses");
	page = sysconf(_SC_PAGESIZE);
	for (shift = 16; shift < 35; shift++) {
		const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
		const size_t huge = 1UL << shift, len = huge + page;

		for (i = 0; i < 3; i++) {
			char *src = (char *)((32 + i) * distance);
			char *dst = src + 32 * distance;

			free_slabs();
			if (mmap(src, huge, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB |
				 shift << MAP_HUGE_SHIFT, -1, 0) != src)
				break;
			ASSERT_EQ(src + huge, mmap(src + huge, page, PROT_READ, flags,
						   -1, 0));
			src[0] = 'a';
			ASSERT_EQ(dst, mremap(src, len, len, MOVE, dst)) {
				TH_LOG("with a page of %zu KiB", huge >> 10);
			}
			EXPECT_EQ('a', dst[0]);
			ASSERT_EQ(0, munmap(dst, len));
		}
		sizes += !!i;
	}
	if (!sizes)
		SKIP(return, "no free huge page");
}

TEST_HARNESS_MAIN
