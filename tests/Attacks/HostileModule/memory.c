// SPDX-License-Identifier: GPL-2.0
/*
 * Physical memory by every way the kernel has. All accesses are
 * such that a fault is survived: what the monitor refuses comes back as EFAULT.
 */
#include <linux/io.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "hostile.h"

#define POOL_ORDER 10

/* The self-similar pattern of the victims: each word follows from the one before. */
#define PATTERN_FACTOR 6364136223846793005ULL
#define PATTERN_STEP 0x9E3779B97F4A7C15ULL

static struct page *hostile_pool_page;

/* The kernel exports only the reading half of this pair. Whole words. */
static long write_nofault(void *to, const void *from, size_t bytes)
{
	size_t i;

	pagefault_disable();
	for (i = 0; i + sizeof(u64) <= bytes; i += sizeof(u64))
		__put_kernel_nofault(to + i, from + i, u64, fault);
	pagefault_enable();
	return 0;
fault:
	pagefault_enable();
	return -EFAULT;
}

/* A frame of ours that cannot be used any more. */
bool hostile_is_lost(void *frame)
{
	u64 word;

	return copy_from_kernel_nofault(&word, frame, sizeof(word)) || write_nofault(frame, &word, sizeof(word));
}

/* Maps one frame; NULL if the kernel itself will not. */
static void *frame_map(u64 method, u64 frame)
{
	struct page *page;

	switch (method) {
	case HOSTILE_LINEAR:
		return pfn_valid(PHYS_PFN(frame)) ? __va(frame) : NULL;
	case HOSTILE_MEMREMAP:
		return memremap(frame, PAGE_SIZE, MEMREMAP_WB);
	case HOSTILE_IOREMAP:
		return (void __force *)ioremap(frame, PAGE_SIZE);
	case HOSTILE_IOREMAP_WC:
		return (void __force *)ioremap_wc(frame, PAGE_SIZE);
	case HOSTILE_VMAP:
		if (!pfn_valid(PHYS_PFN(frame)))
			return NULL;
		page = pfn_to_page(PHYS_PFN(frame));
		return vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	default:
		return NULL;
	}
}

static void frame_unmap(u64 method, void *address)
{
	switch (method) {
	case HOSTILE_MEMREMAP:
		memunmap(address);
		break;
	case HOSTILE_IOREMAP:
	case HOSTILE_IOREMAP_WC:
		iounmap((void __iomem __force *)address);
		break;
	case HOSTILE_VMAP:
		vunmap(address);
		break;
	}
}

/* 0, or -EFAULT if the access was refused, -ENXIO if the kernel has no such mapping. */
static int frame_copy(u64 method, u64 address, void *buffer, size_t bytes, bool write)
{
	u64 offset = address & ~PAGE_MASK;
	u8 *mapping = frame_map(method, address - offset);
	int error;

	if (!mapping)
		return -ENXIO;
	error = write ? (int)write_nofault(mapping + offset, buffer, bytes) :
			(int)copy_from_kernel_nofault(buffer, mapping + offset, bytes);
	frame_unmap(method, mapping);
	return error;
}

static long transfer(struct hostile_request *request, bool write)
{
	u64 address = request->argument[1], bytes = request->argument[2];
	void __user *user = u64_to_user_ptr(request->data);
	long error = 0;
	void *buffer;

	if (!bytes || (write && (address | bytes) % sizeof(u64)) || (address & ~PAGE_MASK) + bytes > PAGE_SIZE || bytes > request->size)
		return -EINVAL;
	buffer = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	if (write && copy_from_user(buffer, user, bytes))
		error = -EFAULT;
	if (!error)
		request->result[0] = frame_copy(request->argument[0], address, buffer, bytes, write);
	if (!error && !write && copy_to_user(user, buffer, bytes))
		error = -EFAULT;
	kfree(buffer);
	return error;
}

