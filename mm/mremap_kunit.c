// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of mremap(): its parameters, and moves of several VMAs in an
 * address space of their own.
 */
#include <kunit/test.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pgalloc.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "mremap.h"

#define MOVE		(MREMAP_MAYMOVE | MREMAP_FIXED)
#define ARENA_PAGES	128

static long move(unsigned long from, unsigned long pages, unsigned long to,
		 unsigned long flags)
{
	unsigned long len = pages << PAGE_SHIFT;
	unsigned long ret = mremap_for_test(from, len, len, MOVE | flags, to);

	return ret == to ? 0 : (long)ret;
}

/* Addresses that nothing is mapped at, in an address space of the test's own. */
static unsigned long make_arena(struct kunit *test)
{
	const unsigned long len = ARENA_PAGES << PAGE_SHIFT;
	unsigned long start;

	start = kunit_vm_mmap(test, NULL, 0, len, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_FALSE(test, !start || IS_ERR_VALUE(start));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(start, len));
	return start;
}

static void map_page(struct kunit *test, unsigned long at, unsigned long prot,
		     unsigned long flags)
{
	flags |= MAP_ANONYMOUS | MAP_FIXED;
	KUNIT_ASSERT_EQ(test, at, vm_mmap(NULL, at, PAGE_SIZE, prot, flags, 0));
}

/*
 * Maps a page for each letter, from @addr on, and writes its number to it:
 *
 *	w  anonymous, may be written		W  the same, shared
 *	r  anonymous, may be read only		R  the same, shared
 *	-  a hole
 */
static void lay_out(struct kunit *test, unsigned long addr, const char *letters)
{
	unsigned long at, prot, flags;
	u32 n;

	for (n = 0; letters[n]; n++) {
		if (letters[n] == '-')
			continue;
		at = addr + (n << PAGE_SHIFT);
		prot = letters[n] == 'w' || letters[n] == 'W' ?
			PROT_READ | PROT_WRITE : PROT_READ;
		flags = letters[n] == 'W' || letters[n] == 'R' ?
			MAP_SHARED : MAP_PRIVATE;
		map_page(test, at, prot, flags);
		if (prot & PROT_WRITE)
			KUNIT_ASSERT_EQ(test, 0, put_user(n + 1, (u32 __user *)at));
	}
}

static struct vm_area_struct *lookup(unsigned long addr)
{
	struct vm_area_struct *vma;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	mmap_read_unlock(current->mm);
	/* Nobody else maps or unmaps here. */
	return vma;
}

/* Expects VMAs at @addr as lay_out() maps them, and nothing in between. */
static void expect_vmas(struct kunit *test, unsigned long addr,
			const char *letters)
{
	struct vm_area_struct *vma;
	u32 n;

	for (n = 0; letters[n]; n++) {
		vma = lookup(addr + (n << PAGE_SHIFT));
		if (letters[n] == '-') {
			KUNIT_EXPECT_NULL(test, vma);
			continue;
		}
		KUNIT_ASSERT_NOT_NULL(test, vma);
		KUNIT_EXPECT_EQ(test, !!(vma->vm_flags & VM_WRITE),
				letters[n] == 'w' || letters[n] == 'W');
		KUNIT_EXPECT_EQ(test, !!(vma->vm_flags & VM_SHARED),
				letters[n] == 'W' || letters[n] == 'R');
	}
}

/* Expects VMAs and values at @addr as lay_out() makes them. */
static void expect_layout(struct kunit *test, unsigned long addr,
			  const char *letters)
{
	u32 n, value;

	expect_vmas(test, addr, letters);
	for (n = 0; letters[n]; n++) {
		const unsigned long at = addr + (n << PAGE_SHIFT);

		if (letters[n] == 'w' || letters[n] == 'W') {
			KUNIT_EXPECT_EQ(test, 0, get_user(value, (u32 __user *)at));
			KUNIT_EXPECT_EQ(test, n + 1, value);
		}
	}
}

static void mix(u64 *sum, u64 value)
{
	*sum = *sum * 31 + value;
}

/*
 * The VMAs of the arena, their rmap, and the accounts, to see that
 * nothing changed.
 */
