// SPDX-License-Identifier: GPL-2.0
/*
 * Random hypercalls. Frames come from a pool of our own, so that what the
 * monitor takes is missed by nobody, and from places that it must refuse.
 * Afterwards everything must come back.
 */
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "blackbox_abi.h"
#include "hostile.h"

#define MOST_HANDLES 64
#define FUNCTIONS 16

struct fuzz {
	struct rnd_state random;
	u64 base, frames;
	u64 enclaves[MOST_HANDLES], enclave_count;
	u64 tasks[MOST_HANDLES], task_count;
	u64 victims[MOST_HANDLES], victim_count;
	u64 lent[MOST_HANDLES], lent_count;	/* pairs of frames, as buffers */
	u64 statuses[16];	/* how often each status came, by its negative; [15]: others */
};

static u32 any(struct fuzz *fuzz, u32 limit)
{
	return prandom_u32_state(&fuzz->random) % limit;
}

static u64 any64(struct fuzz *fuzz)
{
	return (u64)prandom_u32_state(&fuzz->random) << 32 | prandom_u32_state(&fuzz->random);
}

/* An address that is never the kernel's own memory outside the pool. */
static u64 any_frame(struct fuzz *fuzz)
{
	switch (any(fuzz, 16)) {
	case 0:
		return 0x40000000ULL + any(fuzz, 1024) * PAGE_SIZE;	/* the monitor's */
	case 1:
		return 0x08000000ULL + any(fuzz, 0x4000) * PAGE_SIZE;	/* devices */
	case 2:
		return BB_GATE_IPA + any(fuzz, 2) * PAGE_SIZE;
	case 3:
		return any64(fuzz) | 1ULL << 52;			/* nowhere */
	case 4:
		return fuzz->base + any(fuzz, fuzz->frames) * PAGE_SIZE + 1 + any(fuzz, PAGE_SIZE - 1);
	case 5:
		return fuzz->base | 1ULL << 38;				/* as a lent frame's address inside */
	default:
		return fuzz->base + any(fuzz, fuzz->frames) * PAGE_SIZE;
	}
}

/* Never beyond the pool's end, for frames in it. */
static u64 any_count(struct fuzz *fuzz, u64 frame)
{
	u64 count;

	if (any(fuzz, 16) == 0)
		return any(fuzz, 2) ? 0 : any64(fuzz) | 1ULL << 40;
	count = any(fuzz, 4) ? 1 + any(fuzz, 8) : 1 + any(fuzz, 512);
	if (frame >= fuzz->base && frame < fuzz->base + fuzz->frames * PAGE_SIZE)
		count = min_t(u64, count, fuzz->frames - (frame - fuzz->base) / PAGE_SIZE);
	return count;
}

static u64 any_handle(struct fuzz *fuzz, const u64 *own, u64 count)
{
	u32 choice = any(fuzz, 16);

	if (choice == 0)
		return any64(fuzz);
	if (choice == 1)
		return any(fuzz, 512);
	if (choice == 2 && fuzz->victim_count)
		return fuzz->victims[any(fuzz, fuzz->victim_count)];
	return count ? own[any(fuzz, count)] ^ (choice == 3 ? 1ULL << any(fuzz, 48) : 0) : 0;
}

static void note(u64 *list, u64 *count, u64 value)
{
	if (*count < MOST_HANDLES)
		list[(*count)++] = value;
}

/* Aligned to what CreateEnclave wants, more often than not. */
static void any_enclave(struct fuzz *fuzz, u64 *argument)
{
	u64 half = fuzz->base + (any(fuzz, 2) ? fuzz->frames / 2 * PAGE_SIZE : 0);

	argument[1] = half + any(fuzz, 4) * PAGE_SIZE * 2;
	argument[2] = half + BB_ENCLAVE_START_FRAMES * PAGE_SIZE;
	argument[3] = BB_ENCLAVE_START_FRAMES;
	argument[4] = half + 16 * PAGE_SIZE;
	argument[5] = 8 + any(fuzz, 57);
	if (any(fuzz, 3) == 0)
		argument[1 + any(fuzz, 5)] = any(fuzz, 2) ? any_frame(fuzz) : any_count(fuzz, 0);
}

static void any_call(struct fuzz *fuzz, u64 *argument)
{
	u32 number = any(fuzz, FUNCTIONS);
	u64 function = BB_OS_VERSION + number;

	memset(argument, 0, 8 * sizeof(*argument));
	argument[0] = function;
	switch (function) {
	case BB_OS_CREATE_ENCLAVE:
		any_enclave(fuzz, argument);
		break;
	case BB_OS_TASK_CREATE:
		argument[1] = any_handle(fuzz, fuzz->enclaves, fuzz->enclave_count);
		argument[2] = any_frame(fuzz);
		argument[3] = fuzz->lent_count && any(fuzz, 8) ? fuzz->lent[any(fuzz, fuzz->lent_count)] : any_frame(fuzz);
		argument[4] = any(fuzz, 4) ? 2 : any_count(fuzz, argument[3]);
		break;
	case BB_OS_TASK_CLONE:
		argument[1] = any_handle(fuzz, fuzz->tasks, fuzz->task_count);
		argument[2] = any(fuzz, 2) ? 0 : any_handle(fuzz, fuzz->tasks, fuzz->task_count);
		break;
	case BB_OS_TASK_EXEC:
	case BB_OS_TASK_EXIT:
	case BB_OS_TASK_DESTROY:
		argument[1] = any_handle(fuzz, fuzz->tasks, fuzz->task_count);
		break;
	case BB_OS_STATISTICS:
		/* An address outside the pool is refused; one of the kernel's own would only hurt the kernel. */
		argument[1] = any(fuzz, 4);
		argument[2] = any_handle(fuzz, fuzz->enclaves, fuzz->enclave_count);
		argument[3] = any_frame(fuzz);
		break;
	default:
		argument[1] = any_handle(fuzz, fuzz->enclaves, fuzz->enclave_count);
		argument[2] = any_frame(fuzz);
		argument[3] = any_count(fuzz, argument[2]);
		break;
	}
	if (any(fuzz, 32) == 0)
		argument[0] ^= 1ULL << (16 + any(fuzz, 48));
}

