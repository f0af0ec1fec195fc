// SPDX-License-Identifier: GPL-2.0
/* Plays the shield at EL0: one page of code, no data of its own. */
#include "blackbox_abi.h"

typedef unsigned long u64;
typedef volatile struct bb_buffer_header header;

void service(u64 page);
__attribute__((noreturn)) void container(int after_exec, u64 top);

static long call(long number, long a, long b, long c, long d, long e)
{
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
}

static __attribute__((noreturn)) void leave(int code)
{
	for (;;)
		call(93, code, 0, 0, 0, 0);
}

static long ask(header *h, u64 operation, u64 a, u64 b, u64 c)
{
	h->operation = operation;
	h->argument0 = a;
	h->argument1 = b;
	h->argument2 = c;
	service(h->service_address);
	return h->operation ? -1000 : h->result;
}

#define CHECK(condition) do { if (!(condition)) leave(__LINE__ & 0x7f); } while (0)

static void grant_and_reclaim(header *h)
{
	u64 wanted, total, i;

	for (wanted = 1; wanted < 3000; wanted = wanted * 3 + 2) {
		long granted = ask(h, BB_SERVICE_GRANT, wanted, 0, 0);

		CHECK(granted >= (long)wanted);
		for (total = 0, i = 0; i < h->range_count; i++)
			total += h->ranges[i].count;
		CHECK((long)total == granted);
		CHECK(ask(h, BB_SERVICE_RECLAIM, 0, 0, 0) == granted);
		CHECK(ask(h, BB_SERVICE_RECLAIM, 0, 0, 0) == -22);	/* not ours any more */
	}
	CHECK(ask(h, BB_SERVICE_GRANT, 0, 0, 0) == -22);
	CHECK(ask(h, BB_SERVICE_GRANT, ~0UL, 0, 0) == -22);
	CHECK(ask(h, 99, 0, 0, 0) == -38);
	h->range_count = 129;
	CHECK(ask(h, BB_SERVICE_RECLAIM, 0, 0, 0) == -22);
	h->range_count = 1;
	h->ranges[0].address = h->mirror_frame;
	h->ranges[0].count = 1;
	CHECK(ask(h, BB_SERVICE_RECLAIM, 0, 0, 0) == -22);
	h->ranges[0].address = ~0xfffUL;
	h->ranges[0].count = ~0UL;
	CHECK(ask(h, BB_SERVICE_RECLAIM, 0, 0, 0) == -22);
}

/* A child of one kind; it starts anew at the gate and finds its role in the mirror page. */
static long child(header *h, u64 flags, u64 role)
{
	((volatile u64 *)h->mirror_address)[511] = role;
	return call(220, flags, 0, 0, 0, 0);
}

static void forks(header *h, int count, u64 role)
{
	while (count--) {
		int status = -1;
		long pid;

		CHECK(ask(h, BB_SERVICE_RESERVE_TASK, 0, 0, 0) > 0);
		CHECK(ask(h, BB_SERVICE_RESERVE_TASK, 0, 0, 0) == -16);
		CHECK(ask(h, BB_SERVICE_CANCEL_TASK, 0, 0, 0) == 0);
		CHECK(ask(h, BB_SERVICE_CANCEL_TASK, 0, 0, 0) == -2);
		CHECK(ask(h, BB_SERVICE_RESERVE_TASK, 0, 0, 0) > 0);
		pid = child(h, role == 3 ? 0x4111 : 17, role);
		CHECK(pid > 0);
		CHECK(call(260, pid, (long)&status, 0, 0, 0) == pid);
		CHECK(status == 7 << 8);
	}
}

static void threads(header *h, int count)
{
	volatile u64 *done = (volatile u64 *)h->mirror_address + 510;
	int i;

	for (i = 0; i < count; i++) {
		u64 before = *done;

		while (ask(h, BB_SERVICE_RESERVE_TASK, 0, 0, 0) < 0)
			call(124, 0, 0, 0, 0, 0);
		CHECK(child(h, 0x50f00, 2) > 0);	/* VM FS FILES SIGHAND THREAD SYSVSEM */
		while (*done == before)			/* FUTEX_WAIT, shared, on the mirror page */
			call(98, (long)done, 0, (unsigned int)before, 0, 0);
	}
}

