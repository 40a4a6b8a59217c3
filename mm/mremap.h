/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state of an mremap() call, and what its C and Rust parts share.
 */
#ifndef __MM_MREMAP_H
#define __MM_MREMAP_H

#include <linux/mm.h>
#include <linux/userfaultfd_k.h>

/**
 * struct mremap_call - one call of mremap(), from its arguments to its outcome
 * @addr: start of the source, bytes, tag removed
 * @old_len: length of the source in bytes, rounded up to pages
 * @new_len: length of the result in bytes, rounded up to pages
 * @flags: MREMAP_* as passed by user space
 * @new_addr: start of the destination; where the kernel chooses it, set then
 * @uf: userfaultfd context that is told of the move
 * @uf_unmap_early: userfaultfd events for what is unmapped at the destination
 * @uf_unmap: userfaultfd events for what is unmapped at the source
 * @locked: mmap_lock is held for writing
 * @populate: a %VM_LOCKED mapping was grown or moved
 */
struct mremap_call {
	unsigned long addr;
	unsigned long old_len;
	unsigned long new_len;
	unsigned long flags;
	unsigned long new_addr;
	struct vm_userfaultfd_ctx uf;
	struct list_head uf_unmap_early;
	struct list_head uf_unmap;
	bool locked;
	bool populate;
};

/* Must the mapping leave its place, whatever its new size is? */
static inline bool mremap_must_move(const struct mremap_call *call)
{
	return call->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
}

/* A move: to a given place, all of it, without a change of size. */
static inline bool mremap_is_move(const struct mremap_call *call)
{
	return (call->flags & MREMAP_FIXED) && call->old_len == call->new_len;
}

/* For the KUnit tests. */
unsigned long do_mremap(struct mremap_call *call);

#endif	/* __MM_MREMAP_H */
