// SPDX-License-Identifier: GPL-2.0
/* Writes to pages of another process at the very time at which it (or its shield) uses them. */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/sched/mm.h>

#include "blackbox_abi.h"
#include "hostile.h"

#define MOST_PAGES 16

static DEFINE_MUTEX(disturb_lock);

static struct {
	struct task_struct *thread;
	struct page *pages[MOST_PAGES];
	long count;
	u64 first, bytes, mode, writes, value;
} disturbance;

static const u64 extremes[] = {
	0, 1, ~0ULL, 0x7fffffffffffffffULL, 0x8000000000000000ULL, 0xffffffffULL, 0x80000000ULL,
	0xfffffffffffff000ULL, 4096, 4097, 65536, 0xffffffffffffff00ULL,
};

/* What the shield is told that it was granted. */
static void disturb_ranges(void)
{
	struct bb_buffer_header *header = page_address(disturbance.pages[0]);
	u64 address = READ_ONCE(header->ranges[0].address);

	if (!READ_ONCE(header->range_count) || !address || address == disturbance.value)
		return;
	if (!disturbance.value) {
		disturbance.value = address;
		return;
	}
	WRITE_ONCE(header->ranges[0].address, disturbance.value);
	disturbance.writes++;
}

static void disturb_once(struct rnd_state *random)
{
	u64 words = disturbance.bytes / sizeof(u64), at, value;
	u64 *word;

	if (disturbance.mode == HOSTILE_RANGES) {
		disturb_ranges();
		return;
	}
	at = disturbance.first / sizeof(u64) + prandom_u32_state(random) % words;
	word = (u64 *)page_address(disturbance.pages[at / (PAGE_SIZE / sizeof(u64))]) + at % (PAGE_SIZE / sizeof(u64));
	switch (disturbance.mode) {
	case HOSTILE_FLIP:
		value = ~READ_ONCE(*word);
		break;
	case HOSTILE_CONSTANT:
		value = disturbance.value;
		break;
	case HOSTILE_EXTREMES:
		value = extremes[prandom_u32_state(random) % ARRAY_SIZE(extremes)];
		break;
	default:
		value = (u64)prandom_u32_state(random) << 32 | prandom_u32_state(random);
		break;
	}
	WRITE_ONCE(*word, value);
	disturbance.writes++;
}

static int disturb_thread(void *data)
{
	struct rnd_state random;
	unsigned int i;

	prandom_seed_state(&random, 42);
	while (!kthread_should_stop()) {
		for (i = 0; i < 256; i++)
			disturb_once(&random);
		cond_resched();
	}
	return 0;
}

static void drop_pages(void)
{
	while (disturbance.count > 0)
		put_page(disturbance.pages[--disturbance.count]);
}

static long take_pages(struct mm_struct *mm, u64 address, u64 pages)
{
	mmap_read_lock(mm);
	disturbance.count = get_user_pages_remote(mm, address, pages, FOLL_WRITE, disturbance.pages, NULL, NULL);
	mmap_read_unlock(mm);
	if (disturbance.count == pages)
		return 0;
	drop_pages();
	return -EFAULT;
}

long hostile_disturb(struct hostile_request *request)
{
	u64 address = request->argument[1], pages = request->argument[2];
	struct mm_struct *mm;
	long error;

	if (address & ~PAGE_MASK || !pages || pages > MOST_PAGES || request->argument[4] < sizeof(u64) ||
	    (request->argument[3] | request->argument[4]) % sizeof(u64) ||
	    request->argument[3] + request->argument[4] > pages * PAGE_SIZE ||
	    request->argument[6] >= nr_cpu_ids || !cpu_online(request->argument[6]))
		return -EINVAL;
	mm = hostile_mm(request->argument[0]);
	if (!mm)
		return -ESRCH;
	mutex_lock(&disturb_lock);
	error = disturbance.thread ? -EBUSY : take_pages(mm, address, pages);
	mmput(mm);
	if (!error) {
		disturbance.first = request->argument[3];
		disturbance.bytes = request->argument[4];
		disturbance.mode = request->argument[5];
		disturbance.writes = 0;
		disturbance.value = request->argument[7];
		disturbance.thread = kthread_create_on_cpu(disturb_thread, NULL, request->argument[6], "hostile/%u");
		if (IS_ERR(disturbance.thread)) {
			error = PTR_ERR(disturbance.thread);
			disturbance.thread = NULL;
			drop_pages();
		} else {
			wake_up_process(disturbance.thread);
		}
	}
	mutex_unlock(&disturb_lock);
	return error;
}

long hostile_disturb_stop(struct hostile_request *request)
{
	mutex_lock(&disturb_lock);
	if (disturbance.thread) {
		kthread_stop(disturbance.thread);
		disturbance.thread = NULL;
		drop_pages();
	}
	request->result[0] = disturbance.writes;
	mutex_unlock(&disturb_lock);
	return 0;
}
