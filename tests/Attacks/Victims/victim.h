/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VICTIM_H
#define VICTIM_H

#include <stddef.h>
#include <stdint.h>

void say(const char *text);

/* Is the secret in heap and the caller's stack still what it was? */
int all_intact(const uint64_t *stack);

/* The first words of the secret. */
void fill(uint64_t *words, size_t count);
int is_intact(const uint64_t *words, size_t count);

/* further.c: commands g, p, P, k, K, u, i, h, y, l, w */
void take_signals(const uint64_t *stack);
void put_into_pipe(int is_socket);
void get_from_pipe(void);
void hand_over(void);
void be_illegal(void);
void use_memory(void);
void make_tasks(void);
void watch_clocks(void);
void list_folder(void);

#endif
