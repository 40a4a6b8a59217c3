// SPDX-License-Identifier: GPL-2.0

#include <linux/hugetlb.h>
#include <linux/ksm.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pgtable.h>

#include "../../mm/internal.h"

unsigned long rust_helper_TASK_SIZE(void)
{
	return TASK_SIZE;
}

unsigned long rust_helper_vma_kernel_pagesize(struct vm_area_struct *vma)
{
	return vma_kernel_pagesize(vma);
}

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
