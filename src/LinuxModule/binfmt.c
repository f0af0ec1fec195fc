// SPDX-License-Identifier: GPL-2.0
/*
 * exec of a BlackBox executable (magic "\x7fBBX"). Linux does its side:
 * credentials, close-on-exec, names, /proc. What the file holds is the
 * shield's business: it opens, decrypts and verifies it itself.
 *
 * A thread outside any enclave starts a new one. A thread of an enclave keeps
 * its task: its shield asked for the exec and waits for the result.
 */
#include <linux/binfmts.h>
#include <linux/elf.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/personality.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include <asm/processor.h>
#include <asm/ptrace.h>

#include "blackbox.h"

static const char bb_magic[4] = { 0x7f, 'B', 'B', 'X' };

/* Bytes of the file name and all argument and environment strings. */
static unsigned long bb_string_bytes(const struct linux_binprm *bprm)
{
	return strlen(bprm->interp) + 1 + (bprm->exec - bprm->p);
}

/* The address behind count strings that start at address; 0 if they are not there. */
static unsigned long bb_strings_end(unsigned long address, int count)
{
	long length;

	while (count-- > 0) {
		length = strnlen_user((void __user *)address, MAX_ARG_STRLEN);
		if (length <= 0 || length > MAX_ARG_STRLEN)
			return 0;
		address += length;
		cond_resched();
	}
	return address;
}

/* For /proc: cmdline, environ, stat. The strings stand on Linux's stack for this process. */
static int bb_describe_mm(struct linux_binprm *bprm, const struct bb_slot *slot)
{
	struct mm_struct *mm = current->mm;
	unsigned long middle = bb_strings_end(bprm->p, bprm->argc);
	unsigned long end = middle ? bb_strings_end(middle, bprm->envc) : 0;

	if (!end)
		return -EFAULT;
	mm->start_code = slot->gate_address;
	mm->end_code = slot->gate_address + PAGE_SIZE;
	mm->start_data = slot->data_address;
	mm->end_data = slot->data_address + BB_DATA_SIZE;
	mm->start_brk = mm->end_data;
	mm->brk = mm->end_data;
	mm->start_stack = bprm->p;
	mm->arg_start = bprm->p;
	mm->arg_end = middle;
	mm->env_start = middle;
	mm->env_end = end;
	return 0;
}

/* The strings of a first start, for the shield: name of the executable, arguments, environment. */
static int bb_copy_strings(struct linux_binprm *bprm, struct bb_slot *slot)
{
	struct mm_struct *mm = current->mm;
	unsigned long name = strlen(bprm->interp) + 1;
	unsigned long strings = mm->env_end - mm->arg_start;
	u8 *data = bb_slot_data(slot);

	if (name + strings > bb_slot_data_size(slot))
		return -E2BIG;
	memcpy(data, bprm->interp, name);
	if (copy_from_user(data + name, (void __user *)mm->arg_start, strings))
		return -EFAULT;
	slot->header->exec_argument_count = bprm->argc;
	slot->header->exec_environment_count = bprm->envc;
	slot->header->exec_string_bytes = name + strings;
	return 0;
}

/* What SET_PERSONALITY does for a 64-bit ELF file. */
static void bb_set_personality(void)
{
	clear_thread_flag(TIF_32BIT);
	current->personality &= ~READ_IMPLIES_EXEC;
	if (!(current->personality & ADDR_NO_RANDOMIZE))
		current->flags |= PF_RANDOMIZE;
}

/* The thread's next user instruction is a fetch from the gate, with its handle in TPIDR_EL0. */
static void bb_set_registers(struct bb_slot *slot, unsigned long offset)
{
	struct pt_regs *regs = task_pt_regs(current);

	start_thread_common(regs, slot->gate_address + offset);
	regs->pstate = PSR_MODE_EL0t;
	regs->sp = bb_signal_stack_top(slot);
	preempt_disable();
	current->thread.uw.tp_value = slot->handle;
	write_sysreg(slot->handle, tpidr_el0);
	preempt_enable();
}

/* Makes the new address space. From here on an error kills the process. */
static int bb_replace_mm(struct linux_binprm *bprm, struct file *window,
			 unsigned long *gate, unsigned long *data)
{
	int error = begin_new_exec(bprm);

	if (error)
		return error;
	bb_set_personality();
	setup_new_exec(bprm);
	set_binfmt(&bb_format);
	return setup_arg_pages(bprm, STACK_TOP, EXSTACK_DISABLE_X) ?:
	       bb_window_map(window, gate, data);
}

static int bb_exec(struct linux_binprm *bprm, struct bb_slot *slot, bool first)
{
	struct file *window = bb_window_create(slot->enclave);
	unsigned long gate, data;
	int error;
	s64 status;

	if (IS_ERR(window))
		return PTR_ERR(window);
	error = bb_replace_mm(bprm, window, &gate, &data);
	fput(window);
	if (error)
		return error;
	slot->gate_address = gate;
	slot->data_address = data;
	error = bb_describe_mm(bprm, slot);
	if (error)
		return error;
	bb_slot_describe(slot, current, bprm->rlim_stack.rlim_cur);
	if (first) {
		error = bb_copy_strings(bprm, slot);
		if (error)
			return error;
		status = bb_call_briskly(BB_OS_TASK_CLONE, slot->handle, 0);
	} else {
		status = bb_call_briskly(BB_OS_TASK_EXEC, slot->handle, 0);
	}
	if (status) {
		pr_warn_ratelimited("exec of %s: status %lld\n", bprm->interp, status);
		return bb_errno(status);
	}
	if (first)
		bb_slot_bind(slot, current);
	else
		bb_slot_signals(slot, current);
	finalize_exec(bprm);
	bb_set_registers(slot, first ? BB_GATE_RESUME : BB_GATE_DONE);
	return 0;
}

static int bb_exec_first(struct linux_binprm *bprm)
{
	struct bb_enclave *enclave = bb_enclave_create(bprm->interp);
	struct bb_slot *slot;
	int error;

	if (IS_ERR(enclave))
		return PTR_ERR(enclave);
	slot = bb_slot_get(enclave);
	error = PTR_ERR_OR_ZERO(slot);
	if (!error) {
		error = bb_string_bytes(bprm) > bb_slot_data_size(slot) ? -E2BIG :
			bb_exec(bprm, slot, true);
		if (error)
			bb_slot_put(slot);
	}
	if (error)
		bb_enclave_leave(enclave);
	return error;
}

static int bb_load_binary(struct linux_binprm *bprm)
{
	struct bb_slot *slot;
	int error;

	if (memcmp(bprm->buf, bb_magic, sizeof(bb_magic)))
		return -ENOEXEC;
	slot = bb_slot_current();
	if (!slot)
		return bb_exec_first(bprm);
	error = bb_exec(bprm, slot, false);
	if (!error)
		atomic64_inc(&bb_counters.execs);
	return error;
}

struct linux_binfmt bb_format = {
	.module = THIS_MODULE,
	.load_binary = bb_load_binary,
};
