/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Layouts of several mappings, for tests that move them, and snapshots of
 * mappings, to compare two layouts.
 *
 * An arena is a range of addresses for a source and its destination, used by
 * the test alone. Addresses in a snapshot are relative to the start of the
 * arena, so two arenas with the same content have the same snapshot.
 */
#ifndef __MREMAP_LAYOUT_H
#define __MREMAP_LAYOUT_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mremap_range.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif
#ifndef __NR_mseal
#define __NR_mseal		462
#endif

#define MOVE		(MREMAP_MAYMOVE | MREMAP_FIXED)
#if __SIZEOF_LONG__ == 8
#define ARENA_SIZE	(1UL << 30)
#define ARENA_BASE(i)	((char *)((4UL + 2 * (i)) << 30))
/* User space is in the lower half of the addresses. */
#define USER_END	((char *)LONG_MAX)
#else
#define ARENA_SIZE	(1UL << 29)
#define ARENA_BASE(i)	((char *)((1UL + 2 * (i)) << 29))
#define USER_END	((char *)ULONG_MAX)
#endif

/*
 * Without moves of a range as a whole there is nothing to test. A child finds out, as
 * a sealed page is left.
 */
static void __attribute__((constructor)) skip_without_range_moves(void)
{
	const pid_t child = fork();
	int status;

	if (!child)
		_exit(!mremap_moves_range_as_a_whole());
	if (waitpid(child, &status, 0) == child && !status)
		return;
	ksft_print_header();
	ksft_exit_skip("mremap() does not move a range as a whole\n");
}

enum kind {
	ANON,
	ANON_UNFAULTED,
	ANON_THP,
	ANON_SHARED,
	ANON_LOCKED,
	ANON_KSM,
	ANON_NAMED,
	MEMFD_SHARED,
	MEMFD_PRIVATE,
	HUGETLB_SHARED,
	HUGETLB_PRIVATE,
	SYSV_SHM,
	DEV_ZERO,
	RAMFS_SHARED,
	RAMFS_PRIVATE,
	NR_KINDS,
};

static const char * const kind_names[NR_KINDS] = {
	"anonymous", "anonymous, unfaulted", "anonymous, huge pages",
	"anonymous, shared", "anonymous, locked", "anonymous, KSM",
	"anonymous, named", "memfd, shared", "memfd, private",
	"hugetlb, shared", "hugetlb, private", "System V shared memory",
	"/dev/zero, private", "ramfs, shared", "ramfs, private",
};

/*
 * The units of the source: a writable mapping, a read-only mapping, or a hole.
 * Adjacent mappings differ in protection, so they do not merge.
 *
 *	[ w ][ r ]     [ r ][ w ]     [ w ]
 */
static const char layout_units[] = "wr-rw-w";
#define NR_UNITS	(sizeof(layout_units) - 1)

static inline size_t kind_unit(enum kind kind)
{
	switch (kind) {
	case ANON_THP:
	case HUGETLB_SHARED:
	case HUGETLB_PRIVATE:
		return 2UL << 20;
	default:
		return 4 * sysconf(_SC_PAGESIZE);
	}
}

static inline bool kind_can_split(enum kind kind)
{
	return kind != HUGETLB_SHARED && kind != HUGETLB_PRIVATE;
}

/* The number at the start of each page, the same in every arena. */
static inline uint64_t stamp(size_t unit, size_t page)
{
	return 0xabcd000000000000ULL + ((uint64_t)unit << 32) + page + 1;
}

/* A file with a get_unmapped_area() that accepts every address. */
static inline int ramfs_file(void)
{
	char dir[] = "/tmp/ramfs.XXXXXX", path[64];
	int fd = -1;

	if (!mkdtemp(dir))
		return -1;
	if (!mount("ramfs", dir, "ramfs", 0, NULL)) {
		snprintf(path, sizeof(path), "%s/file", dir);
		fd = open(path, O_RDWR | O_CREAT, 0600);
		/* The filesystem is freed when the file is no longer in use. */
		umount2(dir, MNT_DETACH);
	}
	rmdir(dir);
	return fd;
}

