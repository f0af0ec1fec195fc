/* SPDX-License-Identifier: GPL-2.0 */
/* The program that drives hostile.ko: one primitive per call, results as lines "name value". */
#ifndef TOOL_H
#define TOOL_H

#include <stdint.h>

#include "hostile_ioctl.h"

extern int hostile_device;

int gate_command(int count, char **word);
int map_command(int count, char **word);
int block_command(int count, char **word);

/* trace.c */
int registers_command(int count, char **word);
int set_registers_command(int count, char **word);
int steps_command(int count, char **word);
int breakpoint_command(int count, char **word);
int samples_command(int count, char **word);
int process_read_command(int count, char **word);
int steal_command(int count, char **word);

uint64_t number(const char *text);
void print(const char *name, uint64_t value);

#endif
