// SPDX-License-Identifier: GPL-2.0
/*
 * Frames on their way to an enclave and back.
 *
 * A frame that was given away is still a page of this kernel (allocated,
 * charged to the cgroup of who asked), but the kernel must not touch its
 * content: the monitor answers with a fault. All such frames stand in
 * enclave->blocks. They are split into single pages at once, since they come
 * back in any order.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/vmstat.h>
#include <linux/slab.h>

#include "blackbox.h"

#define BB_BLOCK_FRAMES 512UL		/* 2 MiB: no hypercall range crosses it */
#define BB_TABLES_ORDER 2		/* frames per donation */
#define BB_DONATIONS 8			/* for one call, at most */

/* What stays the kernel's: a share of RAM and, since small machines need more than a share, 24 MiB. */
#define BB_RESERVE_SHARE 32
#define BB_RESERVE_PAGES ((24L << 20) / PAGE_SIZE)

/* Bookkeeping fails rather than call the OOM killer, too. */
#define BB_GFP_NOTES (GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

struct bb_block {
	DECLARE_BITMAP(given, BB_BLOCK_FRAMES);
};

/*
 * 2^order contiguous frames as single pages, charged to the current cgroup.
 * Never calls the OOM killer: it could not see who holds the memory.
 */
struct page *bb_frames_alloc(unsigned int order)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	struct page *page;

	gfp |= order ? __GFP_NORETRY : __GFP_RETRY_MAYFAIL;
	page = alloc_pages(gfp, order);
	if (page && order)
		split_page(page, order);
	return page;
}

/*
 * Is there memory to give for good? Granted frames are nobody's resident pages: the OOM killer would kill everyone else, and
 * then stop the machine. So a part of RAM is never given.
 */
bool bb_memory_is_short(void)
{
	/* What is free in CMA areas is of no use to the kernel itself. */
	long available = si_mem_available() - (long)global_zone_page_state(NR_FREE_CMA_PAGES);

	return available < (long)(totalram_pages() / BB_RESERVE_SHARE) + BB_RESERVE_PAGES;
}

/* Pages may still be held by a get_user_pages user: drop our reference only. */
void bb_frames_free(struct page *page, unsigned long count)
{
	unsigned long i;

	for (i = 0; i < count; i++)
		put_page(page + i);
}

static struct bb_block *bb_block_get(struct bb_enclave *enclave, unsigned long pfn)
{
	unsigned long number = pfn / BB_BLOCK_FRAMES;
	struct bb_block *block = xa_load(&enclave->blocks, number);

	lockdep_assert_held(&enclave->lock);
	if (block)
		return block;
	block = kzalloc(sizeof(*block), BB_GFP_NOTES);
	if (block && xa_is_err(xa_store(&enclave->blocks, number, block, BB_GFP_NOTES))) {
		kfree(block);
		block = NULL;
	}
	return block;
}

/*
 * Writes down frames of one block as given, before the call that gives them:
 * nothing may fail once the monitor has them. bb_frames_forget undoes it.
 */
int bb_frames_note(struct bb_enclave *enclave, unsigned long pfn, unsigned long count)
{
	struct bb_block *block = bb_block_get(enclave, pfn);

	if (!block)
		return -ENOMEM;
	bitmap_set(block->given, pfn % BB_BLOCK_FRAMES, count);
	enclave->frames += count;
	atomic64_add(count, &bb_counters.given);
	return 0;
}

void bb_frames_forget(struct bb_enclave *enclave, unsigned long pfn, unsigned long count)
{
	struct bb_block *block = xa_load(&enclave->blocks, pfn / BB_BLOCK_FRAMES);

	lockdep_assert_held(&enclave->lock);
	if (WARN_ON_ONCE(!block))
		return;
	bitmap_clear(block->given, pfn % BB_BLOCK_FRAMES, count);
	enclave->frames -= count;
	atomic64_sub(count, &bb_counters.given);
}

/* A call on frames of the enclave. */
static struct bb_answer bb_frames_call(struct bb_enclave *enclave, u32 function,
				       unsigned long pfn, unsigned long count)
{
	struct bb_answer answer = bb_call_patiently(function, enclave->handle, PFN_PHYS(pfn), count, 0, 0);

	if (answer.status == BB_STATUS_STOPPED)
		bb_enclave_stop(enclave);
	return answer;
}

static int bb_tables_donate(struct bb_enclave *enclave)
{
	unsigned int order = BB_TABLES_ORDER;
	unsigned long count, pfn;
	struct page *page;
	int error;

	page = bb_frames_alloc(order);
	if (!page) {
		order = 0;
		page = bb_frames_alloc(order);
	}
	if (!page)
		return -ENOMEM;
	count = 1UL << order;
	pfn = page_to_pfn(page);
	error = bb_frames_note(enclave, pfn, count);
	if (!error) {
		error = bb_errno(bb_frames_call(enclave, BB_OS_DONATE_TABLES, pfn, count).status);
		if (error)
			bb_frames_forget(enclave, pfn, count);
	}
	if (error)
		bb_frames_free(page, count);
	return error;
}