/* Opens the file for the units of a kind. Returns -1 with errno set on failure. */
static inline int kind_file(enum kind kind, size_t len)
{
	int fd;

	switch (kind) {
	case DEV_ZERO:
		return open("/dev/zero", O_RDWR);
	case RAMFS_SHARED:
	case RAMFS_PRIVATE:
		fd = ramfs_file();
		break;
	default:
		fd = memfd_create("layout", 0);
	}
	return fd < 0 || ftruncate(fd, len) ? -1 : fd;
}

static inline bool kind_has_file(enum kind kind)
{
	switch (kind) {
	case MEMFD_SHARED:
	case MEMFD_PRIVATE:
	case DEV_ZERO:
	case RAMFS_SHARED:
	case RAMFS_PRIVATE:
		return true;
	default:
		return false;
	}
}

static inline void *map_unit(enum kind kind, char *addr, size_t len, int fd,
			     size_t offset)
{
	int flags = MAP_FIXED_NOREPLACE;

	switch (kind) {
	case ANON_SHARED:
		flags |= MAP_SHARED | MAP_ANONYMOUS;
		break;
	case MEMFD_SHARED:
	case RAMFS_SHARED:
		flags |= MAP_SHARED;
		break;
	case MEMFD_PRIVATE:
	case RAMFS_PRIVATE:
	case DEV_ZERO:
		flags |= MAP_PRIVATE;
		break;
	case HUGETLB_SHARED:
		flags |= MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB;
		break;
	case HUGETLB_PRIVATE:
		flags |= MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
		break;
	default:
		flags |= MAP_PRIVATE | MAP_ANONYMOUS;
	}
	return mmap(addr, len, PROT_READ | PROT_WRITE, flags, fd, offset);
}

/* Maps the source of an arena. Returns 0, or -1 with errno set. */
static inline int make_layout(enum kind kind, char *start)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	const size_t unit = kind_unit(kind);
	int fd = -1;
	size_t i, p;

	if (kind_has_file(kind)) {
		fd = kind_file(kind, NR_UNITS * unit);
		if (fd < 0)
			return -1;
	}

	for (i = 0; i < NR_UNITS; i++) {
		char *addr = start + i * unit;

		if (layout_units[i] == '-')
			continue;

		if (kind == SYSV_SHM) {
			int id = shmget(IPC_PRIVATE, unit, IPC_CREAT | 0600);

			if (id < 0 || shmat(id, addr, 0) != addr)
				return -1;
			shmctl(id, IPC_RMID, NULL);
		} else if (map_unit(kind, addr, unit, fd, i * unit) != addr) {
			return -1;
		}

		if (kind == ANON_THP && madvise(addr, unit, MADV_HUGEPAGE))
			return -1;
		if (kind == ANON_KSM && madvise(addr, unit, MADV_MERGEABLE))
			return -1;
		if (kind == ANON_LOCKED && mlock(addr, unit))
			return -1;
		if (kind == ANON_NAMED &&
		    prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, addr, unit, "unit"))
			return -1;

		for (p = 0; kind != ANON_UNFAULTED && p < unit / page; p++)
			*(uint64_t *)(addr + p * page) = stamp(i, p);

		if (layout_units[i] == 'r' && mprotect(addr, unit, PROT_READ))
			return -1;
	}
	if (fd >= 0)
		close(fd);
	return 0;
}

/* Returns the number of wrong pages in [from, to), which are offsets in bytes. */
static inline size_t check_layout(enum kind kind, const char *start,
				  size_t from, size_t to)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	const size_t unit = kind_unit(kind);
	size_t at, wrong = 0;

	for (at = from; at < to; at += page) {
		uint64_t want = stamp(at / unit, at % unit / page);

		if (layout_units[at / unit] == '-')
			continue;
		if (kind == ANON_UNFAULTED)
			want = 0;
		wrong += *(const volatile uint64_t *)(start + at) != want;
	}
	return wrong;
}

struct segment {
	char *start;
	size_t len;
};

