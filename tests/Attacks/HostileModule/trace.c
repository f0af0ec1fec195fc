// SPDX-License-Identifier: GPL-2.0
/* What root can do to a process without a module: debugger, profiler, other processes' memory and descriptors. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool.h"

#ifndef NT_ARM_HW_BREAK
#define NT_ARM_HW_BREAK 0x402
#define NT_ARM_HW_WATCH 0x403
#endif

struct general { uint64_t x[31], sp, pc, pstate; };
struct vectors { uint64_t v[64]; uint32_t fpsr, fpcr; };
struct debug_registers {
	uint32_t information, pad;
	struct { uint64_t address; uint32_t control, pad; } slot[16];
};

static long get(pid_t process, int kind, void *to, size_t bytes)
{
	struct iovec area = { to, bytes };

	return ptrace(PTRACE_GETREGSET, process, kind, &area);
}

static long set(pid_t process, int kind, void *from, size_t bytes)
{
	struct iovec area = { from, bytes };

	return ptrace(PTRACE_SETREGSET, process, kind, &area);
}

static pid_t attach(const char *text)
{
	pid_t process = number(text);
	int status;

	if (ptrace(PTRACE_SEIZE, process, 0, 0) || ptrace(PTRACE_INTERRUPT, process, 0, 0) || waitpid(process, &status, __WALL) != process) {
		printf("error %d\n", errno);
		exit(1);
	}
	return process;
}

/* Runs of the pattern are what is looked for: the words are said in order. */
static void print_words(const uint64_t *words, int count)
{
	int i;

	for (i = 0; i < count; i++)
		printf("r 0x%llx\n", (unsigned long long)words[i]);
}

/* registers PID [TIMES]: all registers of the thread, stopped where it was */
int registers_command(int count, char **word)
{
	uint64_t times = count > 1 ? number(word[1]) : 1, i;
	struct general general;
	struct vectors vectors;
	pid_t process;

	if (count < 1)
		return 2;
	process = attach(word[0]);
	for (i = 0; i < times; i++) {
		int status;

		if (get(process, NT_PRSTATUS, &general, sizeof(general)) || get(process, NT_PRFPREG, &vectors, sizeof(vectors))) {
			printf("error %d\n", errno);
			return 1;
		}
		print_words(general.x, 31);
		print_words(vectors.v, 64);
		print("pc", general.pc);
		if (i + 1 < times) {
			ptrace(PTRACE_CONT, process, 0, 0);
			usleep(20000);
			ptrace(PTRACE_INTERRUPT, process, 0, 0);
			waitpid(process, &status, __WALL);
		}
	}
	ptrace(PTRACE_DETACH, process, 0, 0);
	return 0;
}

/* set-registers PID: other values in all registers but SP, PC and PSTATE */
int set_registers_command(int count, char **word)
{
	struct general general;
	struct vectors vectors;
	pid_t process;
	int i;

	if (count < 1)
		return 2;
	process = attach(word[0]);
	if (get(process, NT_PRSTATUS, &general, sizeof(general)) || get(process, NT_PRFPREG, &vectors, sizeof(vectors)))
		return 1;
	for (i = 0; i < 31; i++)
		general.x[i] = 0x4141414141410000ULL + i;
	memset(vectors.v, 0x41, sizeof(vectors.v));
	print("general", set(process, NT_PRSTATUS, &general, sizeof(general)) == 0);
	print("vectors", set(process, NT_PRFPREG, &vectors, sizeof(vectors)) == 0);
	ptrace(PTRACE_DETACH, process, 0, 0);
	return 0;
}

/* steps PID COUNT: single steps, the general registers after each */
int steps_command(int count, char **word)
{
	struct general general;
	uint64_t steps, done = 0, moved = 0, last = 0;
	pid_t process;
	int status;

	if (count != 2)
		return 2;
	process = attach(word[0]);
	for (steps = number(word[1]); done < steps; done++) {
		if (ptrace(PTRACE_SINGLESTEP, process, 0, 0) || waitpid(process, &status, __WALL) != process || !WIFSTOPPED(status))
			break;
		if (get(process, NT_PRSTATUS, &general, sizeof(general)))
			break;
		moved += general.pc != last;
		last = general.pc;
		if (done % 64 == 0)
			print_words(general.x, 31);
	}
	print("steps", done);
	print("moved", moved);
	ptrace(PTRACE_DETACH, process, 0, 0);
	return 0;
}

