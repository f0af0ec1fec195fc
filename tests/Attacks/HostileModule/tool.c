// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blackbox_ioctl.h"
#include "tool.h"

#define MOST_RESULTS 4096

int hostile_device;

static uint64_t data[MOST_RESULTS];

uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (*end || end == text) {
		fprintf(stderr, "hostile: '%s' is no number\n", text);
		exit(2);
	}
	return value;
}

void print(const char *name, uint64_t value)
{
	printf("%s 0x%llx\n", name, (unsigned long long)value);
}

static void perform(struct hostile_request *request)
{
	if (ioctl(hostile_device, HOSTILE_IOCTL, request)) {
		printf("error %d\n", errno);
		exit(1);
	}
}

/* Arguments as they stand, results as they come. */
static struct hostile_request simple(unsigned int operation, int count, char **word)
{
	struct hostile_request request = { .operation = operation, .data = (uintptr_t)data, .size = sizeof(data) };
	int i;

	for (i = 0; i < count && i < 8; i++)
		request.argument[i] = number(word[i]);
	perform(&request);
	return request;
}

static void print_all(const struct hostile_request *request, const char *const *names)
{
	int i;

	for (i = 0; names[i]; i++)
		print(names[i], request->result[i]);
}

static int read_command(int count, char **word)
{
	struct hostile_request request = simple(HOSTILE_READ, count, word);
	const uint8_t *bytes = (const uint8_t *)data;
	uint64_t i;

	printf("status %lld\nbytes ", (long long)request.result[0]);
	for (i = 0; i < request.argument[2]; i++)
		printf("%02x", bytes[i]);
	printf("\n");
	return 0;
}

/* write METHOD ADDRESS WORD: eight bytes */
static int write_command(int count, char **word)
{
	struct hostile_request request = { .operation = HOSTILE_WRITE, .data = (uintptr_t)data, .size = 8 };

	if (count != 3)
		return 2;
	data[0] = number(word[2]);
	request.argument[0] = number(word[0]);
	request.argument[1] = number(word[1]);
	request.argument[2] = 8;
	perform(&request);
	printf("status %lld\n", (long long)request.result[0]);
	return 0;
}

static int scan_command(int count, char **word)
{
	struct hostile_request request = simple(HOSTILE_SCAN, count, word);
	uint64_t i;

	print_all(&request, (const char *const[]){ "hits", "read", "refused", NULL });
	for (i = 0; i < request.result[0] && i < MOST_RESULTS; i++)
		print("hit", data[i]);
	return 0;
}

static int refused_command(int count, char **word)
{
	struct hostile_request request = simple(HOSTILE_REFUSED, count, word);
	const struct hostile_range *range = (const struct hostile_range *)data;
	uint64_t i;

	print_all(&request, (const char *const[]){ "ranges", "read", "refused", "written", NULL });
	for (i = 0; i < request.result[0] && i < MOST_RESULTS / 2; i++)
		printf("range 0x%llx %llu\n", (unsigned long long)range[i].address, (unsigned long long)range[i].frames);
	return 0;
}

static int fuzz_command(int count, char **word)
{
	struct hostile_request request = { .operation = HOSTILE_FUZZ, .data = (uintptr_t)data };
	int i;

	if (count < 2)
		return 2;
	request.argument[0] = number(word[0]);
	request.argument[1] = number(word[1]);
	for (i = 2; i < count && i < 66; i++)
		data[i - 2] = number(word[i]);
	request.size = (i - 2) * sizeof(uint64_t);
	request.argument[2] = count > 2 ? HOSTILE_FUZZ_WITH_VICTIMS : 0;
	perform(&request);
	print_all(&request, (const char *const[]){ "calls", "lost", "enclaves", "tasks", "succeeded", "refused", "later", "undefined", NULL });
	return 0;
}

