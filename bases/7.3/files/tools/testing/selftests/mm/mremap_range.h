/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether mremap() moves a range of several mappings as a whole.
 */
#ifndef _MREMAP_RANGE_H
#define _MREMAP_RANGE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Does a line of a file start with @start, or have @text in it? */
static bool mremap_file_has(const char *path, const char *start, const char *text)
{
	char line[4096];
	bool found = false;
	FILE *file = fopen(path, "r");

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = (start && !strncmp(line, start, strlen(start))) ||
			(text && strstr(line, text));
	fclose(file);
	return found;
}

/*
 * With CONFIG_MREMAP_RANGE all of a range moves, or nothing, and nobody sees a part
 * of it moved. Without, mappings move one after the other, and those before one
 * that is refused have moved.
 */
static bool mremap_moves_range_as_a_whole(void)
{
	return mremap_file_has("/proc/vmstat", "mremap_range ", NULL) &&
	       !mremap_file_has("/proc/cmdline", NULL, "mremap_range=off");
}

#endif	/* _MREMAP_RANGE_H */