static u64 fingerprint(unsigned long arena)
{
	VMA_ITERATOR(vmi, current->mm, arena);
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	u64 sum = 0;

	mmap_read_lock(mm);
	mix(&sum, mm->map_count);
	mix(&sum, mm->total_vm);
	mix(&sum, mm->data_vm);
	mix(&sum, mm->locked_vm);
	for_each_vma_range(vmi, vma, arena + (ARENA_PAGES << PAGE_SHIFT)) {
		mix(&sum, vma->vm_start);
		mix(&sum, vma->vm_end);
		mix(&sum, vma->vm_flags);
		mix(&sum, vma->vm_pgoff);
		mix(&sum, (unsigned long)vma->anon_vma);
		mix(&sum, (unsigned long)vma->vm_file);
		if (vma->vm_file)
			mix(&sum, file_count(vma->vm_file));
	}
	mmap_read_unlock(mm);
	return sum;
}

static void refused(struct kunit *test, long error, unsigned long addr,
		    unsigned long old_len, unsigned long new_len,
		    unsigned long flags, unsigned long new_addr)
{
	KUNIT_EXPECT_EQ_MSG(test, error,
			    (long)mremap_for_test(addr, old_len, new_len, flags, new_addr),
			    "%lx %lx %lx %lx %lx", addr, old_len, new_len, flags,
			    new_addr);
}

static void parameters(struct kunit *test)
{
	const unsigned long arena = make_arena(test);
	const unsigned long new = arena + 64 * PAGE_SIZE;
	const unsigned long len = 4 * PAGE_SIZE;
	u64 before;

	lay_out(test, arena, "wrwr");
	before = fingerprint(arena);

	/* unknown flag, FIXED and DONTUNMAP without MAYMOVE */
	refused(test, -EINVAL, arena, len, len, MOVE | 8, new);
	refused(test, -EINVAL, arena, len, len, MREMAP_FIXED, new);
	refused(test, -EINVAL, arena, len, len, MREMAP_DONTUNMAP, new);
	/* not aligned to pages */
	refused(test, -EINVAL, arena + 1, len, len, MOVE, new);
	refused(test, -EINVAL, arena, len, len, MOVE, new + 1);
	/* no length, and lengths that are too large */
	refused(test, -EINVAL, arena, 0, 0, MOVE, new);
	refused(test, -EINVAL, arena, len, 0, MREMAP_MAYMOVE, 0);
	refused(test, -EINVAL, arena, -1UL, -1UL, MOVE, new);
	refused(test, -EINVAL, arena, TASK_SIZE + PAGE_SIZE, TASK_SIZE + PAGE_SIZE, MOVE, new);
	/* beyond the address space */
	refused(test, -EINVAL, arena, len, len, MOVE, TASK_SIZE);
	refused(test, -EINVAL, arena, len, len, MOVE, TASK_SIZE - len + PAGE_SIZE);
	refused(test, -EINVAL, arena, len, len, MOVE, -PAGE_SIZE);
	/* the source wraps */
	refused(test, -EFAULT, -2 * PAGE_SIZE, len, len, MOVE, new);
	/* overlap, by all, the last and the first page */
	refused(test, -EINVAL, arena, len, len, MOVE, arena);
	refused(test, -EINVAL, arena, len, len, MOVE, arena + len - PAGE_SIZE);
	refused(test, -EINVAL, arena + len, len, len, MOVE, arena + PAGE_SIZE);
	/* DONTUNMAP with a change of size */
	refused(test, -EINVAL, arena, len, len + 1, MOVE | MREMAP_DONTUNMAP, new);
	refused(test, -EINVAL, arena, len, PAGE_SIZE, MOVE | MREMAP_DONTUNMAP, new);
	/* nothing wrong but that nothing is mapped */
	refused(test, -EFAULT, arena + 32 * PAGE_SIZE, len, len, MOVE, new);

	KUNIT_EXPECT_EQ(test, before, fingerprint(arena));
	expect_layout(test, arena, "wrwr");
}

static const char * const layouts[] = {
	"wr", "w-w", "wrwrwr", "w--", "wwrr-rrww", "WRWR", "wWrR-rRwW", "w-----W",
};