/* dma-read ADDRESS...: 64 bytes of each; dma-write WORD ADDRESS...: 64 bytes to each */
static int dma_command(int count, char **word, int write)
{
	struct hostile_request request = { .operation = HOSTILE_DMA, .data = (uintptr_t)data, .size = sizeof(data) };
	const uint8_t *bytes = (const uint8_t *)data;
	int i, j;

	if (count <= write)
		return 2;
	request.argument[0] = write;
	request.argument[1] = count - write;
	request.argument[2] = write ? number(word[0]) : 0;
	for (i = 0; i < count - write && i < 63; i++)
		data[i] = number(word[write + i]);
	perform(&request);
	print("stream", request.result[0]);
	for (i = 0; i < count && !write; i++) {
		printf("bytes ");
		for (j = 0; j < 64; j++)
			printf("%02x", bytes[i * 64 + j]);
		printf("\n");
	}
	return 0;
}

/* What blackbox.ko says about its enclaves. */
static int enclaves_command(void)
{
	static struct bb_ioctl_enclave enclaves[64];
	struct bb_ioctl_list list = { .address = (uintptr_t)enclaves, .count = 64 };
	int device = open("/dev/blackbox", O_RDWR);
	uint32_t i;

	if (device < 0 || ioctl(device, BB_IOCTL_LIST, &list)) {
		printf("error %d\n", errno);
		return 1;
	}
	for (i = 0; i < list.count; i++)
		printf("enclave 0x%llx process %u tasks %u flags %u name %.16s\n", (unsigned long long)enclaves[i].handle,
		       enclaves[i].process, enclaves[i].tasks, enclaves[i].flags, (const char *)enclaves[i].name);
	return 0;
}

static int statistics_command(void)
{
	struct bb_ioctl_statistics machine = { .group = 0 };
	struct bb_ioctl_module_statistics module;
	int device = open("/dev/blackbox", O_RDWR);

	if (device < 0 || ioctl(device, BB_IOCTL_STATISTICS, &machine) || ioctl(device, BB_IOCTL_MODULE_STATISTICS, &module)) {
		printf("error %d\n", errno);
		return 1;
	}
	print("framesPrivate", machine.statistics.frames_private);
	print("framesTables", machine.statistics.frames_tables);
	print("framesLent", machine.statistics.frames_lent);
	print("framesOs", machine.statistics.frames_os);
	print("framesMonitor", machine.statistics.frames_monitor);
	print("framesTotal", machine.statistics.frames_total);
	print("liveEnclaves", machine.statistics.enclaves);
	print("liveTasks", machine.statistics.tasks);
	print("refusals", machine.statistics.refusals);
	print("stageTwoFaults", machine.statistics.stage_two_faults);
	print("framesLeaked", module.frames_leaked);
	print("dmaFaults", machine.statistics.dma_faults);
	print("dmaLastStream", machine.statistics.dma_last_stream);
	print("dmaLastAddress", machine.statistics.dma_last_address);
	print("smmuCommands", machine.statistics.smmu_commands);
	return 0;
}

/* The commands that only pass numbers on. */
static const struct plain {
	const char *name;
	unsigned int operation;
	int arguments;		/* at least */
	const char *results[8];
} plain[] = {
	{ "hvc", HOSTILE_HVC, 1, { "x0", "x1", "x2", "x3" } },
	{ "smc", HOSTILE_SMC, 1, { "x0", "x1", "x2", "x3" } },
	{ "hvc-immediate", HOSTILE_HVC_IMMEDIATE, 1, { "x0", "x1", "x2", "x3" } },
	{ "smc-scan", HOSTILE_SMC_SCAN, 3, { "answered" } },
	{ "task", HOSTILE_TASK, 1, { "handle", "gate", "data", "pc", "sp", "x0", "x8" } },
	{ "set-handle", HOSTILE_SET_TP, 2, { NULL } },
	{ "set-register", HOSTILE_SET_REGISTER, 3, { NULL } },
	{ "entry", HOSTILE_GET_ENTRY, 2, { "entry" } },
	{ "set-entry", HOSTILE_SET_ENTRY, 3, { "entry" } },
	{ "resolve", HOSTILE_RESOLVE, 2, { "address" } },
	{ "disturb", HOSTILE_DISTURB, 7, { NULL } },
	{ "disturb-stop", HOSTILE_DISTURB_STOP, 0, { "writes" } },
	{ "lie", HOSTILE_LIE, 3, { NULL } },
	{ "lie-stop", HOSTILE_LIE_STOP, 0, { "told", "seen" } },
	{ "stale", HOSTILE_STALE, 3, { "status", "here", "there", "before" } },
	{ "access", HOSTILE_ACCESS, 2, { "status", "value" } },
	{ "poison", HOSTILE_POISON, 2, { "filled", "found" } },
	{ "signal", HOSTILE_SIGNAL, 4, { "sent" } },
	{ "lie-data", HOSTILE_LIE_DATA, 6, { NULL } },
	{ "storm", HOSTILE_STORM, 2, { NULL } },
	{ "storm-stop", HOSTILE_STORM_STOP, 0, { "ticks", "calls" } },
	{ "queue", HOSTILE_QUEUE, 2, { "stream", "used", "bytes", "status" } },
	{ "device", HOSTILE_DEVICE, 2, { "status", "value" } },
	{ "pool", HOSTILE_POOL, 0, { "address", "frames" } },
};

