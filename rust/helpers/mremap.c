// SPDX-License-Identifier: GPL-2.0

#include <kunit/test-bug.h>
#include <linux/ksm.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pgtable.h>

#include "../../mm/internal.h"

void rust_helper_vma_start_write(struct vm_area_struct *vma)
{
	vma_start_write(vma);
}

int rust_helper_mm_ksm_unmerge(struct vm_area_struct *vma, unsigned long start,
			       unsigned long end)
{
	unsigned long vm_flags = vma->vm_flags;

	return ksm_madvise(vma, start, end, MADV_UNMERGEABLE, &vm_flags);
}

void rust_helper_validate_mm(struct mm_struct *mm)
{
	validate_mm(mm);
}

void rust_helper_mm_untrack_pfn(struct vm_area_struct *vma)
{
	untrack_pfn_clear(vma);
}

void rust_helper_mremap_warn_left_at_destination(void)
{
	/* A test brings it about. */
	WARN_ON_ONCE(!kunit_get_current_test());
}
