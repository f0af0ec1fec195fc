// SPDX-License-Identifier: GPL-2.0
/* HVC and SMC with any registers. */
#include <linux/arm-smccc.h>

#include "hostile.h"

#define SMCCC_NOT_SUPPORTED 0xffffffffULL

#define CALL(instruction) \
	asm volatile(instruction \
		: "+r" (x0), "+r" (x1), "+r" (x2), "+r" (x3), "+r" (x4), "+r" (x5), "+r" (x6), "+r" (x7) \
		: : "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory", "cc")

static void issue(unsigned int immediate, bool smc, const u64 *argument, u64 *result)
{
	register u64 x0 asm("x0") = argument[0];
	register u64 x1 asm("x1") = argument[1];
	register u64 x2 asm("x2") = argument[2];
	register u64 x3 asm("x3") = argument[3];
	register u64 x4 asm("x4") = argument[4];
	register u64 x5 asm("x5") = argument[5];
	register u64 x6 asm("x6") = argument[6];
	register u64 x7 asm("x7") = argument[7];

	if (smc)
		CALL("smc #0");
	else switch (immediate) {
	case 0: CALL("hvc #0"); break;
	case 1: CALL("hvc #1"); break;
	case 2: CALL("hvc #2"); break;
	case 3: CALL("hvc #3"); break;
	case 4: CALL("hvc #4"); break;
	case 5: CALL("hvc #5"); break;
	case 6: CALL("hvc #6"); break;
	case 7: CALL("hvc #7"); break;
	case 8: CALL("hvc #8"); break;
	case 9: CALL("hvc #9"); break;
	case 10: CALL("hvc #10"); break;
	case 11: CALL("hvc #11"); break;
	case 12: CALL("hvc #12"); break;
	case 13: CALL("hvc #13"); break;
	case 14: CALL("hvc #14"); break;
	default: CALL("hvc #0xffff"); break;
	}
	result[0] = x0;
	result[1] = x1;
	result[2] = x2;
	result[3] = x3;
}

void hostile_call(bool smc, const u64 *argument, u64 *result)
{
	issue(0, smc, argument, result);
}

/*
 * All function numbers of one SMCCC owner, fast and yielding, 32 and 64 bit.
 * The arguments mean nothing, except to PSCI, whose owner (4) is left to calls
 * made one by one: some of them end the machine, as they should.
 */
static long smc_scan(struct hostile_request *request)
{
	u64 owner = request->argument[0], first = request->argument[1], count = request->argument[2];
	u64 argument[8] = {}, result[4], answered = 0, number, kind;

	if (owner > 63 || owner == 4 || first + count > 0x10000)
		return -EINVAL;
	for (kind = 0; kind < 4; kind++) {
		for (number = first; number < first + count; number++) {
			argument[0] = kind << 30 | owner << 24 | number;
			argument[1] = number * 0x1000;
			hostile_call(true, argument, result);
			if ((u32)result[0] != SMCCC_NOT_SUPPORTED)
				answered++;
		}
		cond_resched();
	}
	request->result[0] = answered;
	return 0;
}

long hostile_calls(struct hostile_request *request)
{
	u64 argument[8] = {};
	unsigned int i;

	switch (request->operation) {
	case HOSTILE_HVC_IMMEDIATE:
		for (i = 0; i < 6; i++)
			argument[i] = request->argument[i + 1];
		issue(request->argument[0], false, argument, request->result);
		return 0;
	case HOSTILE_SMC_SCAN:
		return smc_scan(request);
	default:
		hostile_call(request->operation == HOSTILE_SMC, request->argument, request->result);
		return 0;
	}
}
