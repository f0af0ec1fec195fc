/* SPDX-License-Identifier: MIT */
/*
 * The observer runs outside of the container, as root. It starts a command and reads
 * the monitor's counters around what the command does:
 *
 *	observe workload LINE COMMAND...
 *		the command is a shell without terminal; LINE makes it start a workload (workload.h).
 *		Measured: between the workload's "begin" and its "end", by the workload's own clock
 *	observe life LINE COMMAND...
 *		the same, but measured from "begin" until the command has ended and the monitor holds
 *		no more memory than before it: what the container leaves to be cleaned up is counted too
 *	observe around COMMAND...
 *		any command: from its start to its end
 *	observe prompt CGROUP COMMAND...
 *		an interactive shell: how much memory it holds at its prompt, in its cgroup
 *		(below /sys/fs/cgroup) and by the monitor's account
 *
 * Lines on standard output: "measured OPERATIONS NANOSECONDS", "count NAME DIFFERENCE",
 * "level NAME VALUE"; the command's own output goes through with "output " before each line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "blackbox_ioctl.h"
#include "mark.h"

static int device = -1;

static void fail(const char *what)
{
	fprintf(stderr, "observe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void take(struct bb_statistics *to)
{
	struct bb_ioctl_statistics request = { .group = 0 };

	memset(to, 0, sizeof(*to));
	if (device < 0)
		return;
	if (ioctl(device, BB_IOCTL_STATISTICS, &request) != 0)
		fail("statistics");
	*to = request.statistics;
}

static void print_counts(const struct bb_statistics *before, const struct bb_statistics *after)
{
	if (device < 0)
		return;
#define COUNT(field, name) printf("count " name " %" PRId64 "\n", (int64_t)(after->field - before->field))
	COUNT(exits, "exits");
	COUNT(world_switches, "worldSwitches");
	COUNT(os_calls, "osCalls");
	COUNT(interrupts, "interrupts");
	COUNT(tlb_invalidations, "tlbInvalidations");
	COUNT(cache_operations, "cacheOperations");
	COUNT(refusals, "refusals");
	COUNT(stage_two_faults, "stageTwoFaults");
	COUNT(bytes_scrubbed, "bytesScrubbed");
	COUNT(frames_private, "framesPrivate");
	COUNT(frames_tables, "framesTables");
	COUNT(frames_lent, "framesLent");
#undef COUNT
}

struct child {
	pid_t pid;
	int to;		/* its standard input */
	FILE *from;	/* its standard output and standard error */
};

static struct child start_command(char **command)
{
	int in[2], out[2];
	struct child child;

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		fail("pipe");
	child.pid = fork();
	if (child.pid < 0)
		fail("fork");
	if (child.pid == 0) {
		if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0 || dup2(out[1], 2) < 0)
			_exit(126);
		execvp(command[0], command);
		fprintf(stderr, "observe: %s: %s\n", command[0], strerror(errno));
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	child.to = in[1];
	child.from = fdopen(out[0], "r");
	if (!child.from)
		fail("fdopen");
	return child;
}

