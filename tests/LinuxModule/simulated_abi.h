/* SPDX-License-Identifier: GPL-2.0 */
/* The module's view of the gate in this build: a page of memory. */
#ifndef SIMULATED_ABI_H
#define SIMULATED_ABI_H
#include "blackbox_abi.h"
#undef BB_GATE_IPA
#define BB_GATE_IPA bb_simulated_gate
extern unsigned long long bb_simulated_gate;
#endif