static void moves(struct kunit *test)
{
	const unsigned long arena = make_arena(test);
	const unsigned long new = arena + 64 * PAGE_SIZE;
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		len = strlen(layouts[i]);
		lay_out(test, arena, layouts[i]);
		KUNIT_ASSERT_EQ(test, 0, move(arena, len, new, 0));
		expect_layout(test, new, layouts[i]);
		expect_layout(test, arena, "----------");
		KUNIT_ASSERT_EQ(test, 0, move(new, len, arena, 0));
		expect_layout(test, arena, layouts[i]);
		KUNIT_ASSERT_EQ(test, 0, vm_munmap(arena, ARENA_PAGES << PAGE_SHIFT));
	}
}

/* VMAs under a hole stay, those under a segment are unmapped. */
static void moves_over_others(struct kunit *test)
{
	const unsigned long arena = make_arena(test);
	const unsigned long new = arena + 64 * PAGE_SIZE;

	lay_out(test, arena, "wr-rw");
	lay_out(test, new, "rwwwww");
	KUNIT_ASSERT_EQ(test, 0, move(arena, 5, new, 0));
	expect_layout(test, new, "wrwrww");
	expect_layout(test, arena, "-----");
}

/* One VMA that must not move, or not so, keeps all of the range where it is. */
static void refuses(struct kunit *test, vm_flags_t vm_flags,
		    unsigned long flags, long error)
{
	const unsigned long arena = make_arena(test);
	const unsigned long new = arena + 64 * PAGE_SIZE;
	struct vm_area_struct *vma;

	lay_out(test, arena, "wr-w");
	lay_out(test, new, "rw");
	vma = lookup(arena + 3 * PAGE_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, vma);
	mmap_write_lock(current->mm);
	vm_flags_set(vma, vm_flags);
	mmap_write_unlock(current->mm);

	KUNIT_EXPECT_EQ(test, error, move(arena, 4, new, flags));
	expect_layout(test, arena, "wr-w");
	expect_layout(test, new, "rw--");
}

static void checks_vmas(struct kunit *test)
{
#ifdef CONFIG_64BIT
	refuses(test, VM_SEALED, 0, -EPERM);
#endif
	refuses(test, VM_DONTEXPAND, MREMAP_DONTUNMAP, -EINVAL);
}

static void dontunmap(struct kunit *test)
{
	const unsigned long arena = make_arena(test);
	const unsigned long new = arena + 64 * PAGE_SIZE;
	struct mm_struct *mm = current->mm;
	unsigned long total, data;
	u32 value;
	int n, count;

	lay_out(test, arena, "wr-w");
	count = mm->map_count;
	total = mm->total_vm;
	data = mm->data_vm;
	KUNIT_ASSERT_EQ(test, 0, move(arena, 4, new, MREMAP_DONTUNMAP));
	expect_layout(test, new, "wr-w");
	KUNIT_EXPECT_EQ(test, count + 3, mm->map_count);
	KUNIT_EXPECT_EQ(test, total + 3, mm->total_vm);
	KUNIT_EXPECT_EQ(test, data + 2, mm->data_vm);
	/* The source is there, and empty. */
	expect_vmas(test, arena, "wr-w");
	for (n = 0; n < 4; n++) {
		if (n == 2)
			continue;
		KUNIT_EXPECT_EQ(test, 0, get_user(value, (u32 __user *)
						  (arena + n * PAGE_SIZE)));
		KUNIT_EXPECT_EQ(test, 0, value);
	}
}

/* vm_ops hooks that count VMAs, note where they move, and fail once. */
static struct vm_operations_struct hooks;
static unsigned long hook_starts[8];
static int hook_calls;
static int hook_fails;
static int hook_vmas;
static int hook_unlocked;
/* Only VMAs of this test count: the mm of another may still be torn down. */
static struct mm_struct *hook_mm;

/* Called in a split, too, while the VMA that is split is still the one in the tree. */
static void hook_open(struct vm_area_struct *vma)
{
	struct vm_area_struct *other;

	if (vma->vm_mm != hook_mm)
		return;
	hook_vmas++;
	other = lock_vma_under_rcu(vma->vm_mm, vma->vm_start);
	if (other) {
		hook_unlocked++;
		vma_end_read(other);
	}
}

static void hook_close(struct vm_area_struct *vma)
{
	if (vma->vm_mm == hook_mm)
		hook_vmas--;
}

