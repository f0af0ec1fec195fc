/* SPDX-License-Identifier: MIT */
/*
 * What is measured: one program for both halves of the benchmark. It runs natively
 * and in a protected container, unchanged.
 *
 * Around the measured part it talks to the observer over its standard input and
 * output, so that the observer can read the monitor's counters at the same points:
 *
 *	workload: "begin\n"               observer: one byte
 *	workload: (measured part)
 *	workload: "end OPERATIONS NS\n"   observer: one byte
 */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

struct workload {
	const char *name;
	/* Before the measured part: whatever must be there, and a first round that warms up. */
	void (*prepare)(void);
	/* The measured part. */
	void (*run)(uint64_t operations);
	uint64_t operations;
};

extern const struct workload call_workloads[];
extern const struct workload memory_workloads[];
extern const struct workload process_workloads[];
extern const struct workload image_workloads[];

/* Ends the program with a message on standard error and exit code 1. */
void fail(const char *what) __attribute__((noreturn));

/* Nanoseconds of the monotonic clock. */
uint64_t now(void);

#endif
