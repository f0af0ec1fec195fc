// SPDX-License-Identifier: GPL-2.0
/*
 * An ordinary process that maps what it should not have: the gate page, which
 * it enters with registers of its choice, and any physical page.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "blackbox_abi.h"
#include "tool.h"

static uint64_t thread_pointer;
static uint8_t alternate_stack[65536] __attribute__((aligned(16)));

/* Says what the kernel shows of the registers: what a container left there would be seen here. */
static void on_signal(int signal_number, siginfo_t *info, void *context)
{
	const mcontext_t *machine = &((const ucontext_t *)context)->uc_mcontext;
	int i;

	/* Without it no library function works: it was the handle. */
	asm volatile("msr tpidr_el0, %0" : : "r" (thread_pointer) : "memory");
	printf("signal %d\n", signal_number);
	print("code", info->si_code);
	print("address", (uintptr_t)info->si_addr);
	print("pc", machine->pc);
	for (i = 0; i < 31; i++)
		printf("x%d 0x%llx\n", i, (unsigned long long)machine->regs[i]);
	fflush(stdout);
	_exit(0);
}

static void catch_signals(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGALRM };
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t stack = { .ss_sp = alternate_stack, .ss_size = sizeof(alternate_stack) };
	unsigned int i;

	asm volatile("mrs %0, tpidr_el0" : "=r" (thread_pointer));
	sigaltstack(&stack, NULL);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

static void *map_physical(uint64_t address, int protection)
{
	void *mapping = mmap(NULL, 4096, protection, MAP_SHARED, hostile_device, address & ~4095ULL);

	if (mapping == MAP_FAILED) {
		printf("mapped 0\n");
		exit(1);
	}
	return mapping;
}

/* map ADDRESS read|write|execute: from user level, through a mapping of the physical page */
int map_command(int count, char **word)
{
	uint64_t address;
	volatile uint64_t *place;

	if (count != 2)
		return 2;
	address = number(word[0]);
	catch_signals();
	place = (volatile uint64_t *)((uint8_t *)map_physical(address, PROT_READ | PROT_WRITE | PROT_EXEC) + (address & 4088));
	alarm(10);
	if (!strcmp(word[1], "execute"))
		((void (*)(void))(uintptr_t)place)();
	else if (!strcmp(word[1], "write"))
		*place = 0x656c6974736f68ULL;
	else
		print("value", *place);
	printf("signal 0\n");
	return 0;
}

static int block_report;

static uint64_t set_block(pid_t process, uint64_t place, uint64_t entry)
{
	struct hostile_request request = { .operation = HOSTILE_SET_BLOCK, .argument = { process, place, entry } };

	if (ioctl(hostile_device, HOSTILE_IOCTL, &request)) {
		printf("error %d\n", errno);
		exit(1);
	}
	return request.result[0];
}

/* Its page tables are not its own: it must not end by the signal. */
static void on_block_signal(int signal_number)
{
	uint8_t byte = signal_number;

	if (write(block_report, &byte, 1) == 1)
		for (;;)
			pause();
}

/*
 * block ADDRESS read|write: the 2 MiB around the address by one block entry of level 2 in a child's page table, read or written at the
 * address. The parent puts the entry back before the child ends.
 */
int block_command(int count, char **word)
{
	int ready[2], go[2], status;
	uint64_t address, place, old;
	uint8_t *area, byte = 255;
	pid_t process;

	if (count != 2 || pipe(ready) || pipe(go))
		return 2;
	address = number(word[0]);
	area = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return 1;
	madvise(area, 4 << 20, MADV_NOHUGEPAGE);
	place = ((uintptr_t)area + (2 << 20) - 1) & ~((2UL << 20) - 1);
	fflush(stdout);
	process = fork();
	if (process == 0) {
		volatile uint64_t *target = (volatile uint64_t *)(place + (address & ((2UL << 20) - 1)));

		block_report = ready[1];
		signal(SIGBUS, on_block_signal);
		signal(SIGSEGV, on_block_signal);
		*(volatile uint8_t *)place = 1;
		if (write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		if (!strcmp(word[1], "write"))
			*target = 0x656c6974736f68ULL;
		else
			(void)*target;
		on_block_signal(0);
	}
	if (process < 0 || read(ready[0], &byte, 1) != 1)
		return 1;
	/* normal memory, inner shareable, user read-write, execute never, accessed, not global */
	old = set_block(process, place, (address & ~((2UL << 20) - 1)) | 0x0060000000000f41ULL);
	byte = 255;
	if (write(go[1], "g", 1) != 1 || read(ready[0], &byte, 1) != 1)
		byte = 255;
	set_block(process, place, old);
	kill(process, SIGKILL);
	waitpid(process, &status, 0);
	printf("signal %d\n", byte);
	return 0;
}

static void __attribute__((noreturn)) enter(uint64_t gate, uint64_t handle, uint64_t x0, uint64_t x8)
{
	register uint64_t r0 asm("x0") = x0;
	register uint64_t r8 asm("x8") = x8;
	register uint64_t r9 asm("x9") = gate;

	asm volatile("msr tpidr_el0, %3\n\tbr %2" : : "r" (r0), "r" (r8), "r" (r9), "r" (handle) : "memory");
	__builtin_unreachable();
}

static void be_on(uint64_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/*
 * gate HANDLE OFFSET X0 X8 SECONDS [PROCESSES]: enters the gate page. Processes:
 * so many at once, on the CPUs in turn, each with the same registers.
 */
int gate_command(int count, char **word)
{
	uint64_t processes, i, ended = 0;
	int status;

	if (count < 5)
		return 2;
	processes = count > 5 ? number(word[5]) : 1;
	fflush(stdout);
	for (i = 0; i < processes; i++) {
		uint8_t *gate;

		if (fork())
			continue;
		if (processes > 1)
			be_on(i % sysconf(_SC_NPROCESSORS_ONLN));
		gate = map_physical(BB_GATE_IPA, PROT_READ | PROT_EXEC);
		catch_signals();
		alarm(number(word[4]));
		enter((uintptr_t)gate + number(word[1]), number(word[0]), number(word[2]), number(word[3]));
	}
	while (wait(&status) > 0) {
		ended++;
		if (WIFSIGNALED(status))
			printf("killed %d\n", WTERMSIG(status));
	}
	print("ended", ended);
	return 0;
}