static int hook_mremap(struct vm_area_struct *vma)
{
	hook_starts[hook_calls % ARRAY_SIZE(hook_starts)] = vma->vm_start;
	return ++hook_calls == hook_fails ? -EBUSY : 0;
}

static void add_hooks(struct kunit *test, unsigned long addr)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma = lookup(addr);

	KUNIT_ASSERT_NOT_NULL(test, vma);
	KUNIT_ASSERT_NOT_NULL(test, vma->vm_ops);
	mmap_write_lock(mm);
	hooks = *vma->vm_ops;
	hooks.mremap = hook_mremap;
	hooks.open = hook_open;
	hooks.close = hook_close;
	if (hook_mm != mm) {
		hook_mm = mm;
		hook_vmas = 0;
		hook_unlocked = 0;
	}
	hook_vmas++;
	vma_start_write(vma);
	vma->vm_ops = &hooks;
	mmap_write_unlock(mm);
}

/*
 * The second hook fails: everything is rolled back, and the first hook is called
 * again for the old place.
 */
static void rolls_back(struct kunit *test)
{
	const unsigned long arena = make_arena(test);
	const unsigned long new = arena + 64 * PAGE_SIZE;
	static const char layout[] = "wrW-wRWrw";
	const size_t len = sizeof(layout) - 1;
	int keep;
	u64 before;

	for (keep = 0; keep < 2; keep++) {
		const unsigned long flags = keep ? MREMAP_DONTUNMAP : 0;

		lay_out(test, arena, layout);
		add_hooks(test, arena + 2 * PAGE_SIZE);
		add_hooks(test, arena + 6 * PAGE_SIZE);
		before = fingerprint(arena);

		hook_calls = 0;
		hook_fails = 2;
		KUNIT_EXPECT_EQ(test, -EBUSY, move(arena, len, new, flags));
		KUNIT_EXPECT_EQ(test, 3, hook_calls);
		KUNIT_EXPECT_EQ(test, new + 2 * PAGE_SIZE, hook_starts[0]);
		KUNIT_EXPECT_EQ(test, new + 6 * PAGE_SIZE, hook_starts[1]);
		KUNIT_EXPECT_EQ(test, arena + 2 * PAGE_SIZE, hook_starts[2]);
		KUNIT_EXPECT_EQ(test, before, fingerprint(arena));
		expect_layout(test, arena, layout);

		/* The same call can be tried again. */
		hook_fails = 0;
		KUNIT_EXPECT_EQ(test, 0, move(arena, len, new, flags));
		expect_layout(test, new, layout);
		KUNIT_ASSERT_EQ(test, 0, vm_munmap(arena, ARENA_PAGES << PAGE_SHIFT));
	}
}

/* VMAs that were split at both ends are whole again after a rollback. */
static void rolls_back_splits(struct kunit *test)
{
	const unsigned long arena = make_arena(test);
	const unsigned long new = arena + 64 * PAGE_SIZE;
	u64 before;

	lay_out(test, arena, "wwWrWww");
	add_hooks(test, arena + 4 * PAGE_SIZE);
	before = fingerprint(arena);
	hook_calls = 0;
	hook_fails = 1;
	KUNIT_EXPECT_EQ(test, -EBUSY, move(arena + PAGE_SIZE, 5, new, 0));
	KUNIT_EXPECT_EQ(test, before, fingerprint(arena));
	expect_layout(test, arena, "wwWrWww");
	expect_layout(test, new, "-------");
}

/* A file that chooses where it is mapped. */
static struct file_operations file_ops;
static unsigned long file_offsets[2];
static int file_asked;

static unsigned long file_place(struct file *file, unsigned long addr,
				unsigned long len, unsigned long pgoff,
				unsigned long flags)
{
	return addr + file_offsets[file_asked++ % ARRAY_SIZE(file_offsets)];
}

/* Lets the file of a shared VMA choose these offsets by turns. */
static void let_file_choose(struct kunit *test, unsigned long addr,
			    unsigned long first, unsigned long second)
{
	struct vm_area_struct *vma = lookup(addr);

	KUNIT_ASSERT_NOT_NULL(test, vma);
	KUNIT_ASSERT_NOT_NULL(test, vma->vm_file);
	file_offsets[0] = first;
	file_offsets[1] = second;
	file_asked = 0;
	file_ops = *vma->vm_file->f_op;
	file_ops.get_unmapped_area = file_place;
	vma->vm_file->f_op = &file_ops;
}