/* Finds the parts of mappings in [start, end). Returns the number of parts. */
static inline size_t find_segments(char *start, char *end, struct segment *seg,
				   size_t max)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	char line[512];
	size_t n = 0;

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		if (from < (unsigned long)start)
			from = (unsigned long)start;
		if (to > (unsigned long)end)
			to = (unsigned long)end;
		if (from >= to || n == max)
			continue;
		seg[n].start = (char *)from;
		seg[n++].len = to - from;
	}
	if (maps)
		fclose(maps);
	return n;
}

static inline int move_by_one_call(char *from, size_t len, char *to, int flags)
{
	return mremap(from, len, len, flags, to) == to ? 0 : -1;
}

/* A call for each segment. The one call must have the same result. */
static inline int move_by_many_calls(char *from, size_t len, char *to, int flags)
{
	struct segment seg[256];
	size_t n = find_segments(from, from + len, seg, 256);
	size_t i;

	for (i = 0; i < n; i++) {
		char *new = to + (seg[i].start - from);

		if (mremap(seg[i].start, seg[i].len, seg[i].len, flags, new) != new)
			return -1;
	}
	return 0;
}

/*
 * Returns the text of smaps for the mappings in an arena, with addresses relative
 * to the start of the arena and without inode numbers. The caller frees the text.
 */
static inline char *snapshot(const char *arena)
{
	const unsigned long base = (unsigned long)arena;
	FILE *smaps = fopen("/proc/self/smaps", "r");
	unsigned long from, to, offset;
	char line[512], prot[8], dev[16];
	bool inside = false;
	char *text = NULL;
	size_t size;
	FILE *out;
	int name;

	if (!smaps)
		return NULL;
	out = open_memstream(&text, &size);

	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx %7s %lx %15s %*u %n", &from, &to,
			   prot, &offset, dev, &name) == 5) {
			inside = from >= base && to <= base + ARENA_SIZE;
			/* The offset of unfaulted /dev/zero may be its address. */
			if (offset == from)
				offset -= base;
			if (inside)
				fprintf(out, "%lx-%lx %s %lx %s\n", from - base,
					to - base, prot, offset,
					strcspn(line + name, "\n") ?
					strtok(line + name, "\n") : "");
		} else if (inside) {
			fputs(line, out);
		}
	}
	fclose(out);
	fclose(smaps);
	return text;
}

/*
 * The exact counts of /proc/self/status, in kB. The Rss* counts are sums over
 * CPUs, and not exact. In smaps the same figures come from the page tables.
 */
#define NR_COUNTS	7
static const char * const count_names[NR_COUNTS] = {
	"VmSize:", "VmLck:", "VmPin:", "VmData:", "VmStk:", "VmExe:", "VmLib:",
};

struct counts {
	long kb[NR_COUNTS];
};

static inline long read_count(const char *file, const char *name)
{
	FILE *f = fopen(file, "r");
	char line[256];
	long kb = -1;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			kb = strtol(line + strlen(name), NULL, 10);
	if (f)
		fclose(f);
	return kb;
}

static inline struct counts read_counts(void)
{
	struct counts c;
	int i;

	for (i = 0; i < NR_COUNTS; i++)
		c.kb[i] = read_count("/proc/self/status", count_names[i]);
	return c;
}

/* Reads the entry of the page at @addr from /proc/self/pagemap. */
static inline bool read_pagemap(const char *addr, uint64_t *entry)
{
	const off_t at = (unsigned long)addr / sysconf(_SC_PAGESIZE) * sizeof(*entry);
	int fd = open("/proc/self/pagemap", O_RDONLY);
	bool done = pread(fd, entry, sizeof(*entry), at) == sizeof(*entry);

	close(fd);
	return done;
}

