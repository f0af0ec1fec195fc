/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/hostile: what a kernel that wants the containers' data can do, one
 * request per primitive. mmap of the device maps any physical page into the
 * caller, at the offset of its address.
 */
#ifndef HOSTILE_IOCTL_H
#define HOSTILE_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct hostile_request {
	__u64 operation;	/* HOSTILE_... */
	__u64 argument[8];
	__u64 result[8];
	__u64 data;		/* user address of size bytes */
	__u64 size;
};

#define HOSTILE_IOCTL _IOWR(0xB7, 0x41, struct hostile_request)

enum hostile_operation {
	/* physical memory */
	HOSTILE_READ = 1,	/* method, address, bytes within the page -> data; result 0: errno */
	HOSTILE_WRITE,		/* method, address, bytes within the page <- data; result 0: errno */
	HOSTILE_SCAN,		/* method, start, end, salt -> data: hits; result: hits, read, refused frames */
	HOSTILE_REFUSED,	/* method, start, end, write -> data: ranges; result: ranges, read, refused, written frames */
	/* calls */
	HOSTILE_HVC,		/* x0-x7 -> x0-x3 */
	HOSTILE_SMC,		/* x0-x7 -> x0-x3 */
	HOSTILE_HVC_IMMEDIATE,	/* immediate 0..15, x0-x5 -> x0-x3 */
	HOSTILE_SMC_SCAN,	/* service 0..63 (owner), first, count: calls answered other than NOT_SUPPORTED */
	/* threads */
	HOSTILE_TASK,		/* pid -> tp, gate address, data address, pc, sp, x0, x8 */
	HOSTILE_SET_TP,		/* pid, value */
	HOSTILE_SET_REGISTER,	/* pid, number (31 sp, 32 pc, 33 pstate), value */
	HOSTILE_GET_ENTRY,	/* pid, address -> page-table entry */
	HOSTILE_SET_ENTRY,	/* pid, address, entry -> old entry */
	HOSTILE_RESOLVE,	/* pid, address -> physical address (faults it in) */
	/* at the same time on another CPU */
	HOSTILE_DISTURB,	/* pid, address, pages, first byte, bytes, mode, cpu */
	HOSTILE_DISTURB_STOP,	/* result: writes made */
	/* results of system calls */
	HOSTILE_LIE,		/* tgid, call number, result, how many times (0: always), skip first */
	HOSTILE_LIE_STOP,	/* result: lies told, calls seen */
	/* hypercalls */
	HOSTILE_FUZZ,		/* seed, calls, mode; data: handles to use as well */
	HOSTILE_POOL,		/* frames -> physical address of contiguous frames of our own */
	/* translations that outlive what they translate */
	HOSTILE_STALE,		/* enclave, frame, cpu: reads before and after a grant; result: status, reads after it here, on the other CPU, before it there */
	HOSTILE_ACCESS,		/* kind (enum hostile_access), address: by the linear map; result 0: errno, 1: value */
	HOSTILE_SET_BLOCK,	/* pid, address, entry of level 2 -> old entry */
	HOSTILE_POISON,		/* frames to fill and free, frames to take again; result: filled, found again unchanged */
	/* signals, data, interrupts */
	HOSTILE_SIGNAL,		/* pid, number, code, address, times */
	HOSTILE_LIE_DATA,	/* tgid, call number, argument, offset, value, bytes (4, 8), times, skip; ends by LIE_STOP */
	HOSTILE_STORM,		/* cpu, microseconds between timer interrupts (0: none), 1: calls from other CPUs as well */
	HOSTILE_STORM_STOP,	/* result: timer interrupts, calls */
	/* devices */
	HOSTILE_DMA,		/* write, places, word; data: up to 63 physical addresses -> (read) 64 bytes of each; result: stream of the device */
	HOSTILE_QUEUE,		/* address of the buffer, bytes, address of the used ring (0: the module's own); result: stream, used index, used bytes, device status */
	HOSTILE_DEVICE,		/* register's address, 4 or 8 bytes, write, value; result: errno, value read (after the store) */
};

enum hostile_method {
	HOSTILE_LINEAR,		/* the kernel's linear map */
	HOSTILE_MEMREMAP,	/* memremap(MEMREMAP_WB) */
	HOSTILE_IOREMAP,	/* ioremap: device memory */
	HOSTILE_IOREMAP_WC,	/* normal, not cached */
	HOSTILE_VMAP,		/* vmap of the struct page */
};

enum hostile_disturbance {
	HOSTILE_NOISE,		/* random words at random places */
	HOSTILE_FLIP,		/* all bits of the range, again and again */
	HOSTILE_EXTREMES,	/* 0, -1, signs, large values at random places */
	HOSTILE_CONSTANT,	/* argument 7, all over the range, again and again */
	HOSTILE_RANGES,		/* of a buffer: the first granted range becomes the frame of argument 7; 0: the first one ever seen */
};

enum hostile_access {
	HOSTILE_ZERO_LINE,	/* DC ZVA */
	HOSTILE_INVALIDATE_LINE, /* DC IVAC */
	HOSTILE_CLEAN_LINE,	/* DC CIVAC */
	HOSTILE_EXCLUSIVE,	/* LDXR, STXR */
	HOSTILE_SWAP,		/* SWP */
	HOSTILE_STRADDLE,	/* eight bytes, the last four in the frame */
	HOSTILE_PAIR,		/* LDP */
};

struct hostile_range {
	__u64 address;
	__u64 frames;
};

#define HOSTILE_FUZZ_WITH_VICTIMS 1	/* the handles in data are used, too */

#endif
