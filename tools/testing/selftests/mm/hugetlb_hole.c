// SPDX-License-Identifier: GPL-2.0
/*
 * A hole is punched into a hugetlb file whose page a process has mapped privately,
 * while another thread of the process waits for a huge page of its own there.
 *
 * A kernel that takes the lock of the private mapping for one of a shared mapping
 * writes to other memory, and crashes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../kselftest_harness.h"

#define HUGE	(2UL << 20)

static volatile bool stop;

/* Has one huge page allocated and copied again and again. */
static void *fault(void *page)
{
	while (!stop) {
		*(volatile char *)page = 1;
		madvise(page, HUGE, MADV_DONTNEED);
	}
	return NULL;
}

TEST(punched_while_faulting)
{
	const time_t end = time(NULL) + 15;
	unsigned long holes = 0;
	pthread_t thread;
	char *at;
	int fd;

	fd = memfd_create("hole", MFD_HUGETLB | MFD_HUGE_2MB);
	if (fd < 0 || ftruncate(fd, 2 * HUGE))
		SKIP(return, "no hugetlb memory");
	/* A page of the file, and one for the mapping to write to. */
	at = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED || fallocate(fd, 0, 0, HUGE))
		SKIP(return, "no free huge pages");

	ASSERT_EQ(0, pthread_create(&thread, NULL, fault, at + HUGE));
	while (time(NULL) < end) {
		if (fallocate(fd, 0, 0, HUGE) || madvise(at, HUGE, MADV_DONTNEED))
			break;
		/* Maps the page of the file. */
		(void)*(volatile char *)at;
		if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, HUGE))
			break;
		holes++;
	}
	stop = true;
	pthread_join(thread, NULL);
	EXPECT_LE(end, time(NULL));
	EXPECT_LT(0, holes);
}

TEST_HARNESS_MAIN