/* Replaces the contents of a file, like > in a shell. */
static inline bool write_text(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_TRUNC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Maps a page just below @addr, in place of any other mapping. */
static inline char *map_below(char *addr)
{
	const size_t page = sysconf(_SC_PAGESIZE);

	return mmap(addr - page, page, PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/* Maps an AIO ring for so many events at @addr. Returns its length, or 0 without AIO. */
static inline size_t map_ring_for(unsigned int events, char *addr)
{
	aio_context_t ctx = 0;
	struct segment seg;

	if (syscall(__NR_io_setup, events, &ctx))
		return 0;
	if (!find_segments((char *)ctx, (char *)ctx + (1 << 20), &seg, 1))
		return 0;
	if (mremap(seg.start, seg.len, seg.len, MOVE, addr) != addr)
		return 0;
	return seg.len;
}

/*
 * Maps an AIO ring at @addr. Returns its length, or 0 without AIO. For a ring whose
 * vm_ops->mremap() refuses a move, after all mappings below it have moved, see
 * refusing_ring().
 */
static inline size_t map_ring(char *addr)
{
	return map_ring_for(1, addr);
}

/*
 * For a child: has memory at @addr whose vm_ops->mremap() refuses a move, and returns
 * its length, or 0 without AIO. @ring is the length of a ring that the parent has
 * there. A child that inherits it does not own it, and so cannot move it. Where a ring
 * is not inherited, a part of one of the child's own cannot move.
 */
static inline size_t refusing_ring(char *addr, size_t ring)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	unsigned char in_core;

	if (!mincore(addr, page, &in_core))
		return ring;
	ring = map_ring_for(1024, addr);
	return ring ? ring - page : 0;
}

/*
 * For tests: moves [from, from + len) to dest, by one call and by many calls, and
 * compares the results. Both from and dest are relative to the sources.
 */
static inline void move_both(struct __test_metadata *_metadata, char *one,
			     char *many, ssize_t from, size_t len, ssize_t dest,
			     int flags)
{
	struct counts before, after_one, after_many;
	char *snap_one, *snap_many;
	long peak, charged[3];
	int i;

	before = read_counts();
	peak = read_count("/proc/self/status", "VmPeak:");
	charged[0] = read_count("/proc/meminfo", "Committed_AS:");
	ASSERT_EQ(0, move_by_one_call(one + from, len, one + dest, flags)) {
		TH_LOG("mremap: %s", strerror(errno));
	}
	after_one = read_counts();
	charged[1] = read_count("/proc/meminfo", "Committed_AS:");
	if (!(flags & MREMAP_DONTUNMAP))
		EXPECT_EQ(peak, read_count("/proc/self/status", "VmPeak:"));

	ASSERT_EQ(0, move_by_many_calls(many + from, len, many + dest, flags));
	after_many = read_counts();
	charged[2] = read_count("/proc/meminfo", "Committed_AS:");

	for (i = 0; i < NR_COUNTS; i++)
		EXPECT_EQ(after_one.kb[i] - before.kb[i],
			  after_many.kb[i] - after_one.kb[i]) {
			TH_LOG("count %d differs, see count_names[]", i);
		}
	EXPECT_EQ(charged[1] - charged[0], charged[2] - charged[1]);

	snap_one = snapshot(one - ARENA_SIZE / 2);
	snap_many = snapshot(many - ARENA_SIZE / 2);
	ASSERT_NE(NULL, snap_one);
	ASSERT_NE(NULL, snap_many);
	EXPECT_STREQ(snap_many, snap_one);
	free(snap_one);
	free(snap_many);
}

/* For tests: a call that fails and does not change the first arena. */
#define EXPECT_REFUSED(errno_, old, old_len, new_len, flags, new)	\
do {									\
	char *before_ = snapshot(ARENA_BASE(0));			\
	char *after_;							\
	void *ret_;							\
									\
	errno = 0;							\
	ret_ = mremap((void *)(old), old_len, new_len, flags,		\
		      (void *)(new));					\
	EXPECT_EQ(MAP_FAILED, ret_);					\
	EXPECT_EQ(errno_, errno) {					\
		TH_LOG("got: %s", strerror(errno));			\
	}								\
	after_ = snapshot(ARENA_BASE(0));				\
	EXPECT_STREQ(before_, after_);					\
	free(before_);							\
	free(after_);							\
} while (0)

#endif	/* __MREMAP_LAYOUT_H */
