// SPDX-License-Identifier: GPL-2.0
/*
 * mremap() of a range of several mappings.
 *
 * The result of one call is compared with the result of a call for each mapping,
 * which works on every kernel. The rules are in
 * Documentation/userspace-api/mremap_range.rst.
 */
#define _GNU_SOURCE

#include <sys/wait.h>

#include "../kselftest_harness.h"
#include "mremap_layout.h"

static size_t page;

/*
 * Moves of each kind of mapping, by one call in the first arena and by a call
 * for each mapping in the second.
 */
FIXTURE(move) {
	size_t unit;
	size_t len;
	char *one;
	char *many;
};

FIXTURE_VARIANT(move) {
	enum kind kind;
};

#define KIND(name_, kind_) \
	FIXTURE_VARIANT_ADD(move, name_) { .kind = kind_ }

KIND(anon, ANON);
KIND(anon_unfaulted, ANON_UNFAULTED);
KIND(anon_thp, ANON_THP);
KIND(anon_shared, ANON_SHARED);
KIND(anon_locked, ANON_LOCKED);
KIND(anon_ksm, ANON_KSM);
KIND(anon_named, ANON_NAMED);
KIND(memfd_shared, MEMFD_SHARED);
KIND(memfd_private, MEMFD_PRIVATE);
KIND(hugetlb_shared, HUGETLB_SHARED);
KIND(hugetlb_private, HUGETLB_PRIVATE);
KIND(sysv_shm, SYSV_SHM);
KIND(dev_zero, DEV_ZERO);
KIND(ramfs_shared, RAMFS_SHARED);
KIND(ramfs_private, RAMFS_PRIVATE);

FIXTURE_SETUP(move)
{
	page = sysconf(_SC_PAGESIZE);
	self->unit = kind_unit(variant->kind);
	self->len = NR_UNITS * self->unit;
	/* Room for a destination just below the source. */
	self->one = ARENA_BASE(0) + ARENA_SIZE / 2;
	self->many = ARENA_BASE(1) + ARENA_SIZE / 2;

	if (make_layout(variant->kind, self->one) ||
	    make_layout(variant->kind, self->many))
		SKIP(return, "cannot map %s: %s", kind_names[variant->kind],
		     strerror(errno));
}

FIXTURE_TEARDOWN(move)
{
}

TEST_F(move, whole)
{
	const ssize_t dest = 16 * self->len;
	struct segment left;

	move_both(_metadata, self->one, self->many, 0, self->len, dest, MOVE);
	EXPECT_EQ(0, check_layout(variant->kind, self->one + dest, 0, self->len));
	EXPECT_EQ(0, find_segments(self->one, self->one + self->len, &left, 1));
}

/*	[ w ][ r ]     [ r ][ w ]     [ w ]
 *	  ^ from here                  ^ to there
 */
TEST_F(move, split_at_both_ends)
{
	const ssize_t dest = 16 * self->len;
	const size_t end = self->len - page;

	if (!kind_can_split(variant->kind))
		SKIP(return, "cannot be split");

	move_both(_metadata, self->one, self->many, page, end - page, dest, MOVE);
	EXPECT_EQ(0, check_layout(variant->kind, self->one + dest - page, page, end));
	EXPECT_EQ(0, check_layout(variant->kind, self->one, 0, page));
	EXPECT_EQ(0, check_layout(variant->kind, self->one, end, self->len));
}

/* A hole after several mappings, and after a single mapping. */
TEST_F(move, hole_at_the_end)
{
	const ssize_t dest = 16 * self->len;

	move_both(_metadata, self->one, self->many, 0, 3 * self->unit, dest, MOVE);
	EXPECT_EQ(0, check_layout(variant->kind, self->one + dest, 0, 3 * self->unit));

	move_both(_metadata, self->one, self->many, 6 * self->unit, 2 * self->unit,
		  dest + 6 * self->unit, MOVE);
	EXPECT_EQ(0, check_layout(variant->kind, self->one + dest, 6 * self->unit,
				  7 * self->unit));
}

/* The size of a hugetlb mapping is fixed, so MREMAP_DONTUNMAP is refused. */
static bool kind_can_dontunmap(enum kind kind)
{
	return kind != HUGETLB_SHARED && kind != HUGETLB_PRIVATE;
}

