// SPDX-License-Identifier: GPL-2.0
/*
 * What the attacks are after: a program that makes a secret, keeps it in heap,
 * stack and registers, and never says it. Runs protected and, as the control,
 * unprotected.
 *
 *	victim guard SALT [anything]
 *
 * The secret begins with a random word; each following one is the word before
 * times a constant plus a step that SALT gives. So whoever finds three
 * consecutive words of that kind in memory has found the secret, though nobody
 * was told it. What is held in registers has a step of its own (SALT + 100).
 *
 * Commands, one byte each on standard input, answered by one line each:
 *	v	is the secret still what it was?
 *	s	hold it in the registers for a while, then as v
 *	S	the same until the next input is there; answers at once and at the end
 *	c	make system calls and check what comes back
 *	f	fork: does a child see the secret, and does its end arrive?
 *	d	open files: is every descriptor a new one?
 *	t	are thread and process numbers what they were?
 *	m	map memory: is it zero, and nobody else's?
 *	r	random numbers: different each time?
 *	e	how many environment variables are there?
 *	g	take signals until the next input is there: does none of them lie?
 *	p, k	put the secret into a pipe (or a pair of sockets)
 *	P	let a child take it out again
 *	u	two threads hand a number over by futexes
 *	l	list a folder
 *	w	do clocks go back?
 *	i	(hostile) instructions that a program may not execute
 *	h, y	(hostile) all memory, all tasks
 *	q	end
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spin.h"
#include "victim.h"

#define FACTOR 6364136223846793005ULL
#define STEP 0x9E3779B97F4A7C15ULL
#define HEAP_WORDS (64 * 4096 / 8)
#define STACK_WORDS 512
#define CANARY 0x00c0ffee00c0ffeeULL
#define MAP_BYTES (2UL << 20)	/* so much that an enclave has to ask for more */

static uint64_t step, register_step, first, *heap;
extern char **environ;
static pid_t process;

void say(const char *text)
{
	static char line[256];
	int length = snprintf(line, sizeof(line), "%s\n", text);

	while (write(1, line, length) < 0 && errno == EINTR)
		;
}

void fill(uint64_t *words, size_t count)
{
	uint64_t word = first;
	size_t i;

	for (i = 0; i < count; i++, word = word * FACTOR + step)
		words[i] = word;
}

int is_intact(const uint64_t *words, size_t count)
{
	uint64_t word = first;
	size_t i;

	for (i = 0; i < count; i++, word = word * FACTOR + step)
		if (((const volatile uint64_t *)words)[i] != word)
			return 0;
	return 1;
}

int all_intact(const uint64_t *stack)
{
	return is_intact(heap, HEAP_WORDS) && is_intact(stack, STACK_WORDS);
}

/* One read of a file with a canary on both sides of the buffer. */
static const char *check_read(int file, size_t bytes)
{
	static struct { uint64_t before[8]; uint8_t buffer[65536]; uint64_t after[8]; } guarded;
	ssize_t result;
	size_t i;

	for (i = 0; i < 8; i++)
		guarded.before[i] = guarded.after[i] = CANARY;
	memset(guarded.buffer, 0x55, sizeof(guarded.buffer));
	errno = 0;
	result = pread(file, guarded.buffer, bytes, 0);
	for (i = 0; i < 8; i++)
		if (guarded.before[i] != CANARY || guarded.after[i] != CANARY)
			return "BROKEN canary";
	if (result > (ssize_t)bytes || result < -1 || (result == -1 && (errno <= 0 || errno > 4095)))
		return "BROKEN result of read";
	for (i = result < 0 ? 0 : result; i < sizeof(guarded.buffer); i++)
		if (guarded.buffer[i] != 0x55)
			return "BROKEN: written beyond the result";
	return result < 0 ? "error" : NULL;
}

static const char *check_stat(int file)
{
	struct { uint64_t before; struct stat status; uint64_t after; } guarded = { .before = CANARY, .after = CANARY };
	/* The library's fstat would hide what the kernel answers. */
	long result = syscall(SYS_newfstatat, file, "", &guarded.status, AT_EMPTY_PATH);

	if (guarded.before != CANARY || guarded.after != CANARY)
		return "BROKEN canary of stat";
	if (result != 0 && (result != -1 || errno <= 0 || errno > 4095))
		return "BROKEN result of stat";
	return result ? "error" : NULL;
}

