// SPDX-License-Identifier: GPL-2.0
/* Translations that a CPU still holds when the frame is the OS's no more. */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/uaccess.h>

#include "blackbox_abi.h"
#include "hostile.h"

#define ATTEMPTS 64

static struct {
	u64 *word;
	bool granted;
	u64 reads_before, reads_after;
} watch;

/* Keeps the translation in use, on its own CPU. Each read is either before the grant or has to fail. */
static int watch_thread(void *data)
{
	u64 word;

	while (!kthread_should_stop()) {
		bool granted = smp_load_acquire(&watch.granted);

		if (!copy_from_kernel_nofault(&word, watch.word, sizeof(word))) {
			if (granted)
				watch.reads_after++;
			else
				watch.reads_before++;
		}
		cond_resched();
	}
	return 0;
}

static u64 grant(u64 enclave, u64 frame)
{
	u64 argument[8] = { BB_OS_GRANT_MEMORY, enclave, frame, 1 }, result[4];

	hostile_call(false, argument, result);
	return result[0];
}

/*
 * The frame before it is granted first, so that its block is split already: what counts is the invalidation of one page. No interrupt and
 * no other thread may come between grant and read here: they would wash the translation out.
 */
long hostile_stale(struct hostile_request *request)
{
	u64 enclave = request->argument[0], frame = request->argument[1], word, i;
	struct task_struct *thread;
	unsigned long flags;
	int error;

	if (request->argument[2] >= nr_cpu_ids || !cpu_online(request->argument[2]) || !pfn_valid(PHYS_PFN(frame)))
		return -EINVAL;
	watch.word = __va(frame);
	watch.granted = false;
	watch.reads_before = watch.reads_after = 0;
	request->result[0] = grant(enclave, frame - PAGE_SIZE);
	if (request->result[0])
		return 0;
	thread = kthread_create_on_cpu(watch_thread, NULL, request->argument[2], "hostile/%u");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	wake_up_process(thread);
	while (READ_ONCE(watch.reads_before) < 1000)
		cond_resched();
	local_irq_save(flags);
	error = copy_from_kernel_nofault(&word, watch.word, sizeof(word));
	request->result[0] = grant(enclave, frame);
	smp_store_release(&watch.granted, true);
	for (i = 0; !error && !request->result[0] && i < ATTEMPTS; i++)
		request->result[1] += !copy_from_kernel_nofault(&word, watch.word, sizeof(word));
	local_irq_restore(flags);
	schedule_timeout_interruptible(HZ / 10);
	kthread_stop(thread);
	request->result[2] = watch.reads_after;
	request->result[3] = watch.reads_before;
	return error;
}
