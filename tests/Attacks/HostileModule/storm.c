// SPDX-License-Identifier: GPL-2.0
/* Interrupts and signals, as many as there can be. */
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/smp.h>

#include "hostile.h"

static DEFINE_MUTEX(storm_lock);

static struct {
	struct hrtimer timer;
	struct task_struct *caller;
	ktime_t period;
	unsigned int cpu;
	bool has_timer;
	atomic64_t ticks, calls;
} storm;

static enum hrtimer_restart storm_tick(struct hrtimer *timer)
{
	atomic64_inc(&storm.ticks);
	hrtimer_forward_now(timer, storm.period);
	return HRTIMER_RESTART;
}

static void storm_start_timer(void *data)
{
	hrtimer_start(&storm.timer, storm.period, HRTIMER_MODE_REL_PINNED_HARD);
}

static void storm_called(void *data)
{
	atomic64_inc(&storm.calls);
}

static int storm_thread(void *data)
{
	while (!kthread_should_stop()) {
		smp_call_function_single(storm.cpu, storm_called, NULL, 0 /* do not wait */);
		cond_resched();
	}
	return 0;
}

static void storm_end(void)
{
	if (storm.caller)
		kthread_stop(storm.caller);
	storm.caller = NULL;
	if (storm.has_timer)
		hrtimer_cancel(&storm.timer);
	storm.has_timer = false;
}

long hostile_storm(struct hostile_request *request)
{
	unsigned int cpu = request->argument[0];
	long error = 0;

	if (cpu >= nr_cpu_ids || !cpu_online(cpu) || (request->argument[1] && request->argument[1] < 10))
		return -EINVAL;
	mutex_lock(&storm_lock);
	storm_end();
	storm.cpu = cpu;
	atomic64_set(&storm.ticks, 0);
	atomic64_set(&storm.calls, 0);
	if (request->argument[1]) {
		storm.period = ns_to_ktime(request->argument[1] * NSEC_PER_USEC);
		hrtimer_init(&storm.timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
		storm.timer.function = storm_tick;
		storm.has_timer = true;
		smp_call_function_single(cpu, storm_start_timer, NULL, 1);
	}
	if (request->argument[2]) {
		storm.caller = kthread_run(storm_thread, NULL, "hostile-storm");
		if (IS_ERR(storm.caller)) {
			error = PTR_ERR(storm.caller);
			storm.caller = NULL;
			storm_end();
		}
	}
	mutex_unlock(&storm_lock);
	return error;
}

long hostile_storm_stop(struct hostile_request *request)
{
	mutex_lock(&storm_lock);
	storm_end();
	request->result[0] = atomic64_read(&storm.ticks);
	request->result[1] = atomic64_read(&storm.calls);
	mutex_unlock(&storm_lock);
	return 0;
}

/* A signal as if the kernel itself had raised it: number, si_code and si_addr of our choice. */
long hostile_signal(struct hostile_request *request)
{
	struct task_struct *task = hostile_find(request->argument[0]);
	struct kernel_siginfo info;
	u64 i;

	if (!task)
		return -ESRCH;
	clear_siginfo(&info);
	info.si_signo = request->argument[1];
	info.si_code = request->argument[2];
	info.si_addr = (void __user *)request->argument[3];
	for (i = 0; i < max(1ULL, request->argument[4]); i++) {
		request->result[0] += !send_sig_info(info.si_signo, &info, task);
		cond_resched();
	}
	put_task_struct(task);
	return 0;
}