static void step(struct fuzz *fuzz)
{
	u64 argument[8], result[4];

	any_call(fuzz, argument);
	/* Destruction comes to an end by itself; too much of it and nothing is left to try. */
	if (argument[0] == BB_OS_DESTROY_ENCLAVE && any(fuzz, 8))
		return;
	hostile_call(false, argument, result);
	fuzz->statuses[(u64)-(s64)result[0] < 15 ? -(s64)result[0] : 15]++;
	if (result[0])
		return;
	if (argument[0] == BB_OS_CREATE_ENCLAVE)
		note(fuzz->enclaves, &fuzz->enclave_count, result[1]);
	else if (argument[0] == BB_OS_SHARE_PAGES && argument[3] >= 2)
		note(fuzz->lent, &fuzz->lent_count, argument[2]);
	else if (argument[0] == BB_OS_TASK_CREATE)
		note(fuzz->tasks, &fuzz->task_count, result[1]);
}

static u64 call3(u64 function, u64 a1, u64 a2, u64 a3)
{
	u64 argument[8] = { function, a1, a2, a3 }, result[4];

	hostile_call(false, argument, result);
	return result[0];
}

static void end_enclave(struct fuzz *fuzz, u64 enclave)
{
	unsigned int round;
	u64 i;

	for (round = 0; round < 4; round++) {
		if (call3(BB_OS_DESTROY_ENCLAVE, enclave, 0, 0) == 0)
			return;
		for (i = 0; i < fuzz->task_count; i++)
			call3(BB_OS_TASK_DESTROY, fuzz->tasks[i], 0, 0);
		for (i = 0; i < fuzz->frames; i++) {
			call3(BB_OS_UNSHARE_PAGES, enclave, fuzz->base + i * PAGE_SIZE, 1);
			call3(BB_OS_RECLAIM_MEMORY, enclave, fuzz->base + i * PAGE_SIZE, 1);
		}
		cond_resched();
	}
}

/* Frames of the pool that did not come back. */
static u64 count_lost(struct fuzz *fuzz)
{
	u64 lost = 0, i;

	for (i = 0; i < fuzz->frames; i++)
		lost += hostile_is_lost(__va(fuzz->base + i * PAGE_SIZE));
	return lost;
}

long hostile_fuzz(struct hostile_request *request)
{
	struct fuzz *fuzz = kvzalloc(sizeof(*fuzz), GFP_KERNEL);
	u64 calls = request->argument[1], made, i;
	void *base;

	if (!fuzz)
		return -ENOMEM;
	base = hostile_pool_base(&fuzz->frames);
	if (!base) {
		kvfree(fuzz);
		return -ENOMEM;
	}
	fuzz->base = virt_to_phys(base);
	prandom_seed_state(&fuzz->random, request->argument[0]);
	if (request->argument[2] & HOSTILE_FUZZ_WITH_VICTIMS) {
		fuzz->victim_count = min_t(u64, request->size / sizeof(u64), MOST_HANDLES);
		if (copy_from_user(fuzz->victims, u64_to_user_ptr(request->data), fuzz->victim_count * sizeof(u64)))
			fuzz->victim_count = 0;
	}
	for (made = 0; made < calls && !fatal_signal_pending(current); made++) {
		step(fuzz);
		cond_resched();
	}
	for (i = 0; i < fuzz->enclave_count; i++)
		end_enclave(fuzz, fuzz->enclaves[i]);
	/* What a victim got of ours, blackbox.ko knows nothing of. */
	for (i = 0; i < fuzz->victim_count; i++)
		end_enclave(fuzz, fuzz->victims[i]);
	request->result[0] = made;
	request->result[1] = count_lost(fuzz);
	request->result[2] = fuzz->enclave_count;
	request->result[3] = fuzz->task_count;
	request->result[4] = fuzz->statuses[0];
	request->result[5] = fuzz->statuses[2] + fuzz->statuses[3] + fuzz->statuses[1];
	request->result[6] = fuzz->statuses[4] + fuzz->statuses[5] + fuzz->statuses[6] + fuzz->statuses[7] + fuzz->statuses[8];
	request->result[7] = fuzz->statuses[15];
	kvfree(fuzz);
	return 0;
}