TEST_F(move, dontunmap)
{
	const ssize_t dest = 16 * self->len;
	int i;

	if (!kind_can_dontunmap(variant->kind)) {
		EXPECT_EQ(-1, move_by_one_call(self->one, self->len, self->one + dest,
					       MOVE | MREMAP_DONTUNMAP));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(0, check_layout(variant->kind, self->one, 0, self->len));
		return;
	}

	move_both(_metadata, self->one, self->many, 0, self->len, dest,
		  MOVE | MREMAP_DONTUNMAP);
	EXPECT_EQ(0, check_layout(variant->kind, self->one + dest, 0, self->len));
	/* The source can be written and moved again. */
	for (i = 0; i < 2; i++)
		(i ? self->many : self->one)[0] = 1;
	move_both(_metadata, self->one, self->many, 0, self->len, 2 * dest, MOVE);
}

TEST_F(move, dontunmap_split)
{
	const ssize_t dest = 16 * self->len;

	if (!kind_can_split(variant->kind))
		SKIP(return, "cannot be split");

	move_both(_metadata, self->one, self->many, page, self->len - 2 * page,
		  dest, MOVE | MREMAP_DONTUNMAP);
}

/*	source       [ w ][ r ]     [ r ][ w ]     [ w ]
 *	destination  [.................................]   all mapped
 *	afterwards   [ w ][ r ][...][ r ][ w ][...][ w ]
 */
TEST_F(move, over_other_mappings)
{
	const ssize_t dest = 16 * self->len;
	char *at;
	int i;

	for (i = 0; i < 2; i++) {
		at = (i ? self->many : self->one) + dest;
		ASSERT_EQ(at, mmap(at, self->len, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
				   -1, 0));
		memset(at, 0x5a, self->len);
	}
	move_both(_metadata, self->one, self->many, 0, self->len, dest, MOVE);
	EXPECT_EQ(0, check_layout(variant->kind, self->one + dest, 0, self->len));
	EXPECT_EQ(0x5a, self->one[dest + 2 * self->unit]);
	EXPECT_EQ(0x5a, self->one[dest + 6 * self->unit - 1]);
}

/* A region that moves there and back must not be left with more mappings. */
TEST_F(move, away_and_back)
{
	const ssize_t dest = 16 * self->len;
	char *before, *after;

	before = snapshot(self->one - ARENA_SIZE / 2);
	move_both(_metadata, self->one, self->many, 0, self->len, dest, MOVE);
	move_both(_metadata, self->one, self->many, dest, self->len, 0, MOVE);
	after = snapshot(self->one - ARENA_SIZE / 2);
	EXPECT_STREQ(before, after);
	free(before);
	free(after);
	EXPECT_EQ(0, check_layout(variant->kind, self->one, 0, self->len));
}

/* The halves of a mapping move one by one, and merge again. */
TEST_F(move, halves_merge_again)
{
	const ssize_t dest = 16 * self->len;
	const size_t half = self->unit / 2;
	char *before, *after;
	int i;

	if (!kind_can_split(variant->kind) || variant->kind == ANON_THP)
		SKIP(return, "cannot be split into halves");

	before = snapshot(self->one - ARENA_SIZE / 2);
	for (i = 0; i < 2; i++) {
		char *at = i ? self->many : self->one;

		ASSERT_EQ(0, move_by_many_calls(at + half, half, at + dest + half, MOVE));
	}
	move_both(_metadata, self->one, self->many, 0, self->len, 2 * dest, MOVE);
	for (i = 0; i < 2; i++) {
		char *at = i ? self->many : self->one;

		ASSERT_EQ(0, move_by_many_calls(at + dest + half, half,
						at + 2 * dest + half, MOVE));
	}
	move_both(_metadata, self->one, self->many, 2 * dest, self->len, 0, MOVE);
	after = snapshot(self->one - ARENA_SIZE / 2);
	EXPECT_STREQ(before, after);
	free(before);
	free(after);
	EXPECT_EQ(0, check_layout(variant->kind, self->one, 0, self->len));
}

/* Source and destination are adjacent, on either side, and may merge. */
TEST_F(move, to_just_above)
{
	move_both(_metadata, self->one, self->many, 0, self->len, self->len, MOVE);
	EXPECT_EQ(0, check_layout(variant->kind, self->one + self->len, 0, self->len));
}

