// SPDX-License-Identifier: GPL-2.0

#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>
#include <linux/security.h>

#include "../../mm/internal.h"

unsigned long rust_helper_TASK_SIZE(void)
{
	return TASK_SIZE;
}

void rust_helper_mmget(struct mm_struct *mm)
{
	mmget(mm);
}

int rust_helper_mmap_write_lock_killable(struct mm_struct *mm)
{
	return mmap_write_lock_killable(mm);
}

void rust_helper_mmap_write_unlock(struct mm_struct *mm)
{
	mmap_write_unlock(mm);
}

void rust_helper_vma_iter_init(struct vma_iterator *vmi, struct mm_struct *mm,
			       unsigned long addr)
{
	vma_iter_init(vmi, mm, addr);
}

struct vm_area_struct *rust_helper_vma_find(struct vma_iterator *vmi,
					    unsigned long max)
{
	return vma_find(vmi, max);
}

struct vm_area_struct *rust_helper_vma_lookup(struct mm_struct *mm,
					      unsigned long addr)
{
	return vma_lookup(mm, addr);
}

unsigned long rust_helper_vma_kernel_pagesize(struct vm_area_struct *vma)
{
	return vma_kernel_pagesize(vma);
}

bool rust_helper_can_modify_vma(struct vm_area_struct *vma)
{
	return can_modify_vma(vma);
}

bool rust_helper_is_data_mapping(vm_flags_t flags)
{
	return is_data_mapping(flags);
}

bool rust_helper_mm_is_current(const struct mm_struct *mm)
{
	return mm == current->mm;
}

int rust_helper_mm_charge_checked(struct mm_struct *mm, long pages)
{
	return security_vm_enough_memory_mm(mm, pages);
}

void rust_helper_vm_acct_memory(long pages)
{
	vm_acct_memory(pages);
}

void rust_helper_vm_unacct_memory(long pages)
{
	vm_unacct_memory(pages);
}
