/* SPDX-License-Identifier: GPL-2.0 */
/*
 * BlackBox: Linux's side of the container security monitor.
 *
 * The module runs in the kernel that the containers do not trust. It gives
 * memory to enclaves and takes it back, tells the monitor which thread is
 * which task, and maps the gate page and the shared buffers. Nothing that a
 * container believes depends on it; what the kernel must not believe is the
 * shield (its requests are user input).
 *
 * Locks, outermost first:
 *	bb_enclaves_lock	mutex: list of enclaves
 *	bb_enclave.lock		mutex: frames, idle slots
 *	bb_enclave.slots_lock	spinlock: slots[] and the mirror page against page faults
 *	bb_tasks_lock		rwlock: which thread owns which slot
 * The mmap lock may be held outside slots_lock, never outside the mutexes:
 * services drop it first.
 */
#ifndef BLACKBOX_H
#define BLACKBOX_H

#ifdef pr_fmt
#undef pr_fmt
#endif
#define pr_fmt(fmt) "blackbox: " fmt

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "blackbox_ioctl.h"

struct bb_enclave;

/* One task of an enclave: prepared, then bound to a thread, then idle again. */
struct bb_slot {
	struct bb_enclave *enclave;
	u64 handle;			/* the monitor's name for it; stands in TPIDR_EL0 */
	u64 context;			/* physical address of the context frame */
	unsigned int index;		/* in enclave->slots, and of its mirror word */
	unsigned int order;		/* of the shared buffer */
	struct page *buffer;
	struct bb_buffer_header *header;/* the buffer's first page; the shield writes it too */

	struct hlist_node hash;		/* bb_tasks_lock */
	struct task_struct *task;	/* bb_tasks_lock; NULL while idle */
	struct list_head idle;		/* enclave->lock */

	/* The rest belongs to the bound thread alone. */
	struct bb_slot *child;		/* reserved for its next clone */
	unsigned long gate_address;	/* of the mappings in its address space */
	unsigned long data_address;
	bool served;			/* a service is done, its fault about to be repeated */
	bool left;			/* the monitor is through with the dead task */
	struct callback_head exit_work;
	struct work_struct exit_fallback;
};

struct bb_enclave {
	u64 handle;
	struct kref kref;		/* this structure: one for life, one per window file */
	atomic_t users;			/* bound slots, and a start in progress */
	struct list_head node;		/* bb_enclaves_lock */
	unsigned long stopped;		/* bit 0 */

	struct mutex lock;
	struct list_head idle;		/* slots without a thread */
	struct xarray blocks;		/* frames given to the monitor: block number -> struct bb_block */
	unsigned long frames;		/* in blocks */
	unsigned long lent;
	unsigned int slot_count;

	spinlock_t slots_lock;
	struct page *mirror;		/* page of mirror words, lent; from mirror_file */
	struct file *mirror_file;

	struct xarray files;		/* pinned files by handle */
	atomic_t file_count;

	struct work_struct stop;
	struct work_struct destroy;

	u32 process;
	char name[TASK_COMM_LEN];
	struct bb_slot *slots[BB_MAX_TASKS_PER_ENCLAVE];
};

/*
 * The window of an enclaved address space, two shared mappings of one file:
 *	offset 0	gate page, R-X
 *	offset 64 KiB	data, RW-: service page, mirror page, then from 64 KiB
 *			on the buffer of slot i at i * 64 KiB
 */
#define BB_BUFFER_ORDER 4
#define BB_BUFFER_STRIDE (PAGE_SIZE << BB_BUFFER_ORDER)
#define BB_DATA_OFFSET BB_BUFFER_STRIDE
#define BB_SERVICE_OFFSET 0UL
#define BB_MIRROR_OFFSET PAGE_SIZE
#define BB_BUFFERS_OFFSET BB_BUFFER_STRIDE
#define BB_DATA_SIZE (BB_BUFFERS_OFFSET + BB_MAX_TASKS_PER_ENCLAVE * BB_BUFFER_STRIDE)

