// SPDX-License-Identifier: GPL-2.0
/* Accesses that are no plain loads and stores; and memory with content that the attacker chose. */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/asm-extable.h>

#include "hostile.h"

#define MOST_POISONED 65536
#define POISON 0x6e6f736968636f6dULL

#define TRY(instructions, address, value) ({					\
	long _error = 0;							\
	asm volatile("1:	" instructions "\n"				\
		     "2:\n"							\
		     _ASM_EXTABLE_KACCESS_ERR(1b, 2b, %w0)			\
		     : "+r" (_error), "+r" (value)				\
		     : "r" (address) : "memory", "x16", "x17");			\
	(s64)(s32)_error; })

long hostile_access(struct hostile_request *request)
{
	u64 frame = request->argument[1], value = 0;
	u8 *place;

	if (!pfn_valid(PHYS_PFN(frame)))
		return -EINVAL;
	place = __va(frame);
	switch (request->argument[0]) {
	case HOSTILE_ZERO_LINE:
		request->result[0] = TRY("dc zva, %2", place, value);
		break;
	case HOSTILE_INVALIDATE_LINE:
		request->result[0] = TRY("dc ivac, %2", place, value);
		break;
	case HOSTILE_CLEAN_LINE:
		request->result[0] = TRY("dc civac, %2", place, value);
		break;
	case HOSTILE_EXCLUSIVE:
		request->result[0] = TRY("ldxr %1, [%2]", place, value);
		break;
	case HOSTILE_SWAP:
		request->result[0] = TRY(".arch_extension lse\n	swp %1, %1, [%2]", place, value);
		break;
	case HOSTILE_STRADDLE:
		request->result[0] = TRY("ldr %1, [%2]", place - 4, value);
		break;
	case HOSTILE_PAIR:
		request->result[0] = TRY("ldp x16, x17, [%2]", place, value);
		break;
	default:
		return -EINVAL;
	}
	request->result[1] = value;
	return 0;
}

/* Fills pages, frees them, and looks how many of the next ones are as they were left: the OS's allocator hides nothing. */
long hostile_poison(struct hostile_request *request)
{
	u64 count = request->argument[0], again = request->argument[1], filled = 0, found = 0, i;
	struct page **pages;

	if (count > MOST_POISONED || again > count)
		return -EINVAL;
	pages = kvcalloc(count, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
		if (!pages[i])
			break;
		memset64(page_address(pages[i]), POISON, PAGE_SIZE / sizeof(u64));
		filled++;
	}
	for (i = 0; i < filled; i++)
		__free_page(pages[i]);
	for (i = 0; i < min(again, filled); i++) {
		pages[i] = alloc_page(GFP_KERNEL);
		if (!pages[i])
			break;
		found += *(u64 *)(page_address(pages[i]) + PAGE_SIZE / 2) == POISON;
	}
	while (i > 0)
		__free_page(pages[--i]);
	kvfree(pages);
	request->result[0] = filled;
	request->result[1] = found;
	return 0;
}
