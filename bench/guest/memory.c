/* SPDX-License-Identifier: MIT */
/* Anonymous memory. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workload.h"

#define PAGE 4096u

/* Large enough that it does not stay with the program for nothing when it is unmapped. */
#define REGION ((size_t)64 << 20)

static void touch_pages(uint64_t pages, int huge)
{
	while (pages > 0) {
		uint64_t part = pages < REGION / PAGE ? pages : REGION / PAGE;
		size_t length = (size_t)part * PAGE;
		volatile char *region = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (region == MAP_FAILED)
			fail("mmap");
		/* A refusal means that the kernel has no huge pages: there is nothing to turn off then. */
		if (!huge)
			(void)madvise((void *)region, length, MADV_NOHUGEPAGE);
		for (size_t i = 0; i < length; i += PAGE)
			region[i] = 1;
		if (munmap((void *)region, length) != 0)
			fail("munmap");
		pages -= part;
	}
}

/* One operation: one page of 4 KiB, each with a fault of its own. */
static void fault_small(uint64_t pages)
{
	touch_pages(pages, 0);
}

/* One operation: one page of 4 KiB of a mapping that may use whatever the system offers (huge pages). */
static void fault_any(uint64_t pages)
{
	touch_pages(pages, 1);
}

/* Every page is new to the program: in a container, granted for it. One operation: one page of 4 KiB. */
static void fault_fresh(uint64_t pages)
{
	size_t length = (size_t)pages * PAGE;
	volatile char *region = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (region == MAP_FAILED)
		fail("mmap");
	(void)madvise((void *)region, length, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < length; i += PAGE)
		region[i] = 1;
}

static void prepare_small(void)
{
	touch_pages(REGION / PAGE, 0);
}

static void prepare_any(void)
{
	touch_pages(REGION / PAGE, 1);
}

/* A small region again and again: what a program's allocator does with a pool. One operation: one page. */
static void fault_pool(uint64_t pages)
{
	while (pages > 0) {
		uint64_t part = pages < 64 ? pages : 64;

		touch_pages(part, 0);
		pages -= part;
	}
}

static void prepare_pool(void)
{
	fault_pool(256);
}

const struct workload memory_workloads[] = {
	{ "page-fault", NULL, fault_fresh, REGION / PAGE },
	{ "page-fault-again", prepare_small, fault_small, 4 * (REGION / PAGE) },
	{ "page-fault-huge", prepare_any, fault_any, 4 * (REGION / PAGE) },
	{ "page-fault-pool", prepare_pool, fault_pool, 16384 },
	{ NULL, NULL, NULL, 0 },
};