struct bb_counters {
	atomic64_t enclaves, tasks, given, lent, leaked, files;
	atomic64_t created, execs, clones, exits, exit_repeats, killed;
	atomic64_t services[8];
};

extern struct bb_counters bb_counters;
extern struct workqueue_struct *bb_workqueue;
extern u32 bb_monitor_version;
extern u64 bb_monitor_features;

/* hypercall.c */
struct bb_answer {
	s64 status;
	u64 value[3];
};

struct bb_answer bb_call(u32 function, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);
bool bb_monitor_present(void);

/* status.c */
int bb_errno(s64 status);
struct bb_answer bb_call_patiently(u32 function, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);
s64 bb_call_briskly(u32 function, u64 a1, u64 a2);

/* memory.c */
struct page *bb_frames_alloc(unsigned int order);
bool bb_memory_is_short(void);
void bb_frames_free(struct page *page, unsigned long count);
int bb_frames_note(struct bb_enclave *enclave, unsigned long pfn, unsigned long count);
void bb_frames_forget(struct bb_enclave *enclave, unsigned long pfn, unsigned long count);
int bb_grant(struct bb_enclave *enclave, struct page *page, unsigned long count);
int bb_share(struct bb_enclave *enclave, struct page *page, unsigned long count);
int bb_unshare(struct bb_enclave *enclave, struct page *page, unsigned long count);
long bb_reclaim(struct bb_enclave *enclave, unsigned long pfn, unsigned long count);
void bb_reclaim_all(struct bb_enclave *enclave);

/* enclave.c */
struct bb_enclave *bb_enclave_create(const char *path);
void bb_enclave_leave(struct bb_enclave *enclave);
void bb_enclave_stop(struct bb_enclave *enclave);
void bb_enclave_get(struct bb_enclave *enclave);
void bb_enclave_put(struct bb_enclave *enclave);
long bb_enclave_list(struct bb_ioctl_enclave __user *array, u32 count, u32 *total);

/* task.c */
struct bb_slot *bb_slot_get(struct bb_enclave *enclave);
void bb_slot_put(struct bb_slot *slot);
void bb_slot_destroy(struct bb_slot *slot);
void bb_slot_describe(struct bb_slot *slot, struct task_struct *task, u64 stack_limit);
void bb_slot_signals(struct bb_slot *slot, struct task_struct *task);
void bb_slot_bind(struct bb_slot *slot, struct task_struct *task);
struct bb_slot *bb_slot_current(void);
unsigned long bb_signal_stack_size(const struct bb_slot *slot);
unsigned long bb_signal_stack_top(const struct bb_slot *slot);
void bb_tasks_kill(struct bb_enclave *enclave);
u32 bb_tasks_count(struct bb_enclave *enclave);
int bb_probes_register(void);
void bb_probes_unregister(void);

static inline unsigned long bb_slot_frames(const struct bb_slot *slot)
{
	return 1UL << slot->order;
}

/* Bytes between the header and the signal stack. */
static inline unsigned long bb_slot_data_size(const struct bb_slot *slot)
{
	return (PAGE_SIZE << slot->order) - BB_BUFFER_HEADER_SIZE - bb_signal_stack_size(slot);
}

static inline void *bb_slot_data(const struct bb_slot *slot)
{
	return (u8 *)slot->header + BB_BUFFER_HEADER_SIZE;
}

/* window.c */
struct file *bb_window_create(struct bb_enclave *enclave);
int bb_window_map(struct file *file, unsigned long *gate, unsigned long *data);

/* service.c */
vm_fault_t bb_service_fault(struct vm_fault *vmf, struct bb_enclave *enclave);
void bb_files_unpin_all(struct bb_enclave *enclave);

/* binfmt.c */
extern struct linux_binfmt bb_format;

/* device.c */
int bb_device_register(void);
void bb_device_unregister(void);

#endif
