// SPDX-License-Identifier: MIT
/*
 * dump DEVICE BASE SIZE DISK
 *
 * Copies SIZE bytes of physical memory from BASE on (both in hexadecimal, 2 MiB
 * aligned) to DISK, page by page, through the module's device. The disk gets the
 * pages at their offset from BASE; pages of zeros are left out, so the disk has
 * to hold zeros before. Behind them, from offset SIZE on, stands one byte for
 * each page: 1 written, 2 zero, 3 refused. Last line of output:
 *
 *	pages TOTAL written N zero N refused N
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096UL
#define CHUNK (1UL << 20)

enum state { WRITTEN = 1, ZERO = 2, REFUSED = 3 };

static void fail(const char *what)
{
	fprintf(stderr, "dump: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void put(int disk, const uint8_t *from, size_t length, off_t offset)
{
	while (length > 0) {
		ssize_t done = pwrite(disk, from, length, offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			fail("writing to the disk");
		from += done;
		offset += done;
		length -= (size_t)done;
	}
}

static int is_zero(const uint8_t *page)
{
	const uint64_t *words = (const uint64_t *)page;
	size_t i;

	for (i = 0; i < PAGE / sizeof(*words); i++)
		if (words[i])
			return 0;
	return 1;
}

/* Reads a chunk; states of its pages that cannot be read are set. */
static void get(int memory, uint8_t *to, uint64_t address, uint8_t *states)
{
	size_t at = 0;

	while (at < CHUNK) {
		ssize_t got = pread(memory, to + at, CHUNK - at, (off_t)(address + at));

		if (got < 0 && errno == EFAULT) {
			states[at / PAGE] = REFUSED;
			at += PAGE;
		} else if (got <= 0) {
			fail("reading memory");
		} else {
			at += (size_t)got;
		}
	}
}

int main(int count, char **words)
{
	uint64_t base, size, at, pages;
	uint64_t counts[4] = { 0, 0, 0, 0 };
	uint8_t *states;
	void *chunk;
	int memory, disk;

	if (count != 5) {
		fprintf(stderr, "usage: dump DEVICE BASE SIZE DISK\n");
		return 2;
	}
	base = strtoull(words[2], NULL, 16);
	size = strtoull(words[3], NULL, 16);
	if (!size || (base | size) % (2 * CHUNK)) {
		fprintf(stderr, "dump: BASE and SIZE must be multiples of 2 MiB\n");
		return 2;
	}
	memory = open(words[1], O_RDONLY | O_CLOEXEC);
	if (memory < 0)
		fail(words[1]);
	/* Not through the page cache: it would fill memory with copies of what is being looked for. */
	disk = open(words[4], O_RDWR | O_DIRECT | O_CLOEXEC);
	if (disk < 0)
		fail(words[4]);
	pages = size / PAGE;
	if (posix_memalign(&chunk, PAGE, CHUNK) || posix_memalign((void **)&states, PAGE, (pages + PAGE - 1) / PAGE * PAGE))
		fail("memory");
	memset(states, 0, (pages + PAGE - 1) / PAGE * PAGE);

	for (at = 0; at < size; at += CHUNK) {
		uint8_t *state = states + at / PAGE;
		uint8_t *bytes = chunk;
		size_t page, run = 0;

		get(memory, bytes, base + at, state);
		/* Neighbouring pages are written together. */
		for (page = 0; page <= CHUNK / PAGE; page++) {
			int wanted = 0;

			if (page < CHUNK / PAGE) {
				if (!state[page])
					state[page] = is_zero(bytes + page * PAGE) ? ZERO : WRITTEN;
				wanted = state[page] == WRITTEN;
				counts[state[page]]++;
			}
			if (!wanted) {
				if (page > run)
					put(disk, bytes + run * PAGE, (page - run) * PAGE, (off_t)(at + run * PAGE));
				run = page + 1;
			}
		}
	}
	put(disk, states, (pages + PAGE - 1) / PAGE * PAGE, (off_t)size);
	if (fsync(disk))
		fail("writing to the disk");
	printf("pages %llu written %llu zero %llu refused %llu\n", (unsigned long long)pages, (unsigned long long)counts[WRITTEN],
	       (unsigned long long)counts[ZERO], (unsigned long long)counts[REFUSED]);
	return 0;
}