/* breakpoint PID ADDRESS execute|access SECONDS: a hardware breakpoint or watchpoint of the debugger; how often it came */
int breakpoint_command(int count, char **word)
{
	struct debug_registers debug = {};
	int kind, status, hits = 0, others = 0;
	uint64_t rounds;
	pid_t process;

	if (count != 4)
		return 2;
	kind = strcmp(word[2], "access") ? NT_ARM_HW_BREAK : NT_ARM_HW_WATCH;
	process = attach(word[0]);
	debug.slot[0].address = number(word[1]);
	/* enabled, EL0; all bytes of the word; watchpoints: load and store */
	debug.slot[0].control = kind == NT_ARM_HW_BREAK ? 0x1e5 : 0x1ffd;
	if (set(process, kind, &debug, 8 + sizeof(debug.slot[0]))) {
		printf("error %d\n", errno);
		return 1;
	}
	ptrace(PTRACE_CONT, process, 0, 0);
	printf("set 1\n");
	fflush(stdout);
	for (rounds = number(word[3]) * 50; rounds > 0 && hits == 0; rounds--) {
		while (waitpid(process, &status, __WALL | WNOHANG) == process && WIFSTOPPED(status)) {
			if (WSTOPSIG(status) == SIGTRAP) {
				hits++;
				break;
			}
			others++;
			ptrace(PTRACE_CONT, process, 0, WSTOPSIG(status));
		}
		usleep(20000);
	}
	if (!hits) {
		ptrace(PTRACE_INTERRUPT, process, 0, 0);
		waitpid(process, &status, __WALL);
	}
	debug.slot[0].control = 0;
	set(process, kind, &debug, 8 + sizeof(debug.slot[0]));
	ptrace(PTRACE_DETACH, process, 0, 0);
	printf("hits %d\nothers %d\n", hits, others);
	return 0;
}

/* samples PID MILLISECONDS: a profiler that takes all registers at every tenth of a millisecond */
int samples_command(int count, char **word)
{
	const size_t ring = 64 * 4096;
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attributes), .config = PERF_COUNT_SW_CPU_CLOCK, .sample_period = 100000,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_REGS_USER, .sample_regs_user = (1ULL << 33) - 1,
	};
	struct perf_event_mmap_page *control;
	const uint8_t *data;
	uint64_t at, samples = 0;
	int event;

	if (count != 2)
		return 2;
	event = syscall(SYS_perf_event_open, &attributes, (pid_t)number(word[0]), -1, -1, 0);
	if (event < 0) {
		printf("error %d\n", errno);
		return 1;
	}
	control = mmap(NULL, ring + 4096, PROT_READ | PROT_WRITE, MAP_SHARED, event, 0);
	if (control == MAP_FAILED) {
		printf("error %d\n", errno);
		return 1;
	}
	data = (const uint8_t *)control + 4096;
	usleep(number(word[1]) * 1000);
	for (at = 0; at + sizeof(struct perf_event_header) < control->data_head && at < ring; ) {
		const struct perf_event_header *header = (const struct perf_event_header *)(data + at);
		const uint64_t *words = (const uint64_t *)(header + 1);

		if (header->size < sizeof(*header) || at + header->size > ring)
			break;
		/* IP, ABI, then the registers, if there are any */
		if (header->type == PERF_RECORD_SAMPLE && header->size >= sizeof(*header) + 35 * 8 && words[1] == 2) {
			if (samples++ % 8 == 0)
				print_words(words + 2, 31);
		}
		at += header->size;
	}
	print("samples", samples);
	return 0;
}

/* process-read PID ADDRESS: by process_vm_readv and by the debugger */
int process_read_command(int count, char **word)
{
	static uint8_t buffer[4096];
	struct iovec local = { buffer, sizeof(buffer) }, remote;
	pid_t process;
	long got, peeked;

	if (count != 2)
		return 2;
	remote = (struct iovec){ (void *)(uintptr_t)number(word[1]), sizeof(buffer) };
	got = process_vm_readv(number(word[0]), &local, 1, &remote, 1, 0);
	printf("read %lld\n", got < 0 ? (long long)-errno : (long long)got);
	process = attach(word[0]);
	errno = 0;
	peeked = ptrace(PTRACE_PEEKDATA, process, remote.iov_base, 0);
	printf("peek %d\n", peeked == -1 && errno ? -errno : 0);
	errno = 0;
	peeked = ptrace(PTRACE_POKEDATA, process, remote.iov_base, 0x656c6974736f68UL);
	printf("poke %d\n", peeked ? -errno : 0);
	ptrace(PTRACE_DETACH, process, 0, 0);
	return 0;
}

/* steal PID DESCRIPTOR read|write: takes a descriptor out of another process; what comes out of it as words, or writes 64 bytes of ours */
int steal_command(int count, char **word)
{
	static uint64_t buffer[1024];
	struct pollfd polled = { .events = POLLIN | POLLOUT };
	int process, stolen;
	ssize_t got;

	if (count != 3)
		return 2;
	process = syscall(SYS_pidfd_open, (pid_t)number(word[0]), 0);
	stolen = process < 0 ? -1 : syscall(SYS_pidfd_getfd, process, (int)number(word[1]), 0);
	if (stolen < 0) {
		printf("error %d\n", errno);
		return 1;
	}
	fcntl(stolen, F_SETFL, O_NONBLOCK);
	polled.fd = stolen;
	poll(&polled, 1, 1000);
	if (!strcmp(word[2], "write")) {
		memset(buffer, 0x41, 64);
		got = write(stolen, buffer, 64);
	} else {
		got = read(stolen, buffer, sizeof(buffer));
	}
	printf("moved %lld\n", got < 0 ? (long long)-errno : (long long)got);
	if (got > 0 && strcmp(word[2], "write"))
		print_words(buffer, got / 8);
	return 0;
}