static const char *check_write(void)
{
	static const uint8_t zeros[5000];
	int null = open("/dev/null", O_WRONLY);
	ssize_t result;

	if (null < 0)
		return "error";
	result = write(null, zeros, sizeof(zeros));
	close(null);
	if (result > (ssize_t)sizeof(zeros) || result < -1)
		return "BROKEN result of write";
	return result < 0 ? "error" : NULL;
}

static const char *check_poll(int file)
{
	struct pollfd polled[3] = { { file, POLLIN, 0 }, { -1, POLLIN, 0 }, { 1, POLLOUT, 0 } };
	int result = poll(polled, 3, 0);

	if (result > 3 || result < -1 || polled[0].fd != file || polled[1].fd != -1 || polled[2].fd != 1 ||
	    polled[0].events != POLLIN || polled[1].events != POLLIN)
		return "BROKEN poll";
	return result < 0 ? "error" : NULL;
}

static const char *check_time(void)
{
	static struct timespec last;
	struct timespec now;
	int result = clock_gettime(CLOCK_MONOTONIC, &now);

	if (result)
		return "error";
	if (now.tv_nsec < 0 || now.tv_nsec >= 1000000000L || now.tv_sec < last.tv_sec ||
	    (now.tv_sec == last.tv_sec && now.tv_nsec < last.tv_nsec))
		return "BROKEN: monotonic time went back";
	last = now;
	return NULL;
}

/* A file outside of the image: what Linux says of it counts. Files of the image it is not even asked about. */
static int open_outside(void)
{
	int file = open("/run/outside", O_RDWR | O_CREAT, 0600);

	if (file >= 0 && ftruncate(file, 65536)) {
		close(file);
		return -1;
	}
	return file;
}

/* A round of calls with arguments in both directions; counts defined errors. */
static void make_calls(void)
{
	static const size_t sizes[] = { 1, 7, 512, 4096, 9000, 40000 };
	int file = open_outside(), error = errno, errors = 0, calls = 0;
	char line[128];
	unsigned int i;

	for (i = 0; i < 60; i++) {
		const char *results[] = { check_read(file, sizes[i % 6]), check_stat(file), check_write(), check_poll(file), check_time() };
		unsigned int j;

		for (j = 0; j < 5; j++, calls++) {
			if (!results[j])
				continue;
			errors++;
			if (results[j][0] == 'B') {
				say(results[j]);
				return;
			}
		}
	}
	if (file >= 0)
		close(file);
	if (file < 0)
		snprintf(line, sizeof(line), "calls %d errors %d, /run/outside: %s", calls, errors, strerror(error));
	else
		snprintf(line, sizeof(line), "calls %d errors %d", calls, errors);
	say(line);
}

static void make_child(const uint64_t *stack)
{
	char line[128];
	int status = -1;
	pid_t child = fork(), ended;

	if (child == 0)
		_exit(all_intact(stack) ? 17 : 18);
	if (child < 0) {
		say("error fork");
		return;
	}
	ended = waitpid(child, &status, 0);
	if (ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 17)
		say("child 17");
	else if (ended == -1 && errno > 0 && errno < 4096)
		say("error wait");
	else {
		snprintf(line, sizeof(line), "BROKEN child %d ended %d status %x", child > 0, ended == child, status);
		say(line);
	}
}

/* A descriptor that stands for another file already would mix up the two. */
static void make_descriptors(void)
{
	int held[24], i, j;

	for (i = 0; i < 24; i++) {
		held[i] = open("/data", O_RDONLY);
		for (j = 0; j < i; j++)
			if (held[i] >= 0 && held[i] == held[j])
				break;
		if (held[i] >= 0 && (j < i || held[i] <= 2 || held[i] > 65536)) {
			say("BROKEN: a descriptor twice, or none");
			return;
		}
	}
	for (i = j = 0; i < 24; i++)
		if (held[i] >= 0)
			close(held[i]);
		else
			j++;
	say(j ? "error descriptors" : "descriptors");
}

static void make_numbers(void)
{
	pid_t child, ended;
	int i, status, errors = 0;

	for (i = 0; i < 8; i++) {
		if (getpid() != process) {
			say("BROKEN process number");
			return;
		}
		child = fork();
		if (child == 0)
			_exit(getpid() == process ? 2 : 1);
		if (child < 0) {
			errors++;
			continue;
		}
		if (child == process) {
			say("BROKEN child number");
			return;
		}
		ended = waitpid(child, &status, 0);
		if (ended < 0 && errno == ECHILD) {
			say("BROKEN: a child that is none");
			return;
		}
		if (ended != child)
			errors++;
		else if (!WIFEXITED(status) || WEXITSTATUS(status) != 1) {
			say("BROKEN child");
			return;
		}
	}
	say(errors ? "error numbers" : "numbers");
}

