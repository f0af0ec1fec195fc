/* SPDX-License-Identifier: MIT */
/*
 * A plugin of the emulator that counts instructions between two marks: HINT #120 begins,
 * HINT #121 ends (NOPs on every processor). With from=start the first stretch begins when
 * the machine is switched on. For each stretch it writes to its file
 *
 *	stretch NUMBER
 *	class PART KIND COUNT		instructions that silicon charges for
 *	place ADDRESS COUNT		how often the instruction at an address was executed
 *
 * PART is user, shield, monitor or kernel, by address: the monitor runs where it is linked
 * (first GiB of RAM, identity mapping), the shield in the last GiB of addresses.
 *
 * Interface: QEMU 7.2, include/qemu/qemu-plugin.h, version 1. Debian ships no such header,
 * so what is used of it is declared here.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;
enum { CALLBACK_TOUCHES_NO_REGISTERS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*callback)(plugin_id, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, void (*callback)(unsigned, void *), int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *instruction, void (*callback)(unsigned, void *), int flags, void *data);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*callback)(plugin_id, void *), void *data);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv);

enum part { USER, SHIELD, MONITOR, KERNEL, PARTS };
enum kind { REGISTER_WRITES, REGISTER_READS, BARRIERS, TLB_INVALIDATIONS, CACHE_OPERATIONS, BLOCK_ZEROINGS, EXCEPTION_CALLS, EXCEPTION_RETURNS, KINDS };

static const char *const part_names[PARTS] = { "user", "shield", "monitor", "kernel" };
static const char *const kind_names[KINDS] = {
	"registerWrites", "registerReads", "barriers", "tlbInvalidations", "cacheOperations", "blockZeroings",
	"exceptionCalls", "exceptionReturns",
};

/* One translated block: counted as a whole, whatever ends it early is counted in full. */
struct block {
	struct block *next;
	uint64_t count;
	uint32_t length;
	uint64_t first;
};

#define PLACE_BITS 22
#define PLACES (1u << PLACE_BITS)
static struct place {
	uint64_t address, count;
} *places;

static uint64_t classes[PARTS][KINDS];
static struct block *blocks;
static FILE *output;
static int active, from_start;
static unsigned stretch;

static enum part part_of(uint64_t address)
{
	if (address >= UINT64_C(0xffffffffc0000000))
		return SHIELD;
	if (address >> 48)
		return KERNEL;
	return address >= 0x40000000 && address < 0x80000000 ? MONITOR : USER;
}

/* Arm ARM C4.1.94, "Branches, Exception Generating and System instructions"; -1: not of interest. */
static int kind_of(uint32_t word)
{
	if ((word & 0xffc00000u) == 0xd5000000u) {
		unsigned load = word >> 21 & 1, op0 = word >> 19 & 3, op1 = word >> 16 & 7, crn = word >> 12 & 15, crm = word >> 8 & 15;

		if (op0 >= 2)
			return load ? REGISTER_READS : REGISTER_WRITES;
		if (op0 == 1 && crn == 8)
			return TLB_INVALIDATIONS;
		if (op0 == 1 && op1 == 3 && crn == 7 && crm == 4 && (word >> 5 & 7) == 1)	/* DC ZVA */
			return BLOCK_ZEROINGS;
		if (op0 == 1 && crn == 7 && crm != 8)	/* CRm 8: address translation, no cache operation */
			return CACHE_OPERATIONS;
		if (op0 == 0 && crn == 3 && op1 == 3)
			return BARRIERS;
		return -1;
	}
	if ((word & 0xffe0001cu) == 0xd4000000u && (word & 3) != 0)
		return EXCEPTION_CALLS;
	if (word == 0xd69f03e0u)
		return EXCEPTION_RETURNS;
	return -1;
}

static void add(uint64_t address, uint64_t count)
{
	uint32_t slot = (uint32_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> (64 - PLACE_BITS));

	for (uint32_t i = 0; i < PLACES; i++, slot = (slot + 1) % PLACES) {
		if (places[slot].count == 0 || places[slot].address == address) {
			places[slot].address = address;
			places[slot].count += count;
			return;
		}
	}
}

static void begin(unsigned cpu, void *data)
{
	(void)cpu;
	(void)data;
	if (from_start)
		return;
	memset(classes, 0, sizeof(classes));
	for (struct block *block = blocks; block; block = block->next)
		block->count = 0;
	active = 1;
}

static void end(unsigned cpu, void *data)
{
	(void)cpu;
	(void)data;
	if (!active)
		return;
	active = 0;
	from_start = 0;
	memset(places, 0, PLACES * sizeof(*places));
	for (struct block *block = blocks; block; block = block->next)
		for (uint32_t i = 0; block->count && i < block->length; i++)
			add(block->first + 4u * i, block->count);
	fprintf(output, "stretch %u\n", stretch++);
	for (int part = 0; part < PARTS; part++)
		for (int kind = 0; kind < KINDS; kind++)
			fprintf(output, "class %s %s %" PRIu64 "\n", part_names[part], kind_names[kind], classes[part][kind]);
	for (uint32_t i = 0; i < PLACES; i++)
		if (places[i].count)
			fprintf(output, "place %" PRIx64 " %" PRIu64 "\n", places[i].address, places[i].count);
	fflush(output);
}

static void block_executed(unsigned cpu, void *data)
{
	(void)cpu;
	if (active)
		((struct block *)data)->count++;
}

static void special_executed(unsigned cpu, void *data)
{
	(void)cpu;
	if (active)
		++*(uint64_t *)data;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t length = qemu_plugin_tb_n_insns(tb);
	struct block *block = calloc(1, sizeof(*block));

	(void)id;
	if (!block || length == 0)
		abort();
	block->length = (uint32_t)length;
	block->first = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
	block->next = blocks;
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block_executed, CALLBACK_TOUCHES_NO_REGISTERS, block);
	for (size_t i = 0; i < length; i++) {
		struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, i);
		uint32_t word;
		int kind;

		memcpy(&word, qemu_plugin_insn_data(instruction), sizeof(word));
		kind = kind_of(word);
		if (word == 0xd5032f1fu)	/* HINT #120 */
			qemu_plugin_register_vcpu_insn_exec_cb(instruction, begin, CALLBACK_TOUCHES_NO_REGISTERS, NULL);
		else if (word == 0xd5032f3fu)	/* HINT #121 */
			qemu_plugin_register_vcpu_insn_exec_cb(instruction, end, CALLBACK_TOUCHES_NO_REGISTERS, NULL);
		else if (kind >= 0)
			qemu_plugin_register_vcpu_insn_exec_cb(
				instruction, special_executed, CALLBACK_TOUCHES_NO_REGISTERS,
				&classes[part_of(qemu_plugin_insn_vaddr(instruction))][kind]);
	}
}

static void finished(plugin_id id, void *data)
{
	(void)id;
	(void)data;
	fclose(output);
}

int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc < 1 || strncmp(argv[0], "output=", 7) != 0 || argc > 2 || (argc == 2 && strcmp(argv[1], "from=start") != 0)) {
		fprintf(stderr, "counter: output=FILE[,from=start] expected\n");
		return -1;
	}
	from_start = active = argc == 2;
	output = fopen(argv[0] + 7, "w");
	places = calloc(PLACES, sizeof(*places));
	if (!output || !places) {
		perror("counter");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finished, NULL);
	return 0;
}
