// SPDX-License-Identifier: GPL-2.0
/*
 * mremap() of a range of several mappings: calls that are refused, or fail.
 *
 * The rules are in Documentation/userspace-api/mremap_range.rst.
 */
#define _GNU_SOURCE
#include <linux/aio_abi.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "../kselftest_harness.h"
#include "mremap_layout.h"

static size_t page;

/*
 * The reasons to refuse a call. A refusal must not change any mapping.
 */
FIXTURE(refuse) {
	char *src;
	char *dst;
	size_t len;
};

FIXTURE_SETUP(refuse)
{
	page = sysconf(_SC_PAGESIZE);
	self->src = ARENA_BASE(0) + ARENA_SIZE / 2;
	self->len = NR_UNITS * kind_unit(ANON);
	self->dst = self->src + 4 * self->len;
	ASSERT_EQ(0, make_layout(ANON, self->src));
	/* Mappings at the destination, which a refusal must not unmap. */
	ASSERT_EQ(0, make_layout(MEMFD_SHARED, self->dst));
}

FIXTURE_TEARDOWN(refuse)
{
}

#define EXPECT_MOVE_REFUSED(errno_) \
	EXPECT_REFUSED(errno_, self->src, self->len, self->len, MOVE, self->dst)

TEST_F(refuse, parameters)
{
	char *src = self->src, *dst = self->dst;
	const size_t len = self->len;

	EXPECT_REFUSED(EINVAL, src, len, len, MOVE | 8, dst);
	EXPECT_REFUSED(EINVAL, src, len, len, MREMAP_FIXED, dst);
	EXPECT_REFUSED(EINVAL, src, len, len, MREMAP_DONTUNMAP, dst);
	EXPECT_REFUSED(EINVAL, src, len, len, MREMAP_FIXED | MREMAP_DONTUNMAP, dst);
	EXPECT_REFUSED(EINVAL, src + 1, len, len, MOVE, dst);
	EXPECT_REFUSED(EINVAL, src, len, len, MOVE, dst + 1);
	EXPECT_REFUSED(EINVAL, src, 0, 0, MOVE, dst);
	EXPECT_REFUSED(EINVAL, src, -page, -page, MOVE, dst);
	EXPECT_REFUSED(EINVAL, src, -1UL, -1UL, MOVE, dst);
	EXPECT_REFUSED(EINVAL, src, len, len, MOVE, -page);
	EXPECT_REFUSED(EINVAL, src, len, len, MOVE, -len);
	EXPECT_REFUSED(EINVAL, src, len, len, MOVE, src);
	EXPECT_REFUSED(EINVAL, src, len, len, MOVE, src + len - page);
	EXPECT_REFUSED(EINVAL, src, len, len, MOVE, src - len + page);
	EXPECT_REFUSED(EINVAL, src, len, len + page, MOVE | MREMAP_DONTUNMAP, dst);
	EXPECT_REFUSED(EINVAL, src, len, len - page, MOVE | MREMAP_DONTUNMAP, dst);
	EXPECT_REFUSED(EFAULT, -4UL * page, 8 * page, 8 * page, MOVE, dst);
}

/* Of two errors, the one in the parameters is reported. */
TEST_F(refuse, parameters_before_mappings)
{
	ASSERT_EQ(0, munmap(self->src, page));
	EXPECT_REFUSED(EINVAL, self->src, self->len, self->len, MOVE, self->dst + 1);
	EXPECT_REFUSED(EINVAL, self->src, self->len, self->len, MOVE | 8, self->dst);
	EXPECT_REFUSED(EINVAL, self->src, self->len, self->len, MOVE, self->src + page);
}

TEST_F(refuse, nothing_mapped_at_the_start)
{
	ASSERT_EQ(0, munmap(self->src, page));
	EXPECT_MOVE_REFUSED(EFAULT);
}

/* Before Linux 6.17, the mapping is checked first if the size changes. */
static bool checks_mapping_first(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	return !uname(&name) && sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
		(major < 6 || (major == 6 && minor < 17));
}

/* With a change of size, the mapping is checked before the destination. */
TEST_F(refuse, mapping_before_destination_with_change_of_size)
{
	const size_t unit = kind_unit(ANON);
	char *const overlap = self->src + page;

	if (!checks_mapping_first())
		SKIP(return, "the parameters are always checked first");

	EXPECT_REFUSED(EINVAL, self->src, unit, 2 * unit, MOVE, overlap);
	EXPECT_REFUSED(EINVAL, self->src, unit, 2 * unit, MOVE, self->dst + 1);
	EXPECT_REFUSED(EFAULT, self->src + 2 * unit, unit, 2 * unit, MOVE,
		       self->dst + 1);
	if (syscall(__NR_mseal, self->src, unit, 0))
		SKIP(return, "no mseal");
	EXPECT_REFUSED(EPERM, self->src, unit, 2 * unit, MOVE, overlap);
}