/* get_unmapped_area() is called once, before anything changes, and decides. */
static void checks_files(struct kunit *test)
{
	const unsigned long arena = make_arena(test);
	const unsigned long new = arena + 64 * PAGE_SIZE;
	u64 before;

	/* The file can be mapped at every address. */
	lay_out(test, arena, "wWr");
	let_file_choose(test, arena + PAGE_SIZE, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, move(arena, 3, new, 0));
	KUNIT_EXPECT_EQ(test, 1, file_asked);
	expect_layout(test, new, "wWr");
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(new, 3 * PAGE_SIZE));

	/* The file chooses another address. */
	lay_out(test, arena, "wWr");
	lay_out(test, new, "rrr");
	let_file_choose(test, arena + PAGE_SIZE, PAGE_SIZE, PAGE_SIZE);
	before = fingerprint(arena);
	KUNIT_EXPECT_EQ(test, -EFAULT, move(arena, 3, new, 0));
	KUNIT_EXPECT_EQ(test, before, fingerprint(arena));
	expect_layout(test, arena, "wWr");

	/* It chooses another address at first, but not later. */
	let_file_choose(test, arena + PAGE_SIZE, PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, -EFAULT, move(arena, 3, new, 0));
	KUNIT_EXPECT_EQ(test, before, fingerprint(arena));
	KUNIT_EXPECT_EQ(test, 0, move(arena, 3, new, 0));
	expect_layout(test, new, "wWr");

	/* And the other way round: a later choice does not count. */
	let_file_choose(test, new + PAGE_SIZE, 0, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, move(new, 3, arena, 0));
	KUNIT_EXPECT_EQ(test, 1, file_asked);
	expect_layout(test, arena, "wWr");
}

/* A VMA that never merges is whole again after a rollback, and counts once. */
static void undoes_splits(struct kunit *test)
{
	const unsigned long arena = make_arena(test);
	const unsigned long new = arena + 64 * PAGE_SIZE;
	int before;
	u64 print;

	KUNIT_ASSERT_EQ(test, arena,
			vm_mmap(NULL, arena, 3 * PAGE_SIZE, PROT_READ,
				MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, 0));
	lay_out(test, arena + 3 * PAGE_SIZE, "rW");
	add_hooks(test, arena);
	add_hooks(test, arena + 4 * PAGE_SIZE);
	before = hook_vmas;
	print = fingerprint(arena);

	/* The first hook succeeds, for a part of its VMA. */
	hook_calls = 0;
	hook_fails = 2;
	KUNIT_EXPECT_EQ(test, -EBUSY, move(arena + PAGE_SIZE, 4, new, 0));
	KUNIT_EXPECT_EQ(test, 3, hook_calls);
	/* It is called again for the whole VMA. */
	KUNIT_EXPECT_EQ(test, arena, hook_starts[2]);
	KUNIT_EXPECT_EQ(test, before, hook_vmas);
	KUNIT_EXPECT_EQ(test, print, fingerprint(arena));

	hook_fails = 0;
	KUNIT_EXPECT_EQ(test, 0, move(arena + PAGE_SIZE, 4, new, 0));
	KUNIT_EXPECT_EQ(test, before + 1, hook_vmas);
	/* No other thread could change flags of a VMA that was about to be split. */
	KUNIT_EXPECT_EQ(test, 0, hook_unlocked);
}

/* Expects @vma at page @n of @addr. */
static void expect_vma(struct kunit *test, struct vm_area_struct *vma,
		       unsigned long addr, int n)
{
	const unsigned long at = addr + n * PAGE_SIZE;

	KUNIT_ASSERT_PTR_EQ(test, vma, lookup(at));
	KUNIT_EXPECT_EQ(test, at, vma->vm_start);
	KUNIT_EXPECT_EQ(test, at + PAGE_SIZE, vma->vm_end);
}

