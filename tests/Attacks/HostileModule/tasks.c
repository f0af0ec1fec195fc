// SPDX-License-Identifier: GPL-2.0
/* A thread's registers, page-table entries and pages, as the kernel can change them while it sleeps. */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/pgtable.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <asm/tlbflush.h>

#include "hostile.h"

#define DATA_PAGES 16	/* the module's window: gate page at offset 0, data behind 64 KiB */

/* The caller drops the reference. */
struct task_struct *hostile_find(u64 pid)
{
	struct pid *found = find_get_pid(pid);
	struct task_struct *task = found ? get_pid_task(found, PIDTYPE_PID) : NULL;

	put_pid(found);
	return task;
}

struct mm_struct *hostile_mm(u64 pid)
{
	struct task_struct *task = hostile_find(pid);
	struct mm_struct *mm = task ? get_task_mm(task) : NULL;

	if (task)
		put_task_struct(task);
	return mm;
}

static void describe_window(struct mm_struct *mm, struct hostile_request *request)
{
	VMA_ITERATOR(iterator, mm, 0);
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	for_each_vma(iterator, vma) {
		if (!vma->vm_file || strcmp(vma->vm_file->f_path.dentry->d_name.name, "[blackbox]"))
			continue;
		if (vma->vm_pgoff == 0)
			request->result[1] = vma->vm_start;
		else if (vma->vm_pgoff == DATA_PAGES)
			request->result[2] = vma->vm_start;
	}
	mmap_read_unlock(mm);
}

static long describe(struct hostile_request *request, struct task_struct *task, struct mm_struct *mm)
{
	struct pt_regs *regs = task_pt_regs(task);

	request->result[0] = task->thread.uw.tp_value;
	describe_window(mm, request);
	request->result[3] = regs->pc;
	request->result[4] = regs->sp;
	request->result[5] = regs->regs[0];
	request->result[6] = regs->regs[8];
	return 0;
}

static long set_register(struct hostile_request *request, struct task_struct *task)
{
	struct pt_regs *regs = task_pt_regs(task);
	u64 number = request->argument[1], value = request->argument[2];

	if (number < 31)
		regs->regs[number] = value;
	else if (number == 31)
		regs->sp = value;
	else if (number == 32)
		regs->pc = value;
	else if (number == 33)
		regs->pstate = value;
	else
		return -EINVAL;
	return 0;
}

static pte_t *find_entry(struct mm_struct *mm, u64 address)
{
	pgd_t *pgd = pgd_offset(mm, address);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	if (pgd_none(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, address);
	if (p4d_none(*p4d))
		return NULL;
	pud = pud_offset(p4d, address);
	if (pud_none(*pud) || pud_sect(*pud))
		return NULL;
	pmd = pmd_offset(pud, address);
	if (pmd_none(*pmd) || pmd_sect(*pmd))
		return NULL;
	return pte_offset_kernel(pmd, address);
}

/* Break before make, as the kernel would: what counts here is what comes after. */
static long exchange_entry(struct hostile_request *request, struct mm_struct *mm, bool set)
{
	u64 address = request->argument[1];
	long error = 0;
	pte_t *entry;

	mmap_write_lock(mm);
	entry = find_entry(mm, address);
	if (!entry) {
		error = -ENOENT;
	} else {
		request->result[0] = pte_val(READ_ONCE(*entry));
		if (set) {
			WRITE_ONCE(*entry, __pte(0));
			flush_tlb_mm(mm);
			WRITE_ONCE(*entry, __pte(request->argument[2]));
			dsb(ishst);
			isb();
			flush_tlb_mm(mm);
		}
	}
	mmap_write_unlock(mm);
	return error;
}

/* The entry of level 2 that covers the address: a block of 2 MiB, if the value says so. The caller puts the old one back. */
static long exchange_block(struct hostile_request *request, struct mm_struct *mm)
{
	u64 address = request->argument[1];
	pgd_t *pgd = pgd_offset(mm, address);
	pud_t *pud;
	pmd_t *pmd;

	if (pgd_none(*pgd))
		return -ENOENT;
	pud = pud_offset(p4d_offset(pgd, address), address);
	if (pud_none(*pud) || pud_sect(*pud))
		return -ENOENT;
	mmap_write_lock(mm);
	pmd = pmd_offset(pud, address);
	request->result[0] = pmd_val(READ_ONCE(*pmd));
	WRITE_ONCE(*pmd, __pmd(0));
	dsb(ishst);
	flush_tlb_mm(mm);
	WRITE_ONCE(*pmd, __pmd(request->argument[2]));
	dsb(ishst);
	isb();
	mmap_write_unlock(mm);
	return 0;
}

static long resolve(struct hostile_request *request, struct mm_struct *mm)
{
	u64 address = request->argument[1];
	struct page *page;
	long count;

	mmap_read_lock(mm);
	count = get_user_pages_remote(mm, address & PAGE_MASK, 1, 0, &page, NULL, NULL);
	mmap_read_unlock(mm);
	if (count != 1)
		return count < 0 ? count : -EFAULT;
	request->result[0] = page_to_phys(page) | (address & ~PAGE_MASK);
	put_page(page);
	return 0;
}

long hostile_tasks(struct hostile_request *request)
{
	struct task_struct *task = hostile_find(request->argument[0]);
	struct mm_struct *mm = task ? get_task_mm(task) : NULL;
	long error = 0;

	if (!mm) {
		if (task)
			put_task_struct(task);
		return -ESRCH;
	}
	switch (request->operation) {
	case HOSTILE_TASK:
		error = describe(request, task, mm);
		break;
	case HOSTILE_SET_TP:
		/* Loaded when the thread is scheduled in again. */
		task->thread.uw.tp_value = request->argument[1];
		break;
	case HOSTILE_SET_REGISTER:
		error = set_register(request, task);
		break;
	case HOSTILE_SET_BLOCK:
		error = exchange_block(request, mm);
		break;
	case HOSTILE_RESOLVE:
		error = resolve(request, mm);
		break;
	default:
		error = exchange_entry(request, mm, request->operation == HOSTILE_SET_ENTRY);
		break;
	}
	mmput(mm);
	put_task_struct(task);
	return error;
}
