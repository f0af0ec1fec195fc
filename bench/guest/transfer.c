/* SPDX-License-Identifier: MIT */
/*
 * Moves data between the machine and its devices, as an ordinary process:
 *
 *	transfer disk DEVICE BYTES		reads it past the page cache
 *	transfer receive ADDRESS PORT BYTES	from a TCP connection
 *	transfer send ADDRESS PORT BYTES	to a TCP connection; until the other side has closed it
 *
 * Lines on standard output: "measured OPERATIONS NANOSECONDS" (an operation is 64 KiB),
 * and with the monitor "count NAME DIFFERENCE" for what it did meanwhile, less what
 * reading the counters costs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "blackbox_ioctl.h"

#define BLOCK 65536

static int device = -1;
static uint8_t block[BLOCK] __attribute__((aligned(4096)));

static void fail(const char *what)
{
	fprintf(stderr, "transfer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static struct bb_statistics take(void)
{
	struct bb_ioctl_statistics request = { .group = 0 };

	if (device >= 0 && ioctl(device, BB_IOCTL_STATISTICS, &request) != 0)
		fail("statistics");
	return request.statistics;
}

static int connect_to(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connection < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 || connect(connection, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail("connect");
	return connection;
}

static void move(int file, uint64_t bytes, int is_send)
{
	uint64_t done = 0;

	while (done < bytes) {
		size_t size = bytes - done < BLOCK ? bytes - done : BLOCK;
		ssize_t moved = is_send ? write(file, block, size) : read(file, block, size);

		if (moved < 0 && errno == EINTR)
			continue;
		if (moved <= 0)
			fail("too few bytes");
		done += (uint64_t)moved;
	}
	/* What was sent has arrived when the other side closes. */
	if (is_send && (shutdown(file, SHUT_WR) != 0 || read(file, block, 1) != 0))
		fail("the other side");
}

int main(int count, char **word)
{
	int is_disk = count == 4 && !strcmp(word[1], "disk");
	int is_send = count == 5 && !strcmp(word[1], "send");
	struct bb_statistics first, before, after;
	uint64_t bytes, start, time;
	int file;

	if (!is_disk && !is_send && (count != 5 || strcmp(word[1], "receive"))) {
		fprintf(stderr, "transfer: what is to be moved?\n");
		return 2;
	}
	device = open("/dev/blackbox", O_RDWR | O_CLOEXEC);
	bytes = strtoull(word[count - 1], NULL, 10);
	file = is_disk ? open(word[2], O_RDONLY | O_DIRECT | O_CLOEXEC) : connect_to(word[2], word[3]);
	if (file < 0)
		fail(word[2]);
	first = take();
	before = take();
	start = now();
	move(file, bytes, is_send);
	time = now() - start;
	after = take();
	printf("measured %" PRIu64 " %" PRIu64 "\n", bytes / BLOCK, time);
#define COUNT(field, name) printf("count " name " %" PRId64 "\n", (int64_t)(after.field - before.field) - (int64_t)(before.field - first.field))
	if (device >= 0) {
		COUNT(exits, "exits");
		COUNT(stage_two_faults, "stageTwoFaults");
		COUNT(smmu_commands, "smmuCommands");
		COUNT(dma_faults, "dmaFaults");
	}
#undef COUNT
	return 0;
}