static void files(header *h, const char *path)
{
	long fd = call(56, -100, (long)path, 0102, 0600, 0), pin;
	volatile char *data = (volatile char *)h + BB_BUFFER_HEADER_SIZE;

	CHECK(fd >= 0);
	CHECK(ask(h, BB_SERVICE_PIN_FILE, 1000, 0, 0) == -9);
	CHECK(ask(h, BB_SERVICE_PIN_FILE, 0, 0, 0) == -22);	/* a pipe */
	pin = ask(h, BB_SERVICE_PIN_FILE, fd, 0, 0);
	CHECK(pin > 0);
	CHECK(call(57, fd, 0, 0, 0, 0) == 0);
	data[0] = 'x';
	data[1] = 'y';
	CHECK(ask(h, BB_SERVICE_WRITE_FILE, pin, 5, 2) == 2);
	data[0] = data[1] = 0;
	CHECK(ask(h, BB_SERVICE_READ_FILE, pin, 6, 100) == 1);
	CHECK(data[0] == 'y');
	CHECK(ask(h, BB_SERVICE_READ_FILE, pin, 0, 0x10000) == -22);
	CHECK(ask(h, BB_SERVICE_READ_FILE, pin, ~0UL, 1) == -22);
	CHECK(ask(h, BB_SERVICE_READ_FILE, pin + 1, 0, 1) == -9);
	CHECK(ask(h, BB_SERVICE_UNPIN_FILE, pin, 0, 0) == 0);
	CHECK(ask(h, BB_SERVICE_UNPIN_FILE, pin, 0, 0) == -9);
}

static void attacks(header *h)
{
	CHECK(call(64, 1, h->service_address, 1, 0, 0) == -14);
	CHECK(call(226, h->gate_address, 0x1000, 7, 0, 0) == -13);
	CHECK(call(215, h->service_address, 0x1000, 0, 0, 0) == -22);
	CHECK(call(216, h->service_address, 0x1000, 0x2000, 1, 0) < 0);
}

static void execute(header *h, char *path)
{
	char *volatile *arguments = (char *volatile *)((u64)h + 0x8000);

	arguments[0] = path;
	arguments[1] = 0;
	call(221, (long)path, (long)arguments, (long)&arguments[1], 0, 0);
	leave(99);
}

static void role(header *h, u64 number)
{
	volatile u64 *done = (volatile u64 *)h->mirror_address + 510;

	if (number == 2) {
		__atomic_add_fetch((u64 *)done, 1, __ATOMIC_SEQ_CST);
		call(98, (long)done, 1, 1, 0, 0);
		leave(0);	/* the last thread's code is the process's */
	}
	if (number == 4)
		ask(h, BB_SERVICE_GRANT, 700, 0, 0);
	leave(7);
}

void container(int after_exec, u64 top)
{
	header *h = (header *)(top - 0x10000);
	char *name = (char *)h + BB_BUFFER_HEADER_SIZE, *mode;

	if (after_exec)
		leave(h->exec_argument_count ? 98 : 42);
	if (!h->exec_argument_count)
		role(h, ((volatile u64 *)h->mirror_address)[511]);
	for (mode = name; *mode; mode++)
		;
	for (mode++; *mode; mode++)	/* argv[0] */
		;
	mode++;
	switch (*mode) {
	case 'h':
		call(64, 1, (long)mode, 2, 0, 0);
		break;
	case 'g':
		grant_and_reclaim(h);
		break;
	case 'k':	/* keeps what it has */
		CHECK(ask(h, BB_SERVICE_GRANT, 3000, 0, 0) >= 3000);
		CHECK(ask(h, BB_SERVICE_RESERVE_TASK, 0, 0, 0) > 0);
		break;
	case 'f':
		forks(h, 60, 1);
		forks(h, 20, 3);
		forks(h, 20, 4);
		break;
	case 't':
		threads(h, 100);
		break;
	case 'b':	/* a clone without reservation: the child dies */
	{
		int status = 0;
		long pid = call(220, 17, 0, 0, 0, 0);

		CHECK(call(260, pid, (long)&status, 0, 0, 0) == pid);
		CHECK(status == 9);
		break;
	}
	case 'i':
		files(h, "/tmp/pinned");
		break;
	case 'a':
		attacks(h);
		break;
	case 'e':
		execute(h, name);
		break;
	case 'x':	/* a foreign executable */
		execute(h, mode + 1);
		break;
	case 's':	/* threads that spin until killed */
		for (int i = 0; i < 3; i++) {
			CHECK(ask(h, BB_SERVICE_RESERVE_TASK, 0, 0, 0) > 0);
			child(h, 0x50f00, 2);
		}
		for (;;)
			;
	}
	leave(0);
}
