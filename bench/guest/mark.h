/* SPDX-License-Identifier: MIT */
/* Begin and end of a stretch for an emulator that counts instructions (bench/counter); NOPs otherwise. */
#ifndef MARK_H
#define MARK_H

static inline void mark_begin(void)
{
	__asm__ volatile("hint #120" ::: "memory");
}

static inline void mark_end(void)
{
	__asm__ volatile("hint #121" ::: "memory");
}

#endif
