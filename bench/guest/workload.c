/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mark.h"
#include "workload.h"

void fail(const char *what)
{
	fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
	exit(1);
}

uint64_t now(void)
{
	struct timespec time;

	if (clock_gettime(CLOCK_MONOTONIC, &time) != 0)
		fail("clock_gettime");
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Says something and waits for the observer's answer. */
static void tell(const char *text)
{
	size_t length = strlen(text);
	char answer;

	if (write(1, text, length) != (ssize_t)length)
		fail("telling the observer");
	if (read(0, &answer, 1) != 1)
		fail("hearing from the observer");
}

static const struct workload *find(const struct workload *list, const char *name)
{
	for (; list->name; list++)
		if (strcmp(list->name, name) == 0)
			return list;
	return NULL;
}

int main(int argc, char **argv)
{
	const struct workload *workload = NULL;
	uint64_t operations, start, time;
	char line[64];
	char *end = NULL;
	int marked = 1;

	if (argc == 4 && strcmp(argv[3], "unmarked") == 0) {
		marked = 0;
		argc = 3;
	}
	if (argc == 2 || argc == 3) {
		workload = find(call_workloads, argv[1]);
		if (!workload)
			workload = find(memory_workloads, argv[1]);
		if (!workload)
			workload = find(process_workloads, argv[1]);
		if (!workload)
			workload = find(image_workloads, argv[1]);
	}
	if (!workload) {
		fprintf(stderr, "usage: workload NAME [OPERATIONS [unmarked]]\n");
		return 2;
	}
	operations = workload->operations;
	if (argc == 3) {
		errno = 0;
		operations = strtoull(argv[2], &end, 10);
		if (errno || end == argv[2] || *end || operations == 0) {
			fprintf(stderr, "workload: '%s' is no number of operations\n", argv[2]);
			return 2;
		}
	}
	if (workload->prepare)
		workload->prepare();
	tell("begin\n");
	start = now();
	if (marked)
		mark_begin();
	workload->run(operations);
	if (marked)
		mark_end();
	time = now() - start;
	snprintf(line, sizeof(line), "end %" PRIu64 " %" PRIu64 "\n", operations, time);
	tell(line);
	return 0;
}