long hostile_read(struct hostile_request *request)
{
	return transfer(request, false);
}

long hostile_write(struct hostile_request *request)
{
	return transfer(request, true);
}

/* Looks for three consecutive words of the pattern; counts each run once per frame. */
long hostile_scan(struct hostile_request *request)
{
	u64 method = request->argument[0], end = request->argument[2];
	u64 step = PATTERN_STEP * request->argument[3] | 1;
	u64 __user *hits = u64_to_user_ptr(request->data);
	u64 found = 0, readable = 0, refused = 0, frame;
	u64 *words;
	unsigned int i;

	words = kvmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!words)
		return -ENOMEM;
	for (frame = request->argument[1]; frame < end; frame += PAGE_SIZE) {
		if (frame_copy(method, frame, words, PAGE_SIZE, false)) {
			refused++;
			continue;
		}
		readable++;
		for (i = 0; i + 2 < PAGE_SIZE / sizeof(u64); i++) {
			if (words[i + 1] != words[i] * PATTERN_FACTOR + step ||
			    words[i + 2] != words[i + 1] * PATTERN_FACTOR + step)
				continue;
			if (found < request->size / sizeof(u64) &&
			    put_user(frame + i * sizeof(u64), hits + found))
				break;
			found++;
			/* A second run in this frame would be the same finding. */
			break;
		}
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	/* Our own copy must not be the next scan's finding. */
	memset(words, 0, PAGE_SIZE);
	kvfree(words);
	request->result[0] = found;
	request->result[1] = readable;
	request->result[2] = refused;
	return 0;
}

/* Lists the frames that cannot be read, and writes to them if asked. */
long hostile_refused(struct hostile_request *request)
{
	u64 method = request->argument[0], end = request->argument[2];
	struct hostile_range __user *ranges = u64_to_user_ptr(request->data);
	struct hostile_range range = {};
	u64 count = 0, readable = 0, refused = 0, written = 0, frame, word;

	for (frame = request->argument[1]; frame < end; frame += PAGE_SIZE) {
		bool last = frame + PAGE_SIZE >= end;
		bool is_refused = frame_copy(method, frame, &word, sizeof(word), false);

		if (is_refused) {
			refused++;
			word = 0x656c6974736f68ULL;
			if (request->argument[3] && !frame_copy(method, frame + 256, &word, sizeof(word), true))
				written++;
			if (!range.frames)
				range.address = frame;
			range.frames++;
		} else {
			readable++;
		}
		if (range.frames && (!is_refused || last)) {
			if (count < request->size / sizeof(range) &&
			    copy_to_user(ranges + count, &range, sizeof(range)))
				return -EFAULT;
			count++;
			range.frames = 0;
		}
		cond_resched();
	}
	request->result[0] = count;
	request->result[1] = readable;
	request->result[2] = refused;
	request->result[3] = written;
	return 0;
}

void *hostile_pool_base(u64 *frames)
{
	if (!hostile_pool_page) {
		hostile_pool_page = alloc_pages(GFP_KERNEL | __GFP_ZERO, POOL_ORDER);
		if (!hostile_pool_page)
			return NULL;
		split_page(hostile_pool_page, POOL_ORDER);
	}
	*frames = 1 << POOL_ORDER;
	return page_address(hostile_pool_page);
}

long hostile_pool(struct hostile_request *request)
{
	u64 frames;
	void *base = hostile_pool_base(&frames);

	if (!base)
		return -ENOMEM;
	request->result[0] = virt_to_phys(base);
	request->result[1] = frames;
	return 0;
}

/* Frames that the monitor still holds must never be the kernel's again. */
void hostile_pool_free(void)
{
	u64 i;

	for (i = 0; hostile_pool_page && i < 1 << POOL_ORDER; i++)
		if (!hostile_is_lost(page_address(hostile_pool_page + i)))
			put_page(hostile_pool_page + i);
	hostile_pool_page = NULL;
}