TEST_F(move, to_just_below)
{
	const ssize_t dest = -(ssize_t)self->len;

	move_both(_metadata, self->one, self->many, 0, self->len, dest, MOVE);
	EXPECT_EQ(0, check_layout(variant->kind, self->one + dest, 0, self->len));
}

TEST_F(move, dontunmap_to_just_above)
{
	if (!kind_can_dontunmap(variant->kind))
		SKIP(return, "MREMAP_DONTUNMAP is refused");

	move_both(_metadata, self->one, self->many, 0, self->len, self->len,
		  MOVE | MREMAP_DONTUNMAP);
}

TEST_F(move, dontunmap_to_just_below)
{
	if (!kind_can_dontunmap(variant->kind))
		SKIP(return, "MREMAP_DONTUNMAP is refused");

	move_both(_metadata, self->one, self->many, 0, self->len,
		  -(ssize_t)self->len, MOVE | MREMAP_DONTUNMAP);
}

/* A child shares the pages. The move must not change the memory of the child. */
TEST_F(move, after_fork)
{
	const ssize_t dest = 16 * self->len;
	int to_child[2], status;
	char c;
	pid_t pid;

	ASSERT_EQ(0, pipe(to_child));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(to_child[1]);
		if (read(to_child[0], &c, 1) != 1)
			_exit(2);
		_exit(!!check_layout(variant->kind, self->one, 0, self->len));
	}
	move_both(_metadata, self->one, self->many, 0, self->len, dest, MOVE);
	EXPECT_EQ(0, check_layout(variant->kind, self->one + dest, 0, self->len));
	if (variant->kind == ANON)
		memset(self->one + dest, 0, self->unit);
	ASSERT_EQ(1, write(to_child[1], "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* The state that rolling back a move must restore. */
struct state {
	struct counts counts;
	long committed;
	long reserved;
	char *snapshot;
};

static struct state read_state(const char *arena)
{
	return (struct state) {
		.counts = read_counts(),
		.committed = read_count("/proc/meminfo", "Committed_AS:"),
		.reserved = read_count("/proc/meminfo", "HugePages_Rsvd:"),
		.snapshot = snapshot(arena),
	};
}

static bool same_state(const struct state *a, const struct state *b)
{
	return a->committed == b->committed && a->reserved == b->reserved &&
		!memcmp(&a->counts, &b->counts, sizeof(a->counts)) &&
		a->snapshot && b->snapshot && !strcmp(a->snapshot, b->snapshot);
}

/*	[ w ][ r ]     [ r ][ w ]     [ w ][ ring ]
 *	  ^ from here                            ^ to there
 */
static int move_is_rolled_back(enum kind kind, char *src, size_t len,
			       size_t ring, char *dst)
{
	/* Splits of huge pages are not rolled back: small pages stay mapped. */
	const size_t from = kind_can_split(kind) && kind != ANON_THP ? page : 0;
	struct state before, after;

	/* Fault in all pages, because fork() does not copy all page tables. */
	if (check_layout(kind, src, 0, len))
		return 1;
	ring = refusing_ring(src + len, ring);
	if (!ring)
		return 7;
	before = read_state(src - ARENA_SIZE / 2);
	errno = 0;
	if (!move_by_one_call(src + from, len + ring - from, dst, MOVE) ||
	    errno != EINVAL)
		return 2;
	after = read_state(src - ARENA_SIZE / 2);
	if (!same_state(&before, &after)) {
		fprintf(stderr, "before:\n%s\nafter:\n%s\n", before.snapshot,
			after.snapshot);
		return 3;
	}
	if (check_layout(kind, src, 0, len))
		return 4;

	/* Without the ring, the same move succeeds. */
	if (munmap(src + len, ring) ||
	    move_by_one_call(src + from, len - from, dst, MOVE))
		return 5;
	return check_layout(kind, dst - from, from, len) ? 6 : 0;
}

TEST_F(move, rolled_back)
{
	char *ring_at = self->one + self->len;
	size_t ring = map_ring(ring_at);
	int status;
	pid_t pid;

	if (!ring)
		SKIP(return, "no AIO");

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(move_is_rolled_back(variant->kind, self->one, self->len,
					  ring, self->one + 16 * self->len));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	syscall(__NR_io_destroy, ring_at);
}

/* Mappings with vm_ops hooks. */

TEST(aio_ring_moves)
{
	char *dst = ARENA_BASE(0), *ring, *below;
	struct iocb cb = { .aio_lio_opcode = IOCB_CMD_PREAD }, *cbs = &cb;
	aio_context_t ctx = 0;
	struct segment seg[2];
	struct io_event event;
	char buf[16];
	int fd;

	page = sysconf(_SC_PAGESIZE);
	if (syscall(__NR_io_setup, 1, &ctx))
		SKIP(return, "no aio");
	ring = (char *)ctx;
	below = map_below(ring);
	ASSERT_EQ(ring - page, below);

	/* The ring may be longer than a page. */
	ASSERT_EQ(2, find_segments(below, ring + (1 << 20), seg, 2));
	ASSERT_EQ(dst, mremap(below, page + seg[1].len, page + seg[1].len, MOVE, dst));
	/* The ID of an AIO context is the address of its ring. */
	ctx = (aio_context_t)(dst + page);
	fd = memfd_create("aio", 0);
	ASSERT_EQ(0, ftruncate(fd, page));
	cb.aio_fildes = fd;
	cb.aio_buf = (unsigned long)buf;
	cb.aio_nbytes = sizeof(buf);
	ASSERT_EQ(1, syscall(__NR_io_submit, ctx, 1, &cbs));
	EXPECT_EQ(1, syscall(__NR_io_getevents, ctx, 1, 1, &event, NULL));
	EXPECT_EQ(0, syscall(__NR_io_destroy, ctx));
	close(fd);
}

/* Memory mapped by page frame number, next to anonymous memory. */
TEST(pfn_mappings)
{
	char *one = ARENA_BASE(0), *many = ARENA_BASE(1), *at;
	const ssize_t dest = 64UL << 20;
	int fd, i;

	page = sysconf(_SC_PAGESIZE);
	fd = open("/dev/mem", O_RDONLY);
	if (fd < 0)
		SKIP(return, "no /dev/mem");
	for (i = 0; i < 2; i++) {
		at = i ? many : one;
		if (mmap(at, 4 * page, PROT_READ, MAP_SHARED | MAP_FIXED, fd,
			 0xf0000) != at)
			SKIP(return, "cannot map /dev/mem");
		ASSERT_EQ(at + 4 * page,
			  mmap(at + 4 * page, page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
		at[4 * page] = 7;
		ASSERT_EQ(at + 6 * page, mmap(at + 6 * page, 2 * page, PROT_READ,
					      MAP_SHARED | MAP_FIXED, fd, 0xf4000));
	}
	move_both(_metadata, one, many, 0, 8 * page, dest, MOVE);
	move_both(_metadata, one, many, dest + page, 6 * page, 2 * dest, MOVE);
	EXPECT_EQ(7, one[2 * dest + 3 * page]);
	EXPECT_REFUSED(EINVAL, one + 2 * dest, 6 * page, 6 * page,
		       MOVE | MREMAP_DONTUNMAP, one);
}

/* The mappings that the kernel makes for each process, vvar and vdso. */
TEST(vdso)
{
	char *dst = ARENA_BASE(0);
	unsigned long from = 0, to = 0;
	char line[256];
	FILE *maps = fopen("/proc/self/maps", "r");

	ASSERT_NE(NULL, maps);
	if (sizeof(long) < 8)
		SKIP(return, "libc makes system calls by the vdso");
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "[vvar") || strstr(line, "[vdso]")) {
			from = from ?: strtoul(line, NULL, 16);
			to = strtoul(strchr(line, '-') + 1, NULL, 16);
		}
	fclose(maps);
	if (!from)
		SKIP(return, "no vdso");
	/* Do not use the vdso afterwards: libc still has the old address. */
	EXPECT_EQ(dst, mremap((void *)from, to - from, to - from, MOVE, dst));
}

/*
 * Source and destination are parts of one mapping. A hole is punched in the
 * source.
 *
 *	[..][dst....][...][src]   [src][...]
 */
TEST(inside_one_mapping)
{
	char *const base[] = { ARENA_BASE(0), ARENA_BASE(1) };
	int faulted, up, i;

	page = sysconf(_SC_PAGESIZE);
	for (faulted = 0; faulted < 2; faulted++) {
		for (up = 0; up < 2; up++) {
			ssize_t src = (up ? 2 : 12) * page;
			ssize_t dst = (up ? 12 : 2) * page;

			for (i = 0; i < 2; i++) {
				munmap(base[i], 32 * page);
				ASSERT_EQ(base[i],
					  mmap(base[i], 24 * page,
					       PROT_READ | PROT_WRITE,
					       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
					       -1, 0));
				if (faulted)
					memset(base[i], i + 1, 24 * page);
				ASSERT_EQ(0, munmap(base[i] + src + 3 * page, page));
			}
			move_both(_metadata, base[0], base[1], src, 8 * page, dst, MOVE);
			move_both(_metadata, base[0], base[1], dst, 8 * page, src, MOVE);
			move_both(_metadata, base[0], base[1], src, 8 * page, dst,
				  MOVE | MREMAP_DONTUNMAP);
		}
	}
}

/*
 * Mappings of System V memory that are alike do not merge where they are, as each
 * was attached, but a call for each merges them at the destination. More of them
 * than a move merges without looking at each.
 *
 *	source       [ w ][ w ][ w ] ... [ w ]
 *	destination  [ w                     ]
 */
TEST(equal_mappings_merge)
{
	char *const base[] = { ARENA_BASE(0), ARENA_BASE(1) };
	const ssize_t dest = 64UL << 20;
	struct segment left[2], seg[32];
	const int n = 24;
	int i, p;

	page = sysconf(_SC_PAGESIZE);
	for (i = 0; i < 2; i++) {
		int id = shmget(IPC_PRIVATE, n * page, IPC_CREAT | 0600);

		if (id < 0)
			SKIP(return, "no System V memory");
		ASSERT_EQ(base[i], shmat(id, base[i], 0));
		ASSERT_EQ(0, shmctl(id, IPC_RMID, NULL));
		for (p = 0; p < n; p++)
			base[i][p * page] = 'a' + p;
		for (p = 0; p < n; p += 2)
			ASSERT_EQ(0, mprotect(base[i] + p * page, page, PROT_READ));
		for (p = 0; p < n; p += 2)
			ASSERT_EQ(0, mprotect(base[i] + p * page, page,
					      PROT_READ | PROT_WRITE));
		ASSERT_EQ(n, find_segments(base[i], base[i] + n * page, seg, 32));
	}
	move_both(_metadata, base[0], base[1], 0, n * page, dest, MOVE);
	EXPECT_EQ(1, find_segments(base[0] + dest, base[0] + dest + n * page, left, 2));
	for (p = 0; p < n; p++)
		EXPECT_EQ('a' + p, base[0][dest + p * page]);
}

/*
 * Whole page tables move as they are, but not the one that the source begins or ends
 * in: a neighbour has entries in it.
 *
 *	tables       |          |          |          |
 *	mappings     [ w       ][ r            ][ w   ]
 *	source       [.........................]         or
 *	                  [...........................]
 */
TEST(neighbours_in_a_table)
{
	char *const base[] = { ARENA_BASE(0), ARENA_BASE(1) };
	size_t table, half;
	int start, i, j;

	page = sysconf(_SC_PAGESIZE);
	table = page * (page / sizeof(uint64_t));
	half = table / 2;
	if (8 * table > ARENA_SIZE)
		SKIP(return, "tables are too large");
	for (start = 0; start < 2; start++) {
		const ssize_t dest = 4 * table + start * half;
		const size_t stays = start ? 0 : 5 * half;

		for (i = 0; i < 2; i++) {
			char *at = base[i];

			munmap(at, 8 * table);
			ASSERT_EQ(at, map_unit(ANON, at, 3 * table, -1, 0));
			madvise(at, 3 * table, MADV_NOHUGEPAGE);
			for (j = 0; j < 6; j++)
				at[j * half] = 'a' + j;
			ASSERT_EQ(0, mprotect(at + table, 3 * half, PROT_READ));
		}
		move_both(_metadata, base[0], base[1], start * half, 5 * half, dest, MOVE);
		for (i = 0; i < 2; i++) {
			EXPECT_EQ('a' + stays / half, base[i][stays]);
			for (j = start; j < start + 5; j++)
				EXPECT_EQ('a' + j, base[i][4 * table + j * half]);
		}
	}
}

#if __SIZEOF_LONG__ == 8
/*
 * Addresses that a program has to ask for: above 2^47 on x86-64 with five levels
 * of page tables, above 2^48 on 64-bit ARM. The source crosses that border.
 */
TEST(high_addresses)
{
	char *const tops[] = { (char *)(1UL << 47), (char *)(1UL << 48) };
	int i, j, tried = 0;

	page = sysconf(_SC_PAGESIZE);
	for (i = 0; i < 2; i++) {
		char *src = tops[i] - 2 * page, *dst = tops[i] + (1UL << 31);

		if (mmap(src, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			 MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != src)
			continue;
		tried++;
		for (j = 0; j < 4; j++)
			src[j * page] = 'a' + j;
		ASSERT_EQ(0, mprotect(src + page, 2 * page, PROT_READ));
		ASSERT_EQ(0, move_by_one_call(src, 4 * page, dst, MOVE));
		ASSERT_EQ(0, move_by_one_call(dst, 4 * page, src, MOVE));
		ASSERT_EQ(0, move_by_one_call(src, 4 * page, ARENA_BASE(0), MOVE));
		for (j = 0; j < 4; j++)
			EXPECT_EQ('a' + j, ARENA_BASE(0)[j * page]);
		ASSERT_EQ(0, munmap(ARENA_BASE(0), 4 * page));
	}
	if (!tried)
		SKIP(return, "there are none");
}
#endif

#ifdef __aarch64__
#ifndef PR_SET_TAGGED_ADDR_CTRL
#define PR_SET_TAGGED_ADDR_CTRL	55
#define PR_TAGGED_ADDR_ENABLE	1
#endif

/* The top byte of an address is a tag. An old address may have one, a new one not. */
TEST(tagged_addresses)
{
	const unsigned long tag = 0x2aUL << 56;
	char *src = ARENA_BASE(0), *dst = ARENA_BASE(1);

	page = sysconf(_SC_PAGESIZE);
	if (prctl(PR_SET_TAGGED_ADDR_CTRL, PR_TAGGED_ADDR_ENABLE, 0, 0, 0))
		SKIP(return, "no tagged addresses");
	ASSERT_EQ(src, mmap(src, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			    MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	src[0] = 'a';
	ASSERT_EQ(0, mprotect(src + page, page, PROT_READ));
	EXPECT_REFUSED(EINVAL, src, 2 * page, 2 * page, MOVE,
		       (char *)((unsigned long)dst | tag));
	EXPECT_EQ(dst, mremap((void *)((unsigned long)src | tag), 2 * page,
			      2 * page, MOVE, dst));
	EXPECT_EQ('a', dst[0]);
}
#endif

/* Many mappings of a page each. Debug kernels may need minutes. */
FIXTURE(slow) {
};

FIXTURE_SETUP(slow)
{
}

FIXTURE_TEARDOWN(slow)
{
}

TEST_F_TIMEOUT(slow, thousand_mappings, 600)
{
	char *one = ARENA_BASE(0), *many = ARENA_BASE(1);
	const ssize_t dest = 64UL << 20;
	char *snap_one, *snap_many;
	int i, n = 1000;

	page = sysconf(_SC_PAGESIZE);
	for (i = 0; i < 2; i++) {
		char *at = i ? many : one;
		int p;

		ASSERT_EQ(at, mmap(at, n * page, PROT_READ | PROT_WRITE, MAP_PRIVATE |
				   MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
		for (p = 0; p < n; p++)
			*(int *)(at + p * page) = p;
		for (p = 0; p < n; p += 2)
			ASSERT_EQ(0, mprotect(at + p * page, page, PROT_READ));
	}
	ASSERT_EQ(one + dest, mremap(one, n * page, n * page, MOVE, one + dest));
	for (i = 0; i < n; i++)
		EXPECT_EQ(i, *(int *)(one + dest + i * page));
	for (i = 0; i < n; i++)
		ASSERT_EQ(many + dest + i * page,
			  mremap(many + i * page, page, page, MOVE, many + dest + i * page));
	snap_one = snapshot(one);
	snap_many = snapshot(many);
	EXPECT_STREQ(snap_many, snap_one);
	free(snap_one);
	free(snap_many);
}

TEST_HARNESS_MAIN
