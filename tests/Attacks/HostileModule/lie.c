// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel that lies: changes the result of a system call after the kernel has
 * done it, through the tracepoint at its end. No kernel text is patched.
 */
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/tracepoint.h>
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
	atomic64_t told, seen;
} lie;

static void lie_probe(void *data, struct pt_regs *regs, long result)
{
	s64 number;

	if (current->tgid != lie.process || regs->syscallno != lie.call)
		return;
	number = atomic64_inc_return(&lie.seen);
	if (number <= lie.skip || (lie.limit && number > lie.skip + lie.limit))
		return;
	regs->regs[0] = lie.result;
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

long hostile_lie(struct hostile_request *request)
{
	long error;

	mutex_lock(&lie_lock);
	lie_end();
	if (!lie.point)
		for_each_kernel_tracepoint(lie_match, NULL);
	lie.process = request->argument[0];
	lie.call = request->argument[1];
	lie.result = request->argument[2];
	lie.limit = request->argument[3];
	lie.skip = request->argument[4];
	atomic64_set(&lie.told, 0);
	atomic64_set(&lie.seen, 0);
	error = lie.point ? tracepoint_probe_register(lie.point, lie_probe, NULL) : -ENOENT;
	lie.active = !error;
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
