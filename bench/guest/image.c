/* SPDX-License-Identifier: MIT */
/* Files of the image: read, and executed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

/* A file of several MiB that the benchmark adds to the image. */
static const char *const data = "/usr/share/benchmark.data";

static char block[65536];
static int file, null_device;

/* From the file's start again and again. One operation: 64 KiB. */
static void read_file(uint64_t operations)
{
	while (operations > 0) {
		ssize_t n = read(file, block, sizeof(block));

		if (n == (ssize_t)sizeof(block))
			operations--;
		else if (n != 0 || lseek(file, 0, SEEK_SET) != 0)
			fail("reading the image's file");
	}
}

/* Nothing of the file has been read in this container. */
static void prepare_cold(void)
{
	file = open(data, O_RDONLY);
	if (file < 0)
		fail(data);
}

static void prepare_warm(void)
{
	off_t size;

	prepare_cold();
	size = lseek(file, 0, SEEK_END);
	if (size <= 0 || lseek(file, 0, SEEK_SET) != 0)
		fail("lseek");
	read_file((uint64_t)size / sizeof(block));
}

/* One operation: fork, exec of a program with several libraries that lists the image's root, wait. */
static void execute(uint64_t operations)
{
	while (operations-- > 0) {
		pid_t child = fork();
		int status;

		if (child < 0)
			fail("fork");
		if (child == 0) {
			if (dup2(null_device, 1) == 1)
				execl("/bin/ls", "ls", "/", (char *)NULL);
			_exit(127);
		}
		while (waitpid(child, &status, 0) != child)
			if (errno != EINTR)
				fail("waitpid");
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			errno = ECHILD;
			fail("ls failed");
		}
	}
}

static void prepare_execute(void)
{
	null_device = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null_device < 0)
		fail("/dev/null");
	execute(3);
}

const struct workload image_workloads[] = {
	{ "image-read", prepare_warm, read_file, 512 },
	{ "image-read-cold", prepare_cold, read_file, 128 },
	{ "image-exec", prepare_execute, execute, 50 },
	{ NULL, NULL, NULL, 0 },
};
