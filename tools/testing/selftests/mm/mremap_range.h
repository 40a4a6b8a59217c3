/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether mremap() moves a range of several mappings as a whole.
 */
#ifndef _MREMAP_RANGE_H
#define _MREMAP_RANGE_H

#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __NR_mseal
#define __NR_mseal 462
#endif

/*
 * With CONFIG_MREMAP_RANGE all of a range moves, or nothing, and nobody sees a part
 * of it moved. Without, or with mremap_range=off, mappings move one after the other,
 * and those before one that is refused have moved.
 *
 * Tries it with two pages, which older kernels do not move by one call, and once more
 * when the second one is sealed, which cannot be unmapped any more. Where there is no
 * mseal(), mappings are taken to move one after the other.
 */
static bool mremap_moves_range_as_a_whole(void)
{
	const size_t page = sysconf(_SC_PAGESIZE), size = 2 * page;
	const int move = MREMAP_MAYMOVE | MREMAP_FIXED;
	bool whole = false;
	unsigned char in_core[2];
	char *from, *to;

	from = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (from == MAP_FAILED)
		return false;
	to = from + size;

	if (!munmap(to, size) && !mprotect(from, page, PROT_READ) &&
	    mremap(from, size, size, move, to) == to &&
	    mremap(to, size, size, move, from) == from &&
	    !syscall(__NR_mseal, from + page, page, 0) &&
	    mremap(from, size, size, move, to) == MAP_FAILED)
		whole = mincore(to, page, in_core);
	munmap(whole ? from : to, page);
	return whole;
}

#endif	/* _MREMAP_RANGE_H */
