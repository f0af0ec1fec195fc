/* SPDX-License-Identifier: MIT */
/* System calls, and processes that wake each other. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

static int null_device;

static void write_null(uint64_t operations)
{
	static const char byte = 'x';

	while (operations-- > 0)
		if (write(null_device, &byte, 1) != 1)
			fail("write to /dev/null");
}

static void prepare_write_null(void)
{
	null_device = open("/dev/null", O_WRONLY);
	if (null_device < 0)
		fail("/dev/null");
	write_null(100);
}

/* The system call itself: getpid is answered by Linux natively, by the shield in a container. */
static void get_process(uint64_t operations)
{
	while (operations-- > 0)
		if (syscall(SYS_getpid) <= 0)
			fail("getpid");
}

static void prepare_get_process(void)
{
	get_process(100);
}

/* One byte to another process and back, over two pipes: one operation is a round trip. */
static int to_child[2], from_child[2];

static void ping(uint64_t operations)
{
	char byte = 'p';

	while (operations-- > 0)
		if (write(to_child[1], &byte, 1) != 1 || read(from_child[0], &byte, 1) != 1)
			fail("pipe");
}

static void prepare_ping(void)
{
	pid_t child;
	char byte;

	if (pipe(to_child) != 0 || pipe(from_child) != 0)
		fail("pipe");
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		close(to_child[1]);
		close(from_child[0]);
		while (read(to_child[0], &byte, 1) == 1)
			if (write(from_child[1], &byte, 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(to_child[0]);
	close(from_child[1]);
	ping(20);
}

/* 64 KiB at a time from one process to another, in one direction: one operation is 64 KiB. */
static char block[65536];

static void stream(uint64_t operations)
{
	while (operations-- > 0) {
		size_t done = 0;

		while (done < sizeof(block)) {
			ssize_t n = write(to_child[1], block + done, sizeof(block) - done);

			if (n <= 0)
				fail("write to the pipe");
			done += (size_t)n;
		}
	}
}

static void prepare_stream(void)
{
	pid_t child;

	if (pipe(to_child) != 0)
		fail("pipe");
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		close(to_child[1]);
		while (read(to_child[0], block, sizeof(block)) > 0)
			;
		_exit(0);
	}
	close(to_child[0]);
	stream(4);
}

const struct workload call_workloads[] = {
	{ "os-call", prepare_write_null, write_null, 20000 },
	{ "getpid", prepare_get_process, get_process, 20000 },
	{ "pipe-latency", prepare_ping, ping, 2000 },
	{ "pipe-stream", prepare_stream, stream, 200 },
	{ NULL, NULL, NULL, 0 },
};