/* Waits for the command's end; the observer's own exit code is the command's. */
static int finish(struct child *child)
{
	int status;

	while (waitpid(child->pid, &status, 0) != child->pid)
		if (errno != EINTR)
			fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void pass(const char *line)
{
	size_t length = strlen(line);

	printf("output %s%s", line, length > 0 && line[length - 1] == '\n' ? "" : "\n");
	fflush(stdout);
}

static void say(const struct child *child, const char *text)
{
	size_t length = strlen(text);

	if (write(child->to, text, length) != (ssize_t)length)
		fail("writing to the command");
}

/* Waits until the monitor holds no more memory than before: what a container leaves goes back after its end. */
static void settle(const struct bb_statistics *before)
{
	const struct timespec pause = { 0, 100000 };
	uint64_t limit = now() + 20000000000u;
	struct bb_statistics current;

	do {
		take(&current);
		if (current.frames_private <= before->frames_private && current.frames_tables <= before->frames_tables)
			return;
		nanosleep(&pause, NULL);
	} while (now() < limit);
	fprintf(stderr, "observe: the memory did not come back\n");
	exit(1);
}

static int observe_workload(const char *line_for_shell, char **command, int life)
{
	struct bb_statistics idle, before = { 0 }, after;
	uint64_t operations = 0, time = 0, start = 0;
	int begun = 0, measured = 0;
	struct child child;
	char line[1024];

	take(&idle);
	child = start_command(command);
	say(&child, line_for_shell);
	say(&child, "\n");
	while (fgets(line, sizeof(line), child.from)) {
		if (!begun && strcmp(line, "begin\n") == 0) {
			begun = 1;
			take(&before);
			start = now();
			if (life)
				mark_begin();
			say(&child, "g");
		} else if (begun && !measured && sscanf(line, "end %" SCNu64 " %" SCNu64, &operations, &time) == 2) {
			take(&after);
			measured = 1;
			say(&child, "g");
		} else {
			pass(line);
		}
	}
	if (finish(&child) != 0 || !measured) {
		fprintf(stderr, "observe: the workload failed\n");
		return 1;
	}
	if (life) {
		settle(&idle);
		mark_end();
		time = now() - start;
		take(&after);
	}
	printf("measured %" PRIu64 " %" PRIu64 "\n", operations, time);
	print_counts(&before, &after);
	return 0;
}

static int observe_around(char **command)
{
	struct bb_statistics before, after;
	uint64_t begin = now();
	struct child child;
	char line[1024];
	int code;

	take(&before);
	mark_begin();
	child = start_command(command);
	close(child.to);
	while (fgets(line, sizeof(line), child.from))
		pass(line);
	code = finish(&child);
	mark_end();
	take(&after);
	printf("measured 1 %" PRIu64 "\n", now() - begin);
	print_counts(&before, &after);
	return code;
}

/* One number from a file of a cgroup: its first word, or the one after NAME in a list. */
static int64_t read_number(const char *group, const char *file, const char *name)
{
	char path[512], line[256], word[128];
	int64_t value = -1, number;
	FILE *stream;

	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/%s", group, file);
	stream = fopen(path, "r");
	if (!stream)
		fail(path);
	while (value < 0 && fgets(line, sizeof(line), stream)) {
		if (!name && sscanf(line, "%" SCNd64, &number) == 1)
			value = number;
		else if (name && sscanf(line, "%127s %" SCNd64, word, &number) == 2 && strcmp(word, name) == 0)
			value = number;
	}
	fclose(stream);
	if (value < 0) {
		errno = ENODATA;
		fail(path);
	}
	return value;
}

static int observe_prompt(const char *group, char **command)
{
		struct bb_statistics before, after;
	struct timespec pause = { 0, 200000000 };
	struct child child;
	char line[1024];
	int there = 0;

	take(&before);
	child = start_command(command);
	say(&child, "echo at the prompt\n");
	while (!there && fgets(line, sizeof(line), child.from)) {
		there = strstr(line, "at the prompt") != NULL;
		if (!there)
			pass(line);
	}
	if (!there) {
		(void)finish(&child);
		fprintf(stderr, "observe: the shell gave no answer\n");
		return 1;
	}
	/* It has answered; now it writes its prompt and waits. */
	nanosleep(&pause, NULL);
	take(&after);
	printf("level cgroup %" PRId64 "\n", read_number(group, "memory.current", NULL));
	printf("level kernel %" PRId64 "\n", read_number(group, "memory.stat", "kernel"));
	printf("level anonymous %" PRId64 "\n", read_number(group, "memory.stat", "anon"));
	printf("level file %" PRId64 "\n", read_number(group, "memory.stat", "file"));
	print_counts(&before, &after);
	fflush(stdout);
	close(child.to);
	while (fgets(line, sizeof(line), child.from))
		;
	return finish(&child) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	device = open("/dev/blackbox", O_RDWR | O_CLOEXEC);
	if (device < 0 && errno != ENOENT)
		fail("/dev/blackbox");
	if (argc >= 4 && strcmp(argv[1], "workload") == 0)
		return observe_workload(argv[2], argv + 3, 0);
	if (argc >= 4 && strcmp(argv[1], "life") == 0)
		return observe_workload(argv[2], argv + 3, 1);
	if (argc >= 3 && strcmp(argv[1], "around") == 0)
		return observe_around(argv + 2);
	if (argc >= 4 && strcmp(argv[1], "prompt") == 0)
		return observe_prompt(argv[2], argv + 3);
	fprintf(stderr, "usage: observe workload|life LINE COMMAND... | around COMMAND... | prompt CGROUP COMMAND...\n");
	return 2;
}