static int plain_command(const char *name, int count, char **word)
{
	struct hostile_request request;
	unsigned int i;

	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (strcmp(plain[i].name, name))
			continue;
		if (count < plain[i].arguments)
			return 2;
		request = simple(plain[i].operation, count, word);
		print_all(&request, plain[i].results);
		return 0;
	}
	return 2;
}

static int run(const char *name, int count, char **word)
{
	if (!strcmp(name, "enclaves"))
		return enclaves_command();
	if (!strcmp(name, "statistics"))
		return statistics_command();
	if (!strcmp(name, "registers"))
		return registers_command(count, word);
	if (!strcmp(name, "set-registers"))
		return set_registers_command(count, word);
	if (!strcmp(name, "steps"))
		return steps_command(count, word);
	if (!strcmp(name, "breakpoint"))
		return breakpoint_command(count, word);
	if (!strcmp(name, "samples"))
		return samples_command(count, word);
	if (!strcmp(name, "process-read"))
		return process_read_command(count, word);
	if (!strcmp(name, "steal"))
		return steal_command(count, word);
	hostile_device = open("/dev/hostile", O_RDWR);
	if (hostile_device < 0) {
		printf("error %d\n", errno);
		return 1;
	}
	if (!strcmp(name, "read") && count == 3)
		return read_command(count, word);
	if (!strcmp(name, "write"))
		return write_command(count, word);
	if (!strcmp(name, "scan") && count == 4)
		return scan_command(count, word);
	if (!strcmp(name, "refused") && count == 4)
		return refused_command(count, word);
	if (!strcmp(name, "dma-read") || !strcmp(name, "dma-write"))
		return dma_command(count, word, !strcmp(name, "dma-write"));
	if (!strcmp(name, "fuzz"))
		return fuzz_command(count, word);
	if (!strcmp(name, "gate"))
		return gate_command(count, word);
	if (!strcmp(name, "block"))
		return block_command(count, word);
	if (!strcmp(name, "map"))
		return map_command(count, word);
	return plain_command(name, count, word);
}

/* Commands from standard input, one a line, each in a process of its own; "--" ends each answer. */
static int batch(void)
{
	char line[2048], *word[72], *next;
	int count;

	while (fgets(line, sizeof(line), stdin)) {
		count = 0;
		for (next = strtok(line, " \n"); next && count < 72; next = strtok(NULL, " \n"))
			word[count++] = next;
		fflush(stdout);
		if (count && fork() == 0)
			exit(run(word[0], count - 1, word + 1));
		while (count && wait(NULL) < 0 && errno == EINTR)
			;
		printf("--\n");
	}
	return 0;
}

int main(int count, char **word)
{
	int result;

	if (count == 2 && !strcmp(word[1], "batch"))
		return batch();
	result = count < 2 ? 2 : run(word[1], count - 2, word + 2);

	if (result == 2)
		fprintf(stderr, "hostile: what is asked?\n");
	return result;
}
