// SPDX-License-Identifier: GPL-2.0
/* More of what the victim does on command: signals, pipes, futexes, clocks; and what a hostile program tries. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "victim.h"

/* --- g: signals while it computes --- */

static volatile sig_atomic_t taken, forged, wild;
static sigjmp_buf after_fault;
static volatile uintptr_t fault_at;
static volatile sig_atomic_t fault_expected, fault_wrong;

/* The kernel says si_code > 0 for faults and timers only: this program makes none but the one it expects. */
static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL || number == SIGTRAP) {
		if (fault_expected) {
			fault_wrong = (uintptr_t)info->si_addr != fault_at || number != SIGSEGV || info->si_code != SEGV_MAPERR;
			siglongjmp(after_fault, 1);
		}
		if (info->si_code > 0)
			forged++;
	}
	if (number != info->si_signo)
		wild++;
	taken++;
}

void take_signals(const uint64_t *stack)
{
	static const int numbers[] = { SIGUSR1, SIGUSR2, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGALRM, SIGHUP, SIGTERM };
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct pollfd input = { 0, POLLIN, 0 };
	char line[128];
	volatile double sum = 0;
	unsigned int i;

	taken = forged = wild = 0;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
	say("taking signals");
	do {
		if (!all_intact(stack)) {
			say("CHANGED");
			return;
		}
		for (i = 0; i < 1000; i++)
			sum += 1.0 / (i + 1);
	} while (poll(&input, 1, 0) <= 0);
	fault_expected = 1;
	fault_at = 0x123456789000;
	if (!sigsetjmp(after_fault, 1)) {
		(void)*(volatile uint64_t *)fault_at;
		fault_wrong = 1;
	}
	fault_expected = 0;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		signal(numbers[i], numbers[i] == SIGSEGV || numbers[i] == SIGBUS ? SIG_DFL : SIG_IGN);	/* late ones */
	if (forged || wild || fault_wrong || sum < 1)
		snprintf(line, sizeof(line), "BROKEN: forged %d wild %d fault %d", (int)forged, (int)wild, (int)fault_wrong);
	else
		snprintf(line, sizeof(line), "signals %d", (int)taken);
	say(line);
}

/* --- p, P, k, K: the secret through a pipe or a pair of sockets --- */

#define PIPE_WORDS 256

static int ends[2] = { -1, -1 };

void put_into_pipe(int is_socket)
{
	uint64_t words[PIPE_WORDS];
	char line[64];

	fill(words, PIPE_WORDS);
	if ((is_socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends)) || write(ends[1], words, sizeof(words)) != sizeof(words)) {
		say("error pipe");
		return;
	}
	snprintf(line, sizeof(line), "pipe %d %d", ends[0], ends[1]);
	say(line);
}

/* A child reads what the parent wrote. */
void get_from_pipe(void)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		uint64_t words[PIPE_WORDS] = { 0 };
		size_t have = 0;
		ssize_t got;

		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		while (have < sizeof(words) && (got = read(ends[0], (char *)words + have, sizeof(words) - have)) > 0)
			have += got;
		if (have < sizeof(words))
			_exit(2);
		_exit(is_intact(words, PIPE_WORDS) && read(ends[0], words, 8) < 0 ? 1 : 3);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		say("error child");
	else
		say(WEXITSTATUS(status) == 1 ? "pipe intact" : WEXITSTATUS(status) == 2 ? "error pipe short" : "BROKEN pipe");
	close(ends[0]);
	close(ends[1]);
}

/* --- u: two threads hand a number to each other by futexes --- */

static struct { uint32_t turn, counter; int errors, wild; } relay;

static long futex(uint32_t *word, int operation, uint32_t value)
{
	struct timespec patience = { 5, 0 };

	return syscall(SYS_futex, word, operation, value, operation == FUTEX_WAIT_PRIVATE ? &patience : NULL, NULL, 0);
}

static void *run_relay(void *argument)
{
	uint32_t own = (uintptr_t)argument;
	int i;

	for (i = 0; i < 300; i++) {
		uint32_t turn;

		while ((turn = __atomic_load_n(&relay.turn, __ATOMIC_ACQUIRE)) != own) {
			long result = futex(&relay.turn, FUTEX_WAIT_PRIVATE, turn);

			if (result > 0 || (result < 0 && errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT))
				relay.wild++;
			if (result < 0 && errno == ETIMEDOUT) {
				relay.errors++;
				return NULL;
			}
		}
		relay.counter++;
		__atomic_store_n(&relay.turn, own ^ 1, __ATOMIC_RELEASE);
		if (futex(&relay.turn, FUTEX_WAKE_PRIVATE, 1) > 1)
			relay.wild++;
	}
	return NULL;
}