/* A VMA without hooks is relocated, and a placeholder stays with DONTUNMAP. */
static void relocates(struct kunit *test)
{
	const unsigned long arena = make_arena(test);
	const unsigned long new = arena + 64 * PAGE_SIZE;
	struct vm_area_struct *vmas[4];
	int i;

	lay_out(test, arena, "wrWR");
	for (i = 0; i < 4; i++)
		vmas[i] = lookup(arena + i * PAGE_SIZE);

	KUNIT_ASSERT_EQ(test, 0, move(arena, 4, new, 0));
	for (i = 0; i < 4; i++)
		expect_vma(test, vmas[i], new, i);

	KUNIT_ASSERT_EQ(test, 0, move(new, 4, arena, MREMAP_DONTUNMAP));
	for (i = 0; i < 4; i++)
		expect_vma(test, vmas[i], arena, i);
	expect_layout(test, arena, "wrWR");
	expect_vmas(test, new, "wrWR");

	/* Rolled back, it is where it was. */
	add_hooks(test, arena + 3 * PAGE_SIZE);
	hook_calls = 0;
	hook_fails = 1;
	KUNIT_EXPECT_EQ(test, -EBUSY, move(arena, 4, new, 0));
	for (i = 0; i < 4; i++)
		expect_vma(test, vmas[i], arena, i);
	expect_layout(test, arena, "wrWR");
}

static pgtable_t table_at(unsigned long addr)
{
	pmd_t *pmd = mm_find_pmd(current->mm, addr);

	return pmd && !pmd_none(*pmd) ? pmd_pgtable(*pmd) : NULL;
}

/* An arena for five page tables. It starts where one does. */
static unsigned long make_table_arena(struct kunit *test)
{
	const unsigned long len = 6 * PMD_SIZE;
	unsigned long start;

	start = kunit_vm_mmap(test, NULL, 0, len, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_FALSE(test, !start || IS_ERR_VALUE(start));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(start, len));
	return ALIGN(start, PMD_SIZE);
}

/* A page table that several VMAs share moves as a whole. */
static void moves_a_shared_table(struct kunit *test)
{
	unsigned long arena, at;
	pgtable_t table;
	u32 value, n;

	if (!IS_ENABLED(CONFIG_HAVE_MOVE_PMD))
		kunit_skip(test, "page tables are not moved here");

	arena = make_table_arena(test);

	for (n = 0; n < PTRS_PER_PTE; n++) {
		at = arena + n * PAGE_SIZE;
		map_page(test, at,
			 PROT_READ | PROT_WRITE | (n % 2 ? PROT_EXEC : 0),
			 MAP_PRIVATE);
		KUNIT_ASSERT_EQ(test, 0, put_user(n, (u32 __user *)at));
	}
	KUNIT_ASSERT_LE(test, PTRS_PER_PTE, current->mm->map_count);
	table = table_at(arena);
	KUNIT_ASSERT_NOT_NULL(test, table);

	KUNIT_ASSERT_EQ(test, 0, move(arena, PTRS_PER_PTE, arena + PMD_SIZE, 0));
	KUNIT_EXPECT_PTR_EQ(test, table, table_at(arena + PMD_SIZE));
	KUNIT_EXPECT_NULL(test, table_at(arena));
	for (n = 0; n < PTRS_PER_PTE; n++) {
		at = arena + PMD_SIZE + n * PAGE_SIZE;
		KUNIT_ASSERT_EQ(test, 0, get_user(value, (u32 __user *)at));
		KUNIT_ASSERT_EQ(test, n, value);
	}

	/* And moves back when the move is rolled back. */
	at = arena + 2 * PMD_SIZE;
	map_page(test, at, PROT_READ, MAP_SHARED);
	add_hooks(test, at);
	hook_calls = 0;
	hook_fails = 1;
	KUNIT_EXPECT_EQ(test, -EBUSY,
			move(arena + PMD_SIZE, PTRS_PER_PTE + 1, arena + 3 * PMD_SIZE, 0));
	KUNIT_EXPECT_PTR_EQ(test, table, table_at(arena + PMD_SIZE));
}

