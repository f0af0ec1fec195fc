// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel that lies: changes the result of a system call after the kernel has
 * done it, through the tracepoint at its end. No kernel text is patched.
 */
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/tracepoint.h>
#include <linux/uaccess.h>
#include <asm/ptrace.h>

#include "hostile.h"

static DEFINE_MUTEX(lie_lock);

static struct {
	struct tracepoint *point;
	bool active;
	pid_t process;
	int call;
	u64 result;
	s64 limit, skip;
	/* what is written, if it is data that lie: where an argument points to */
	bool is_data;
	unsigned int argument, bytes;
	u64 offset, value;
	atomic64_t told, seen;
} lie;

static long lie_write(struct pt_regs *regs)
{
	u64 base = lie.argument ? regs->regs[lie.argument] : regs->orig_x0;
	unsigned long left;

	if (!base)
		return -EFAULT;
	pagefault_disable();
	left = __copy_to_user_inatomic((void __user *)(base + lie.offset), &lie.value, lie.bytes);
	pagefault_enable();
	return left ? -EFAULT : 0;
}

static void lie_probe(void *data, struct pt_regs *regs, long result)
{
	s64 number;

	if (regs->syscallno != lie.call || (lie.process ? current->tgid != lie.process : strncmp(current->comm, "victim", 6) != 0))
		return;
	number = atomic64_inc_return(&lie.seen);
	if (number <= lie.skip || (lie.limit && number > lie.skip + lie.limit))
		return;
	if (lie.is_data) {
		if (result < 0 || lie_write(regs))
			return;
	} else {
		regs->regs[0] = lie.result;
	}
	atomic64_inc(&lie.told);
}

static void lie_match(struct tracepoint *point, void *data)
{
	if (!strcmp(point->name, "sys_exit"))
		lie.point = point;
}

static void lie_end(void)
{
	if (!lie.active)
		return;
	tracepoint_probe_unregister(lie.point, lie_probe, NULL);
	tracepoint_synchronize_unregister();
	lie.active = false;
}

/* With lie_lock held. */
static long lie_begin(struct hostile_request *request)
{
	long error;

	if (!lie.point)
		for_each_kernel_tracepoint(lie_match, NULL);
	lie.process = request->argument[0];
	lie.call = request->argument[1];
	atomic64_set(&lie.told, 0);
	atomic64_set(&lie.seen, 0);
	error = lie.point ? tracepoint_probe_register(lie.point, lie_probe, NULL) : -ENOENT;
	lie.active = !error;
	return error;
}

/* Process 0: whatever is called victim, from its first call on. */
long hostile_lie(struct hostile_request *request)
{
	long error;

	mutex_lock(&lie_lock);
	lie_end();
	lie.is_data = false;
	lie.result = request->argument[2];
	lie.limit = request->argument[3];
	lie.skip = request->argument[4];
	error = lie_begin(request);
	mutex_unlock(&lie_lock);
	return error;
}

long hostile_lie_data(struct hostile_request *request)
{
	long error;

	if (request->argument[2] > 5 || (request->argument[5] != 4 && request->argument[5] != 8))
		return -EINVAL;
	mutex_lock(&lie_lock);
	lie_end();
	lie.is_data = true;
	lie.argument = request->argument[2];
	lie.offset = request->argument[3];
	lie.value = request->argument[4];
	lie.bytes = request->argument[5];
	lie.limit = request->argument[6];
	lie.skip = request->argument[7];
	error = lie_begin(request);
	mutex_unlock(&lie_lock);
	return error;
}

long hostile_lie_stop(struct hostile_request *request)
{
	mutex_lock(&lie_lock);
	lie_end();
	request->result[0] = atomic64_read(&lie.told);
	request->result[1] = atomic64_read(&lie.seen);
	mutex_unlock(&lie_lock);
	return 0;
}
