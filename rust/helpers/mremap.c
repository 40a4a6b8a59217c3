// SPDX-License-Identifier: GPL-2.0

#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/security.h>
#include <linux/shm.h>

#include "../../mm/internal.h"

__rust_helper unsigned long rust_helper_TASK_SIZE(void)
{
	return TASK_SIZE;
}

__rust_helper unsigned long rust_helper_vma_kernel_pagesize(struct vm_area_struct *vma)
{
	return vma_kernel_pagesize(vma);
}

__rust_helper bool rust_helper_is_data_mapping(vm_flags_t flags)
{
	return is_data_mapping(flags);
}

__rust_helper bool rust_helper_vma_is_shm(struct vm_area_struct *vma)
{
	return vma_is_shm(vma);
}

__rust_helper void rust_helper_shm_vma_moved(struct vm_area_struct *vma)
{
	shm_vma_moved(vma);
}

__rust_helper int rust_helper_security_vm_enough_memory_mm(struct mm_struct *mm, long pages)
{
	return security_vm_enough_memory_mm(mm, pages);
}

__rust_helper void rust_helper_vm_acct_memory(long pages)
{
	vm_acct_memory(pages);
}

__rust_helper void rust_helper_vm_unacct_memory(long pages)
{
	vm_unacct_memory(pages);
}

__rust_helper void rust_helper_validate_mm(struct mm_struct *mm)
{
	validate_mm(mm);
}