/* A page table that VMAs have to themselves moves with them, and back. */
static void moves_a_lone_table(struct kunit *test)
{
	unsigned long src, dst, far;
	pgtable_t table;

	if (!IS_ENABLED(CONFIG_HAVE_MOVE_PMD))
		kunit_skip(test, "page tables are not moved here");

	src = make_table_arena(test) + 16 * PAGE_SIZE;
	dst = src + 2 * PMD_SIZE;
	far = src + 64 * PAGE_SIZE;

	lay_out(test, src, "wrW");
	table = table_at(src);
	KUNIT_ASSERT_NOT_NULL(test, table);
	KUNIT_ASSERT_EQ(test, 0, move(src, 2, dst, 0));
	/* The shared page has stayed, and so has the table. */
	KUNIT_EXPECT_PTR_EQ(test, table, table_at(src));
	expect_layout(test, dst, "wr");
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(src + 2 * PAGE_SIZE, PAGE_SIZE));

	table = table_at(dst);
	KUNIT_ASSERT_EQ(test, 0, move(dst, 2, src, 0));
	KUNIT_EXPECT_PTR_EQ(test, table, table_at(src));
	KUNIT_EXPECT_NULL(test, table_at(dst));
	expect_layout(test, src, "wr");

	/* Something else is mapped by the table at the destination. */
	map_page(test, far + 2 * PMD_SIZE, PROT_READ, MAP_PRIVATE);
	KUNIT_ASSERT_EQ(test, 0, move(src, 2, dst, 0));
	KUNIT_EXPECT_PTR_NE(test, table, table_at(dst));
	expect_layout(test, dst, "wr");
	KUNIT_ASSERT_EQ(test, 0, move(dst, 2, src, 0));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(far + 2 * PMD_SIZE, PAGE_SIZE));

	/* What fails is in another table. */
	table = table_at(src);
	map_page(test, src + PMD_SIZE, PROT_READ, MAP_SHARED);
	add_hooks(test, src + PMD_SIZE);
	hook_calls = 0;
	hook_fails = 1;
	KUNIT_EXPECT_EQ(test, -EBUSY, move(src, PTRS_PER_PTE + 1, dst, 0));
	KUNIT_EXPECT_PTR_EQ(test, table, table_at(src));
	expect_layout(test, src, "wr");
}

/*
 * The destination ends in the table that the source starts in. That table moves, and
 * is not there when the VMA that fails is linked in its range.
 *
 *	table  [                ][ .......======= ][ h             ]
 *	moved  [ .......======= ][ h               ]
 */
static void moves_down_into_its_table(struct kunit *test)
{
	unsigned long table, src, dst;
	u32 value;

	table = make_table_arena(test) + PMD_SIZE;
	src = table + PMD_SIZE / 2;
	dst = src - PMD_SIZE;

	KUNIT_ASSERT_EQ(test, src,
			vm_mmap(NULL, src, PMD_SIZE / 2, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0));
	KUNIT_ASSERT_EQ(test, 0, put_user(7, (u32 __user *)src));
	/* It has no page table of its own. */
	map_page(test, table + PMD_SIZE, PROT_READ, MAP_SHARED);
	add_hooks(test, table + PMD_SIZE);
	hook_calls = 0;
	hook_fails = 1;
	KUNIT_EXPECT_EQ(test, -EBUSY, move(src, PTRS_PER_PTE / 2 + 1, dst, 0));

	KUNIT_ASSERT_NOT_NULL(test, lookup(src));
	KUNIT_EXPECT_NULL(test, lookup(dst));
	KUNIT_ASSERT_EQ(test, 0, get_user(value, (u32 __user *)src));
	KUNIT_EXPECT_EQ(test, 7, value);
}

/* As in mm/hugetlb.c, in vm_private_data. */
#define HPAGE_RESV_UNMAPPED	BIT(1)

/*
 * The hook that fails. Before that, a parent takes a huge page from the VMA below, as
 * unmap_ref_private() does: it takes no lock of the child's address space.
 */
static int take_huge_page(struct vm_area_struct *vma)
{
	struct vm_area_struct *huge = vma_lookup(vma->vm_mm, vma->vm_start - 1);

	if (huge)
		huge->vm_private_data = (void *)HPAGE_RESV_UNMAPPED;
	return -EBUSY;
}