/* Only calls with MREMAP_FIXED and no change of size can move several mappings. */
TEST_F(refuse, other_calls_with_several_mappings)
{
	const size_t unit = kind_unit(ANON);

	EXPECT_REFUSED(EFAULT, self->src, 2 * unit, 3 * unit, MREMAP_MAYMOVE, 0);
	EXPECT_REFUSED(EFAULT, self->src, 2 * unit, 2 * unit,
		       MREMAP_MAYMOVE | MREMAP_DONTUNMAP, self->dst);
}

TEST_F(refuse, userfaultfd)
{
	static const int units[] = { 0, 3, 6 };
	const size_t unit = kind_unit(ANON);
	struct uffdio_api api = { .api = UFFD_API };
	size_t i;
	int fd;

	fd = syscall(__NR_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	if (fd < 0)
		SKIP(return, "no userfaultfd");
	ASSERT_EQ(0, ioctl(fd, UFFDIO_API, &api));

	for (i = 0; i < 3; i++) {
		struct uffdio_register reg = {
			.range = {
				.start = (unsigned long)self->src + units[i] * unit,
				.len = unit,
			},
			.mode = UFFDIO_REGISTER_MODE_MISSING,
		};

		ASSERT_EQ(0, ioctl(fd, UFFDIO_REGISTER, &reg));
		EXPECT_MOVE_REFUSED(EFAULT);
		ASSERT_EQ(0, ioctl(fd, UFFDIO_UNREGISTER, &reg.range));
	}
	EXPECT_EQ(self->dst, mremap(self->src, self->len, self->len, MOVE, self->dst));
}

TEST_F(refuse, sealed_source)
{
	const size_t unit = kind_unit(ANON);

	if (syscall(__NR_mseal, self->src + 4 * unit, unit, 0))
		SKIP(return, "no mseal");
	EXPECT_MOVE_REFUSED(EPERM);
	/* The units before the sealed one can move. */
	EXPECT_EQ(self->dst, mremap(self->src, 4 * unit, 4 * unit, MOVE, self->dst));
}

TEST_F(refuse, sealed_destination)
{
	const size_t unit = kind_unit(ANON);

	if (syscall(__NR_mseal, self->dst + 6 * unit, unit, 0))
		SKIP(return, "no mseal");
	EXPECT_MOVE_REFUSED(EPERM);
}

TEST_F(refuse, sealed_under_a_hole)
{
	const size_t unit = kind_unit(ANON);
	char *at = self->dst + 2 * unit;

	ASSERT_EQ(at, mmap(at, unit, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
			   MAP_FIXED_NOREPLACE, -1, 0));
	if (syscall(__NR_mseal, at, unit, 0))
		SKIP(return, "no mseal");
	EXPECT_EQ(self->dst, mremap(self->src, self->len, self->len, MOVE, self->dst));
	EXPECT_EQ(0, check_layout(ANON, self->dst, 0, self->len));
}

TEST_F(refuse, address_too_low)
{
	if (setresuid(65534, 65534, 65534))
		SKIP(return, "cannot give up privileges");
	EXPECT_REFUSED(EPERM, self->src, self->len, self->len, MOVE, 0);
}

TEST_F(refuse, unaligned_hugetlb)
{
	const size_t huge = kind_unit(HUGETLB_SHARED);
	char *src = ARENA_BASE(0) + (64UL << 20);

	if (make_layout(HUGETLB_SHARED, src))
		SKIP(return, "no huge pages");
	/* The source and the destination are not huge page aligned. */
	EXPECT_REFUSED(EINVAL, src + page, 2 * huge, 2 * huge, MOVE, src + 32 * huge);
	EXPECT_REFUSED(EINVAL, src, 2 * huge, 2 * huge, MOVE, src + 32 * huge + page);
}

/*
 * A source that ends inside a huge page is rounded up to the end of that page.
 * The rounded length is too long.
 *
 *	[ r ][ huge page ][ huge page ]
 *	[ source ............. ]
 *	[ rounded up ................ ]
 */
TEST_F(refuse, hugetlb_rounded_up)
{
	const size_t huge = kind_unit(HUGETLB_SHARED), len = page + huge + page;
	char *src = ARENA_BASE(0) + (64UL << 20);

	if (make_layout(HUGETLB_SHARED, src))
		SKIP(return, "no huge pages");
	ASSERT_EQ(src - page, mmap(src - page, page, PROT_READ, MAP_PRIVATE |
				   MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	/* Source and destination overlap when rounded up. */
	EXPECT_REFUSED(EINVAL, src - page, len, len, MOVE, src - page + 2 * huge);
	EXPECT_REFUSED(EINVAL, src - page, len, len, MOVE, src - page - 2 * huge);
#if __SIZEOF_LONG__ == 8
	/*
	 * The destination goes beyond the end of user space, which is here on
	 * most machines.
	 */
	char *const top = (char *)(1UL << 47);

	if (mmap(top, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		 MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		EXPECT_REFUSED(EINVAL, src - page, len, len, MOVE,
			       top - 2 * huge - page);
	else
		munmap(top, page);
#endif
}

/* A hugetlb mapping at the destination cannot be split inside a huge page. */
TEST_F(refuse, hugetlb_split_at_destination)
{
	const size_t huge = kind_unit(HUGETLB_SHARED);
	char *dst = ARENA_BASE(0) + (64UL << 20);

	if (make_layout(HUGETLB_SHARED, dst))
		SKIP(return, "no huge pages");
	EXPECT_REFUSED(EINVAL, self->src, self->len, self->len, MOVE,
		       dst + huge - self->len / 2);
}

/* The kernel chooses the address of the rings of an io_uring. */
TEST_F(refuse, address_chosen_by_driver)
{
	unsigned int params[30] = {};
	char *ring, *below;
	int fd;

	fd = syscall(425 /* io_uring_setup */, 4, params);
	if (fd < 0)
		SKIP(return, "no io_uring");
	ring = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, ring);
	below = map_below(ring);
	ASSERT_EQ(ring - page, below);
	EXPECT_REFUSED(EFAULT, below, 2 * page, 2 * page, MOVE, self->dst);
}

TEST_F(refuse, dontunmap_of_a_fixed_size)
{
	aio_context_t ctx = 0;
	char *ring, *below;

	if (syscall(__NR_io_setup, 1, &ctx))
		SKIP(return, "no aio");
	ring = (char *)ctx;
	below = map_below(ring);
	ASSERT_EQ(ring - page, below);
	EXPECT_REFUSED(EINVAL, below, 2 * page, 2 * page, MOVE | MREMAP_DONTUNMAP,
		       self->dst);
}

TEST_F(refuse, too_many_mappings)
{
	long max = read_count("/proc/sys/vm/max_map_count", "");
	char text[32];
	size_t n;
	struct segment *seg;

	seg = calloc(4096, sizeof(*seg));
	n = find_segments(NULL, USER_END, seg, 4096);
	free(seg);
	snprintf(text, sizeof(text), "%zu", n);
	if (!write_text("/proc/sys/vm/max_map_count", text))
		SKIP(return, "cannot set the limit");
	EXPECT_MOVE_REFUSED(ENOMEM);
	/*
	 * This limit allows a move that replaces other mappings. It does not
	 * allow a move that keeps the source and splits both ends.
	 */
	snprintf(text, sizeof(text), "%zu", n + 6);
	write_text("/proc/sys/vm/max_map_count", text);
	EXPECT_REFUSED(ENOMEM, self->src + page, self->len - 2 * page,
		       self->len - 2 * page, MOVE | MREMAP_DONTUNMAP,
		       self->dst + 2 * self->len);
	EXPECT_EQ(self->dst, mremap(self->src, self->len, self->len, MOVE, self->dst));
	snprintf(text, sizeof(text), "%ld", max);
	write_text("/proc/sys/vm/max_map_count", text);
}

/* RLIMIT_AS and RLIMIT_DATA apply to the sizes after the call. */
TEST_F(refuse, limits_of_dontunmap)
{
	const int limits[] = { RLIMIT_AS, RLIMIT_DATA };
	static const char * const counts[] = { "VmSize:", "VmData:" };
	struct rlimit old, new;
	char *free_dst = self->dst + 2 * self->len;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, getrlimit(limits[i], &old));
		new = old;
		/* One page more, in case the stack or heap of the test grows. */
		new.rlim_cur = (read_count("/proc/self/status", counts[i]) << 10) + page;
		ASSERT_EQ(0, setrlimit(limits[i], &new));
		errno = 0;
		EXPECT_EQ(MAP_FAILED, mremap(self->src, self->len, self->len,
					     MOVE | MREMAP_DONTUNMAP, free_dst));
		EXPECT_EQ(ENOMEM, errno);
		ASSERT_EQ(0, setrlimit(limits[i], &old));
	}
	/* A move that unmaps as much as it maps adds nothing. */
	ASSERT_EQ(0, getrlimit(RLIMIT_AS, &old));
	new = old;
	new.rlim_cur = (read_count("/proc/self/status", "VmSize:") << 10) + page;
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &new));
	EXPECT_EQ(self->dst, mremap(self->src, self->len, self->len,
				    MOVE | MREMAP_DONTUNMAP, self->dst));
	EXPECT_EQ(0, setrlimit(RLIMIT_AS, &old));
}

