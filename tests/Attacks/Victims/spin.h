/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SPIN_H
#define SPIN_H

#include <stdint.h>

/*
 * Puts the pattern that starts with first into 23 general registers and all 32
 * vector registers, counts down from rounds, and looks at them again.
 * Returns 1 if none changed.
 */
int spin_with(uint64_t first, uint64_t factor, uint64_t step, uint64_t rounds);

#endif