/* A hugetlb VMA that is whole again knows of pages that a part of it has lost. */
static void remembers_lost_huge_pages(struct kunit *test)
{
	const unsigned long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
				    MAP_NORESERVE | MAP_HUGETLB |
				    PMD_SHIFT << MAP_HUGE_SHIFT;
	const unsigned long arena = make_table_arena(test);
	const unsigned long last = arena + 2 * PMD_SIZE;
	struct vm_area_struct *vma;

	if (ksys_mmap_pgoff(arena, 2 * PMD_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0) !=
	    arena)
		kunit_skip(test, "no hugetlb memory");
	KUNIT_ASSERT_NULL(test, lookup(arena)->vm_private_data);
	map_page(test, last, PROT_READ, MAP_SHARED);
	add_hooks(test, last);
	hooks.mremap = take_huge_page;
	KUNIT_EXPECT_EQ(test, -EBUSY, move(arena + PMD_SIZE, PTRS_PER_PTE + 1,
					   arena + 3 * PMD_SIZE, 0));

	vma = lookup(arena);
	KUNIT_ASSERT_NOT_NULL(test, vma);
	KUNIT_EXPECT_EQ(test, last, vma->vm_end);
	KUNIT_EXPECT_EQ(test, HPAGE_RESV_UNMAPPED, (unsigned long)vma->vm_private_data);
}

/* The hook that fails, and removes an empty page table before. */
static unsigned long table_to_take;

static int take_table_away(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	pmd_t *pmd = mm_find_pmd(mm, table_to_take);
	pgtable_t table;

	if (pmd && !pmd_none(*pmd)) {
		table = pmd_pgtable(*pmd);
		pmd_clear(pmd);
		flush_tlb_mm(mm);
		mm_dec_nr_ptes(mm);
		pte_free(mm, table);
	}
	table_to_take = 0;
	return -EBUSY;
}

/*
 * VMAs that cannot be rolled back, which nothing in the kernel brings about,
 * stay with their pages where they are.
 */
static void stays(struct kunit *test, bool one_run)
{
	unsigned long arena, next, new;

	arena = make_table_arena(test);
	next = arena + PMD_SIZE;
	new = arena + 2 * PMD_SIZE + 8 * PAGE_SIZE;

	/* The VMA with hooks has a page table of its own. */
	lay_out(test, arena, "wrw");
	lay_out(test, next, "wWw");
	if (one_run)
		KUNIT_ASSERT_EQ(test, arena + 3 * PAGE_SIZE,
				vm_mmap(NULL, arena + 3 * PAGE_SIZE,
					PMD_SIZE - 3 * PAGE_SIZE, PROT_READ,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
					0));
	add_hooks(test, next + PAGE_SIZE);
	hooks.mremap = take_table_away;
	table_to_take = arena;
	KUNIT_EXPECT_EQ(test, -EBUSY, move(arena, PTRS_PER_PTE + 3, new, 0));
	KUNIT_EXPECT_EQ(test, 0, table_to_take);

	expect_layout(test, new, one_run ? "wrwrrr" : "wrw---");
	expect_vmas(test, arena, "------");
	expect_layout(test, next, "wWw---");
	expect_vmas(test, new + PMD_SIZE, "------");
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(arena, 5 * PMD_SIZE));
}

static void stays_with_its_pages(struct kunit *test)
{
	stays(test, /* one_run = */ false);
	stays(test, /* one_run = */ true);
}

static struct kunit_case mremap_test_cases[] = {
	KUNIT_CASE(parameters),
	KUNIT_CASE(moves),
	KUNIT_CASE(moves_over_others),
	KUNIT_CASE(checks_vmas),
	KUNIT_CASE(dontunmap),
	KUNIT_CASE(rolls_back),
	KUNIT_CASE(rolls_back_splits),
	KUNIT_CASE(undoes_splits),
	KUNIT_CASE(checks_files),
	KUNIT_CASE(relocates),
	KUNIT_CASE(moves_a_shared_table),
	KUNIT_CASE(moves_a_lone_table),
	KUNIT_CASE(moves_down_into_its_table),
	KUNIT_CASE(remembers_lost_huge_pages),
	KUNIT_CASE(stays_with_its_pages),
	{}
};

static struct kunit_suite mremap_test_suite = {
	.name = "mremap_range",
	.test_cases = mremap_test_cases,
};

kunit_test_suites(&mremap_test_suite);