/* A call that may need page tables: donates them as often as the monitor asks. */
static int bb_frames_map(struct bb_enclave *enclave, u32 function,
			 unsigned long pfn, unsigned long count)
{
	unsigned int donations;
	struct bb_answer answer;
	int error;

	for (donations = 0; donations < BB_DONATIONS; donations++) {
		answer = bb_frames_call(enclave, function, pfn, count);
		if (answer.status != BB_STATUS_NEED_TABLES)
			return bb_errno(answer.status);
		error = bb_tables_donate(enclave);
		if (error)
			return error;
	}
	return -ENOMEM;
}

/* Gives 2^n frames, aligned to their size, to the enclave. */
int bb_grant(struct bb_enclave *enclave, struct page *page, unsigned long count)
{
	unsigned long pfn = page_to_pfn(page);
	int error;

	mutex_lock(&enclave->lock);
	error = bb_frames_note(enclave, pfn, count);
	if (!error) {
		error = bb_frames_map(enclave, BB_OS_GRANT_MEMORY, pfn, count);
		if (error)
			bb_frames_forget(enclave, pfn, count);
	}
	mutex_unlock(&enclave->lock);
	return error;
}

int bb_share(struct bb_enclave *enclave, struct page *page, unsigned long count)
{
	int error;

	lockdep_assert_held(&enclave->lock);
	error = bb_frames_map(enclave, BB_OS_SHARE_PAGES, page_to_pfn(page), count);
	if (!error) {
		enclave->lent += count;
		atomic64_add(count, &bb_counters.lent);
	}
	return error;
}

/* The monitor's refusal means that the enclave can still write there: never free such pages. */
int bb_unshare(struct bb_enclave *enclave, struct page *page, unsigned long count)
{
	int error;

	lockdep_assert_held(&enclave->lock);
	error = bb_errno(bb_frames_call(enclave, BB_OS_UNSHARE_PAGES, page_to_pfn(page), count).status);
	enclave->lent -= count;
	atomic64_sub(count, &bb_counters.lent);
	if (error) {
		pr_err("enclave %llx: %lu lent frames not returned (%d)\n", enclave->handle, count, error);
		atomic64_add(count, &bb_counters.leaked);
	}
	return error;
}

/* Takes back a range inside one block; returns how many frames from its start on came back. */
static unsigned long bb_reclaim_block(struct bb_enclave *enclave, unsigned long pfn,
				      unsigned long count, int *error)
{
	unsigned long taken = 0, now;
	struct bb_answer answer;

	*error = 0;
	while (taken < count) {
		answer = bb_frames_call(enclave, BB_OS_RECLAIM_MEMORY, pfn + taken, count - taken);
		if (answer.status == BB_STATUS_SUCCESS)
			now = count - taken;
		else if (answer.status == BB_STATUS_AGAIN)
			now = min_t(u64, answer.value[0], count - taken);
		else
			break;
		bb_frames_forget(enclave, pfn + taken, now);
		bb_frames_free(pfn_to_page(pfn + taken), now);
		taken += now;
		cond_resched();
	}
	if (taken < count)
		*error = bb_errno(answer.status);
	return taken;
}

/*
 * Takes back frames that the shield says it released. Any number may stand
 * here: only frames that this enclave was given are looked at. Returns the
 * frames taken back, or an error if there was none.
 */
long bb_reclaim(struct bb_enclave *enclave, unsigned long pfn, unsigned long count)
{
	unsigned long taken = 0, part, offset, now;
	struct bb_block *block;
	int error = 0;

	while (taken < count && !error) {
		offset = pfn % BB_BLOCK_FRAMES;
		part = min(count - taken, BB_BLOCK_FRAMES - offset);
		mutex_lock(&enclave->lock);
		block = xa_load(&enclave->blocks, pfn / BB_BLOCK_FRAMES);
		if (!block || find_next_zero_bit(block->given, offset + part, offset) < offset + part) {
			error = -EINVAL;
		} else {
			now = bb_reclaim_block(enclave, pfn, part, &error);
			taken += now;
			pfn += now;
		}
		mutex_unlock(&enclave->lock);
	}
	return taken ? (long)taken : error;
}

/* Takes back all that a stopped enclave holds. What the monitor refuses stays allocated for ever. */
void bb_reclaim_all(struct bb_enclave *enclave)
{
	unsigned long number, start, end, pfn, taken, lost = 0;
	struct bb_block *block;
	int error;

	mutex_lock(&enclave->lock);
	xa_for_each(&enclave->blocks, number, block) {
		for_each_set_bitrange(start, end, block->given, BB_BLOCK_FRAMES) {
			pfn = number * BB_BLOCK_FRAMES + start;
			taken = bb_reclaim_block(enclave, pfn, end - start, &error);
			if (error) {
				/* Skip the frame in the way, go on behind it. */
				lost++;
				end = start + taken;
			}
		}
		xa_erase(&enclave->blocks, number);
		kfree(block);
	}
	if (lost)
		pr_err("enclave %llx: the monitor keeps %lu frames\n", enclave->handle, lost);
	atomic64_add(lost, &bb_counters.leaked);
	mutex_unlock(&enclave->lock);
}