void hand_over(void)
{
	pthread_t other;
	char line[96];

	memset(&relay, 0, sizeof(relay));
	if (pthread_create(&other, NULL, run_relay, (void *)1)) {
		say("error thread");
		return;
	}
	run_relay(NULL);
	pthread_join(other, NULL);
	if (relay.wild)
		snprintf(line, sizeof(line), "BROKEN: %d results that futex does not have", relay.wild);
	else if (relay.errors)
		snprintf(line, sizeof(line), "BROKEN: a wake-up was lost, %u", relay.counter);
	else
		snprintf(line, sizeof(line), relay.counter == 600 ? "futex" : "BROKEN: counted %u", relay.counter);
	say(line);
}

/* --- i: what a program may not do --- */

static volatile sig_atomic_t refused;

static void on_illegal(int number)
{
	(void)number;
	refused++;
	siglongjmp(after_fault, 1);
}

#define ILLEGAL(instruction) do {						\
	tried++;								\
	if (!sigsetjmp(after_fault, 1))						\
		asm volatile(instruction : : : "x0", "memory");			\
} while (0)

void be_illegal(void)
{
	volatile int tried = 0;
	char line[64];

	refused = 0;
	signal(SIGILL, on_illegal);
	signal(SIGSEGV, on_illegal);
	signal(SIGBUS, on_illegal);
	ILLEGAL("hvc #1");
	ILLEGAL("hvc #11");
	ILLEGAL("smc #0");
	ILLEGAL("msr vbar_el1, x0");
	ILLEGAL("msr ttbr0_el1, x0");
	ILLEGAL("msr sctlr_el1, x0");
	ILLEGAL("mrs x0, esr_el1");
	ILLEGAL("msr daifset, #15");
	ILLEGAL("msr mdscr_el1, x0");
	ILLEGAL("mrs x0, pmccntr_el0");
	ILLEGAL("msr cntv_ctl_el0, x0");
	ILLEGAL("mrs x0, cntp_ctl_el0");
	ILLEGAL("msr tpidr_el1, x0");
	ILLEGAL("tlbi vmalle1is");
	ILLEGAL("dc cisw, x0");
	ILLEGAL("eret");
	ILLEGAL("mrs x0, vttbr_el2");
	ILLEGAL("msr hcr_el2, x0");
	ILLEGAL("at s12e1r, x0");
	signal(SIGILL, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	snprintf(line, sizeof(line), refused == tried ? "illegal %d" : "BROKEN: %d instructions were refused", (int)refused);
	say(line);
}

/* --- h, y: as much as it gets --- */

void use_memory(void)
{
	const size_t piece = 4 << 20;
	char line[64];
	int pieces = 0;

	say("using memory");
	while (pieces < 512) {
		char *memory = mmap(NULL, piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		size_t i;

		if (memory == MAP_FAILED)
			break;
		for (i = 0; i < piece; i += 4096)
			memory[i] = 1;
		pieces++;
	}
	snprintf(line, sizeof(line), "memory %d MiB", pieces * 4);
	say(line);
}

void make_tasks(void)
{
	static pid_t children[3000];
	char line[64];
	int made = 0, i;

	say("making tasks");
	while (made < 3000 && (children[made] = fork()) >= 0) {
		if (children[made] == 0) {
			pause();
			_exit(0);
		}
		made++;
	}
	for (i = 0; i < made; i++)
		kill(children[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	snprintf(line, sizeof(line), "tasks %d", made);
	say(line);
}

/* --- l: what a folder holds, one outside of the image: of its own folders Linux is not asked --- */

void list_folder(void)
{
	static struct { uint64_t before; char entries[512]; uint64_t after; } guarded;
	int folder = open("/dev", O_RDONLY | O_DIRECTORY), rounds = 0;
	long result;

	guarded.before = guarded.after = 0x00c0ffee00c0ffeeULL;
	if (folder < 0) {
		say("error folder");
		return;
	}
	while ((result = syscall(SYS_getdents64, folder, guarded.entries, sizeof(guarded.entries))) > 0 && result <= 512 && ++rounds < 64)
		;
	close(folder);
	if (guarded.before != 0x00c0ffee00c0ffeeULL || guarded.after != guarded.before || result > 512 || result < -1)
		say("BROKEN result of getdents64");
	else
		say(result ? "error folder" : "folder");
}

/* --- w: clocks --- */

static int is_before(const struct timespec *one, const struct timespec *other)
{
	return one->tv_sec < other->tv_sec || (one->tv_sec == other->tv_sec && one->tv_nsec < other->tv_nsec);
}

void watch_clocks(void)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME };
	struct timespec last[4], now;
	int i, round, errors = 0;

	memset(last, 0, sizeof(last));
	for (round = 0; round < 2000; round++) {
		for (i = 0; i < 4; i++) {
			if (syscall(SYS_clock_gettime, clocks[i], &now)) {
				errors++;
				continue;
			}
			if (now.tv_nsec < 0 || now.tv_nsec >= 1000000000L || is_before(&now, &last[i])) {
				say("BROKEN: a clock went back");
				return;
			}
			last[i] = now;
		}
	}
	say(errors ? "error clocks" : "clocks");
}
