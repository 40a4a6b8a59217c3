// SPDX-License-Identifier: GPL-2.0
/*
 * A child of fork() finds the data of private huge pages, of each size that the
 * system has free pages of.
 *
 * Page tables of the child are made of pages that others have used. What these left
 * in struct page must not make fork() think that there is nothing to copy.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../kselftest.h"
#include "free_slabs.h"

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT	26
#endif

#define SIZES	"/sys/kernel/mm/hugepages"
#define FORKS	20
/* With all checks of the kernel on, a fork takes half a minute. */
#define SECONDS	60
/* How many huge pages of a size are used at most. */
#define MAX	32

static long free_pages(const char *name)
{
	char path[PATH_MAX];
	long count = 0;
	FILE *file;

	snprintf(path, sizeof(path), SIZES "/%s/free_hugepages", name);
	file = fopen(path, "r");
	if (file) {
		if (fscanf(file, "%ld", &count) != 1)
			count = 0;
		fclose(file);
	}
	return count < MAX ? count : MAX;
}

/* Does a child find what the parent has written to @pages? */
static bool child_finds_data(char *pages[], long count)
{
	int status;
	pid_t child;
	long i;

	free_slabs();
	child = fork();
	if (child < 0)
		ksft_exit_fail_perror("fork");
	if (!child) {
		for (i = 0; i < count; i++) {
			if (pages[i][0] != 'a')
				_exit(1);
		}
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child)
		ksft_exit_fail_perror("waitpid");
	return !status;
}

static void test_size(const char *name, unsigned long size)
{
	const int huge = MAP_HUGETLB | (__builtin_ctzl(size) << MAP_HUGE_SHIFT);
	const long count = free_pages(name);
	const time_t end = time(NULL) + SECONDS;
	char *pages[MAX];
	bool found = true;
	int forks;
	long i;

	for (i = 0; i < count; i++) {
		pages[i] = mmap(NULL, size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | huge, -1, 0);
		if (pages[i] == MAP_FAILED)
			break;
		pages[i][0] = 'a';
	}
	if (i) {
		for (forks = 0; found && forks < FORKS && time(NULL) < end; forks++)
			found = child_finds_data(pages, i);
		ksft_test_result(found, "%s: %ld pages, fork %d of %d is the last\n",
				 name, i, forks, FORKS);
	} else {
		ksft_test_result_skip("%s: none is free\n", name);
	}
	while (i--)
		munmap(pages[i], size);
}

int main(void)
{
	struct dirent *entry;
	unsigned long kib;
	int sizes = 0;
	DIR *dir;

	ksft_print_header();
	dir = opendir(SIZES);
	if (!dir)
		ksft_exit_skip("no huge pages\n");
	while ((entry = readdir(dir)))
		sizes += sscanf(entry->d_name, "hugepages-%lukB", &kib) == 1;
	ksft_set_plan(sizes);
	rewinddir(dir);
	while ((entry = readdir(dir))) {
		if (sscanf(entry->d_name, "hugepages-%lukB", &kib) == 1)
			test_size(entry->d_name, kib << 10);
	}
	closedir(dir);
	ksft_finished();
}
