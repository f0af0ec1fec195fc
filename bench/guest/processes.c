/* SPDX-License-Identifier: MIT */
/* fork, exec, exit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

/* A small program of the image, dynamically linked. */
static const char *const program = "/bin/true";

static void await(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) != child)
		if (errno != EINTR)
			fail("waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		errno = ECHILD;
		fail("the child failed");
	}
}

/* One operation: fork, exit of the child, wait. */
static void fork_exit(uint64_t operations)
{
	while (operations-- > 0) {
		pid_t child = fork();

		if (child < 0)
			fail("fork");
		if (child == 0)
			_exit(0);
		await(child);
	}
}

/* The parent has touched so much memory. It touches none between the forks, as a server that waits. */
static void prepare_touched(size_t bytes)
{
	char *region = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (region == MAP_FAILED)
		fail("mmap");
	memset(region, 1, bytes);
	fork_exit(3);
}

static void prepare_touched_1m(void)
{
	prepare_touched((size_t)1 << 20);
}

static void prepare_touched_64m(void)
{
	prepare_touched((size_t)64 << 20);
}

/* One operation: fork, exec of a program that ends at once, wait. */
static void fork_exec(uint64_t operations)
{
	while (operations-- > 0) {
		pid_t child = fork();

		if (child < 0)
			fail("fork");
		if (child == 0) {
			execl(program, program, (char *)NULL);
			_exit(127);
		}
		await(child);
	}
}

static void prepare_exec(void)
{
	fork_exec(3);
}

const struct workload process_workloads[] = {
	{ "fork-exit-1m", prepare_touched_1m, fork_exit, 100 },
	{ "fork-exit-64m", prepare_touched_64m, fork_exit, 50 },
	{ "fork-exec", prepare_exec, fork_exec, 50 },
	{ NULL, NULL, NULL, 0 },
};