#define FAIL_PAGES	"/sys/kernel/debug/fail_page_alloc/"
#define FAIL_NTH	"/proc/thread-self/fail-nth"

static bool read_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "r");
	bool ok = file && fgets(line, size, file);

	if (file)
		fclose(file);
	return ok;
}

/*
 * Allocations that may sleep can fail, of single pages too. Afterwards the settings
 * are as before.
 */
FIXTURE(short_memory) {
	char ignore_wait[8];
	char min_order[16];
};

FIXTURE_SETUP(short_memory)
{
	page = sysconf(_SC_PAGESIZE);
	if (access(FAIL_NTH, W_OK) ||
	    !read_line(FAIL_PAGES "ignore-gfp-wait", self->ignore_wait,
		       sizeof(self->ignore_wait)) ||
	    !read_line(FAIL_PAGES "min-order", self->min_order,
		       sizeof(self->min_order)))
		SKIP(return, "no injection of failing allocations");
	ASSERT_TRUE(write_text(FAIL_PAGES "ignore-gfp-wait", "N"));
	ASSERT_TRUE(write_text(FAIL_PAGES "min-order", "0"));
}

FIXTURE_TEARDOWN(short_memory)
{
	if (self->min_order[0]) {
		write_text(FAIL_PAGES "ignore-gfp-wait", self->ignore_wait);
		write_text(FAIL_PAGES "min-order", self->min_order);
	}
}

