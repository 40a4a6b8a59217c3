/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Moves of a range of VMAs by one mremap(): what C and Rust call each other for.
 */
#ifndef __MM_MREMAP_H
#define __MM_MREMAP_H

#include <linux/mm.h>

/**
 * struct mremap_range - a move of a range of VMAs, and its outcome
 * @addr: start of the source, bytes
 * @new_addr: start of the destination, bytes
 * @len: length of both, bytes
 * @dontunmap: whether the VMAs of the source stay, without pages
 * @uf_unmap: list of userfaultfd events for what is unmapped at the destination
 * @placeholders: list head, initialised and empty, before and after
 * @relocated: how many VMAs were relocated
 * @copied: how many VMAs were copied
 * @aborted: whether the move had begun when it failed, and was rolled back
 * @rest_before: whether a VMA was split at the start of the source, and what it had
 *	before that is still there
 * @rest_after: whether a VMA was split at the end of the source, and what it had
 *	after that is still there
 */
struct mremap_range {
	unsigned long addr;
	unsigned long new_addr;
	unsigned long len;
	bool dontunmap;
	struct list_head *uf_unmap;
	struct list_head placeholders;
	unsigned long relocated;
	unsigned long copied;
	bool aborted;
	bool rest_before;
	bool rest_after;
};

/* mm/mremap_range/ */
int mremap_move_range(struct mm_struct *mm, struct mremap_range *range);

/* mm/mremap.c: checks */
int mremap_check_move(struct vm_area_struct *vma, unsigned long addr,
		      unsigned long len, unsigned long new_addr,
		      bool dontunmap);
int mremap_check_unmap(struct vm_area_struct *vma, unsigned long start,
		       unsigned long end);
bool mremap_may_add_vmas(struct mm_struct *mm, unsigned long peak,
			 unsigned long added, unsigned long removed);
bool mremap_may_expand(struct mm_struct *mm, unsigned long pages, bool data,
		       unsigned long data_pages);
bool mremap_moves_tables(void);

/* mm/mremap.c: steps of a move */
int mremap_unmerge_ksm(struct vm_area_struct *vma, unsigned long start,
		       unsigned long end);
int mremap_split(struct mm_struct *mm, unsigned long addr);
int mremap_relocate(struct vm_area_struct **vmas, unsigned int nr,
		    unsigned long addr, struct list_head *placeholders);
int mremap_copy(struct vm_area_struct *vma, unsigned long addr,
		unsigned long len, unsigned long new_addr);

/* mm/mremap.c: steps back */
bool mremap_relocate_back(struct vm_area_struct **vmas, unsigned int nr,
			  unsigned long addr);
void mremap_copy_back(struct vm_area_struct *vma, unsigned long addr,
		      unsigned long len, unsigned long new_addr);
void mremap_unsplit(struct mm_struct *mm, unsigned long addr);
int mremap_call_hook(struct vm_area_struct *vma);

/* mm/mremap.c: completion */
void mremap_unlink_range(struct mm_struct *mm, unsigned long start,
			 unsigned long end, bool copies);
void mremap_complete_dontunmap(struct mm_struct *mm, unsigned long start,
			       unsigned long end,
			       struct list_head *placeholders, bool all);
void mremap_free_placeholders(struct list_head *placeholders);
void mremap_merge(struct mm_struct *mm, unsigned long start, unsigned long end,
		  bool with_prev, bool with_next);

/* mremap(), for the KUnit tests. */
unsigned long mremap_for_test(unsigned long addr, unsigned long old_len,
			      unsigned long new_len, unsigned long flags,
			      unsigned long new_addr);

#endif	/* __MM_MREMAP_H */