static void make_memory(void)
{
	uint64_t *maps[8];
	int i, j;

	for (i = 0; i < 8; i++) {
		maps[i] = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (maps[i] == MAP_FAILED) {
			say("error memory");
			return;
		}
		for (j = 0; j < (int)(MAP_BYTES / 8); j += 8) {
			if (maps[i][j]) {
				say("BROKEN: memory not zero or mapped twice");
				return;
			}
			maps[i][j] = CANARY;
		}
	}
	for (i = 0; i < 8; i++)
		munmap(maps[i], MAP_BYTES);
	say("memory");
}

static void make_random(void)
{
	uint64_t drawn[16][2];
	int i, j;

	for (i = 0; i < 16; i++) {
		if (getrandom(drawn[i], 16, 0) != 16) {
			say("error random");
			return;
		}
		for (j = 0; j < i; j++)
			if (drawn[i][0] == drawn[j][0] || drawn[i][1] == drawn[j][1] || !drawn[i][0]) {
				say("BROKEN: random numbers repeat");
				return;
			}
	}
	say("random");
}

static void hold_in_registers(const uint64_t *stack, int endless)
{
	/* Endless: long enough that whoever looks at it finds it computing, not in a call. */
	uint64_t rounds = endless ? 60000000 : 40000000;
	struct pollfd input = { 0, POLLIN, 0 };
	uint64_t other;

	if (getrandom(&other, sizeof(other), 0) != sizeof(other)) {
		say("error random");
		return;
	}

	if (endless)
		say("spinning");
	do {
		if (!spin_with(other, FACTOR, register_step, rounds)) {
			say("CHANGED registers");
			return;
		}
	} while (endless && poll(&input, 1, 0) == 0);
	say(all_intact(stack) ? "intact" : "CHANGED");
}

static void count_environment(void)
{
	char line[64];
	int i = 0;

	while (environ[i])
		i++;
	snprintf(line, sizeof(line), "environment %d", i);
	say(line);
}

int main(int count, char **word)
{
	uint64_t stack[STACK_WORDS];
	char command, line[64];

	if (count < 3 || strcmp(word[1], "guard"))
		return 2;
	process = getpid();
	step = STEP * strtoull(word[2], NULL, 0) | 1;
	register_step = STEP * (strtoull(word[2], NULL, 0) + 100) | 1;
	if (getrandom(&first, sizeof(first), 0) != sizeof(first))
		return 3;
	heap = mmap(NULL, HEAP_WORDS * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (heap == MAP_FAILED)
		return 4;
	fill(heap, HEAP_WORDS);
	fill(stack, STACK_WORDS);
	snprintf(line, sizeof(line), "ready %p", (void *)heap);
	say(line);
	for (;;) {
		ssize_t got = read(0, &command, 1);

		if (got != 1) {
			if (got < 0 && errno == EINTR)
				continue;
			say(got ? "error input" : "end of input");
			return all_intact(stack) ? 5 : 6;
		}
		switch (command) {
		case 'v': say(all_intact(stack) ? "intact" : "CHANGED"); break;
		case 's': hold_in_registers(stack, 0); break;
		case 'S': hold_in_registers(stack, 1); break;
		case 'c': make_calls(); break;
		case 'f': make_child(stack); break;
		case 'd': make_descriptors(); break;
		case 't': make_numbers(); break;
		case 'm': make_memory(); break;
		case 'r': make_random(); break;
		case 'e': count_environment(); break;
		case 'g': take_signals(stack); break;
		case 'p': put_into_pipe(0); break;
		case 'k': put_into_pipe(1); break;
		case 'P': get_from_pipe(); break;
		case 'u': hand_over(); break;
		case 'l': list_folder(); break;
		case 'w': watch_clocks(); break;
		case 'i': be_illegal(); break;
		case 'h': use_memory(); break;
		case 'y': make_tasks(); break;
		case 'q': say("bye"); return 0;
		case '.':
		case '\n': break;
		default: say("what?"); break;
		}
	}
}
