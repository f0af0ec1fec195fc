/* SPDX-License-Identifier: GPL-2.0 */
/* A kernel module that attacks the containers of the machine it runs on. For tests only. */
#ifndef HOSTILE_H
#define HOSTILE_H

#ifdef pr_fmt
#undef pr_fmt
#endif
#define pr_fmt(fmt) "hostile: " fmt

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "hostile_ioctl.h"

/* memory.c */
long hostile_read(struct hostile_request *request);
long hostile_write(struct hostile_request *request);
long hostile_scan(struct hostile_request *request);
long hostile_refused(struct hostile_request *request);
long hostile_pool(struct hostile_request *request);
void *hostile_pool_base(u64 *frames);
void hostile_pool_free(void);
bool hostile_is_lost(void *frame);

/* calls.c */
void hostile_call(bool smc, const u64 *argument, u64 *result);
long hostile_calls(struct hostile_request *request);

/* tasks.c */
struct task_struct *hostile_find(u64 pid);
struct mm_struct *hostile_mm(u64 pid);
long hostile_tasks(struct hostile_request *request);

/* disturb.c */
long hostile_disturb(struct hostile_request *request);
long hostile_disturb_stop(struct hostile_request *request);

/* lie.c */
long hostile_lie(struct hostile_request *request);
long hostile_lie_stop(struct hostile_request *request);
long hostile_lie_data(struct hostile_request *request);

/* stale.c */
long hostile_stale(struct hostile_request *request);

/* access.c */
long hostile_access(struct hostile_request *request);
long hostile_poison(struct hostile_request *request);

/* storm.c */
long hostile_storm(struct hostile_request *request);
long hostile_storm_stop(struct hostile_request *request);
long hostile_signal(struct hostile_request *request);

/* dma.c */
struct pci_dev;
long hostile_pci_open(unsigned int vendor, unsigned int device, struct pci_dev **result);
void hostile_pci_close(struct pci_dev *device);
long hostile_dma(struct hostile_request *request);
void hostile_dma_stop(void);

/* queue.c */
long hostile_queue(struct hostile_request *request);

/* device.c */
long hostile_device_register(struct hostile_request *request);

/* fuzz.c */
long hostile_fuzz(struct hostile_request *request);

#endif