/*
 * Moves a range while one allocation fails, the @nth, and returns whether there was
 * such an allocation. Sets @moved.
 */
static bool move_failing(int nth, char *src, size_t len, char *dst, bool *moved)
{
	char text[16];
	bool failed;

	snprintf(text, sizeof(text), "%d", nth);
	if (!write_text(FAIL_NTH, text))
		return false;
	*moved = !move_by_one_call(src, len, dst, MOVE);
	failed = !read_count(FAIL_NTH, "");
	write_text(FAIL_NTH, "0");
	return failed;
}

/*
 * The page tables of the first mapping move as a whole, and the second one gets new
 * ones where they were. If memory is short for that, the first one moves back, to
 * where an upper table is left over.
 *
 *	63 GiB      64 GiB              65 GiB
 *	|    [ first ][ second ]         |             destination
 *	|           |            [ first ][ second ]   source
 */
TEST_F(short_memory, back_to_a_new_table)
{
	const size_t gib = 1UL << 30, gap = 5, rest = 4;
	char *src, *dst, *second;
	bool moved = false;
	size_t len;
	int nth;

	if (sizeof(long) < 8)
		SKIP(return, "too few addresses");
	src = (char *)(64 * gib) + gap * page;
	dst = src - gib;
	second = (char *)(65 * gib);
	len = second - src + rest * page;
	ASSERT_EQ(src, mmap(src, len, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			    MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0));
	ASSERT_EQ(0, madvise(src, len, MADV_NOHUGEPAGE));
	src[0] = 'a';
	second[0] = 'b';
	ASSERT_EQ(0, mprotect(second, rest * page, PROT_READ));

	for (nth = 1; move_failing(nth, src, len, dst, &moved); nth++) {
		ASSERT_GT(1000, nth);
		/* Not all of what it asks for is needed. */
		if (moved)
			ASSERT_EQ(0, move_by_one_call(dst, len, src, MOVE));
		EXPECT_EQ('a', src[0]);
		EXPECT_EQ('b', second[0]);
	}
	EXPECT_LT(1, nth);
	EXPECT_TRUE(moved);
}

TEST_HARNESS_MAIN
