// SPDX-License-Identifier: GPL-2.0
/* Calls to the monitor, and the question whether there is one. */
#include <linux/arm-smccc.h>
#include <linux/of.h>

#include "blackbox.h"

/* SMCCC: Call UID query of the vendor-specific hypervisor service. */
#define BB_UID_QUERY 0x8600FF01U

struct bb_answer bb_call(u32 function, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
	struct arm_smccc_res res;

	arm_smccc_hvc(function, a1, a2, a3, a4, a5, 0, 0, &res);
	return (struct bb_answer){ .status = (s64)res.a0, .value = { res.a1, res.a2, res.a3 } };
}

/*
 * The conduit to what runs below the kernel. Before SMCCC 1.1 only the PSCI
 * node tells that SMC is answered.
 */
static enum arm_smccc_conduit bb_conduit(void)
{
	enum arm_smccc_conduit conduit = arm_smccc_1_1_get_conduit();
	struct device_node *node;
	const char *method;

	if (conduit != SMCCC_CONDUIT_NONE)
		return conduit;
	node = of_find_node_by_path("/psci");
	if (node && !of_property_read_string(node, "method", &method) && !strcmp(method, "smc"))
		conduit = SMCCC_CONDUIT_SMC;
	of_node_put(node);
	return conduit;
}

/*
 * An HVC where nothing is at EL2 is an undefined instruction. So ask first in a
 * way that is safe everywhere: the device tree, then the SMCCC UID query
 * through the conduit that PSCI uses.
 */
bool bb_monitor_present(void)
{
	struct device_node *node = of_find_compatible_node(NULL, NULL, "blackbox,monitor");
	struct arm_smccc_res res = {};

	if (node) {
		of_node_put(node);
		return true;
	}
	switch (bb_conduit()) {
	case SMCCC_CONDUIT_SMC:
		arm_smccc_smc(BB_UID_QUERY, 0, 0, 0, 0, 0, 0, 0, &res);
		break;
	case SMCCC_CONDUIT_HVC:
		arm_smccc_hvc(BB_UID_QUERY, 0, 0, 0, 0, 0, 0, 0, &res);
		break;
	default:
		return false;
	}
	/* "BlackBox monitor" */
	return (u32)res.a0 == 0x63616c42 && (u32)res.a1 == 0x786f426b &&
	       (u32)res.a2 == 0x6e6f6d20 && (u32)res.a3 == 0x726f7469;
}
