// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks: slots of an enclave, and the threads bound to them. The scheduler's
 * tracepoints tell of every fork, exec and death before the thread concerned
 * can run user code again. Their probes run with preemption off: they make
 * short hypercalls and leave what sleeps to task work.
 */
#include <linux/hashtable.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/tracepoint.h>
#include <asm/processor.h>
#include <asm/ptrace.h>

#include "blackbox.h"

#define BB_EXIT_SLICE_US 2000		/* in the exit probe, preemption off */
#define BB_EXIT_SLICES 5000		/* then the enclave is stopped */
#define BB_LEAST_BUFFER_ORDER 2		/* header, some data, signal stack */

static DEFINE_HASHTABLE(bb_tasks, 8);
static DEFINE_RWLOCK(bb_tasks_lock);

/* --- slots --- */

/* The top of the buffer, where Linux puts signal frames (5 KiB, more with SVE). */
unsigned long bb_signal_stack_size(const struct bb_slot *slot)
{
	return slot->order >= BB_BUFFER_ORDER ? SZ_16K : SZ_8K;
}

static unsigned long bb_buffer_address(const struct bb_slot *slot)
{
	return slot->data_address + BB_BUFFERS_OFFSET + slot->index * BB_BUFFER_STRIDE;
}

unsigned long bb_signal_stack_top(const struct bb_slot *slot)
{
	return bb_buffer_address(slot) + (PAGE_SIZE << slot->order);
}

static struct page *bb_buffer_alloc(unsigned int *order)
{
	struct page *page;

	for (*order = BB_BUFFER_ORDER; ; (*order)--) {
		page = bb_frames_alloc(*order);
		if (page || *order == BB_LEAST_BUFFER_ORDER)
			return page;
	}
}

/* Lends a buffer and gives a context frame for a new slot; enclave->lock is held. */
static int bb_slot_prepare(struct bb_slot *slot)
{
	struct bb_enclave *enclave = slot->enclave;
	struct bb_answer answer;
	struct page *context;
	int error = -ENOMEM;

	slot->buffer = bb_buffer_alloc(&slot->order);
	context = bb_frames_alloc(0);
	if (!slot->buffer || !context)
		goto free;
	slot->header = page_address(slot->buffer);
	error = bb_share(enclave, slot->buffer, bb_slot_frames(slot));
	if (error)
		goto free;
	answer = bb_call_patiently(BB_OS_TASK_CREATE, enclave->handle, page_to_phys(context),
				   page_to_phys(slot->buffer), bb_slot_frames(slot), 0);
	if (!answer.status) {
		slot->handle = answer.value[0];
		slot->context = page_to_phys(context);
		enclave->frames++;
		atomic64_inc(&bb_counters.given);
		return 0;
	}
	if (answer.status == BB_STATUS_STOPPED)
		bb_enclave_stop(enclave);
	error = bb_errno(answer.status);
	if (bb_unshare(enclave, slot->buffer, bb_slot_frames(slot)))
		slot->buffer = NULL;
free:
	if (slot->buffer)
		bb_frames_free(slot->buffer, bb_slot_frames(slot));
	if (context)
		bb_frames_free(context, 1);
	return error;
}

static struct bb_slot *bb_slot_create(struct bb_enclave *enclave)
{
	struct bb_slot *slot;
	unsigned int index;
	int error;

	for (index = 0; index < BB_MAX_TASKS_PER_ENCLAVE; index++)
		if (!enclave->slots[index])
			break;
	if (index == BB_MAX_TASKS_PER_ENCLAVE)
		return ERR_PTR(-EAGAIN);
	slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);
	if (!slot)
		return ERR_PTR(-ENOMEM);
	slot->enclave = enclave;
	slot->index = index;
	INIT_LIST_HEAD(&slot->idle);
	error = bb_slot_prepare(slot);
	if (error) {
		kfree(slot);
		return ERR_PTR(error);
	}
	enclave->slot_count++;
	spin_lock(&enclave->slots_lock);
	enclave->slots[index] = slot;
	spin_unlock(&enclave->slots_lock);
	return slot;
}

/* An idle slot, or a new one. */
struct bb_slot *bb_slot_get(struct bb_enclave *enclave)
{
	struct bb_slot *slot;

	mutex_lock(&enclave->lock);
	if (test_bit(0, &enclave->stopped)) {
		slot = ERR_PTR(-EOWNERDEAD);
	} else {
		slot = list_first_entry_or_null(&enclave->idle, struct bb_slot, idle);
		if (slot)
			list_del_init(&slot->idle);
		else
			slot = bb_slot_create(enclave);
	}
	mutex_unlock(&enclave->lock);
	return slot;
}

/*
 * Back to the pool. A slot lives as long as its enclave, since its buffer may
 * still be mapped in address spaces of the enclave.
 */
void bb_slot_put(struct bb_slot *slot)
{
	struct bb_enclave *enclave = slot->enclave;

	mutex_lock(&enclave->lock);
	list_add(&slot->idle, &enclave->idle);
	mutex_unlock(&enclave->lock);
}

/* The enclave is stopped and nobody finds the slot any more. */
void bb_slot_destroy(struct bb_slot *slot)
{
	struct bb_enclave *enclave = slot->enclave;
	struct bb_answer answer;

	mutex_lock(&enclave->lock);
	answer = bb_call_patiently(BB_OS_TASK_DESTROY, slot->handle, 0, 0, 0, 0);
	enclave->frames--;
	atomic64_dec(&bb_counters.given);
	if (!answer.status) {
		bb_frames_free(pfn_to_page(PHYS_PFN(slot->context)), 1);
	} else {
		pr_err("enclave %llx: task %llx stays (status %lld)\n",
		       enclave->handle, slot->handle, answer.status);
		atomic64_inc(&bb_counters.leaked);
	}
	if (!bb_unshare(enclave, slot->buffer, bb_slot_frames(slot)))
		bb_frames_free(slot->buffer, bb_slot_frames(slot));
	enclave->slot_count--;
	mutex_unlock(&enclave->lock);
	kfree(slot);
}

/* --- binding a thread --- */

static struct bb_slot *bb_slot_find(struct task_struct *task)
{
	struct bb_slot *slot;

	hash_for_each_possible(bb_tasks, slot, hash, (unsigned long)task)
		if (slot->task == task)
			return slot;
	return NULL;
}

/* The slot of the current thread; it stays bound as long as the thread lives. */
struct bb_slot *bb_slot_current(void)
{
	struct bb_slot *slot;

	if (!atomic64_read(&bb_counters.tasks))
		return NULL;
	read_lock(&bb_tasks_lock);
	slot = bb_slot_find(current);
	read_unlock(&bb_tasks_lock);
	return slot;
}

/*
 * Fills the header for a thread: addresses in its address space, its numbers
 * in its own PID namespace. The shield may write there at the same time; that
 * is its own loss.
 */
void bb_slot_describe(struct bb_slot *slot, struct task_struct *task, u64 stack_limit)
{
	struct pid_namespace *ns = task_active_pid_ns(task);
	struct bb_buffer_header *header = slot->header;
	u64 thread = 0, process = 0;

	if (ns) {
		thread = __task_pid_nr_ns(task, PIDTYPE_PID, ns);
		process = __task_pid_nr_ns(task, PIDTYPE_TGID, ns);
	}
	header->buffer_address = bb_buffer_address(slot);
	header->gate_address = slot->gate_address;
	header->service_address = slot->data_address + BB_SERVICE_OFFSET;
	header->mirror_address = slot->data_address + BB_MIRROR_OFFSET;
	header->mirror_frame = page_to_phys(slot->enclave->mirror);
	header->index = slot->index;
	header->thread_id = thread << 32 | process;
	header->buffer_size = PAGE_SIZE << slot->order;
	header->operation = 0;
	header->range_count = 0;
	header->exec_argument_count = 0;
	header->exec_environment_count = 0;
	header->exec_string_bytes = 0;
	header->stack_limit = stack_limit;
	header->signal_stack = bb_signal_stack_top(slot) - bb_signal_stack_size(slot);
	header->signal_stack_size = bb_signal_stack_size(slot);
}

/* What sigaltstack would do: signal frames go to the top of the buffer. */
void bb_slot_signals(struct bb_slot *slot, struct task_struct *task)
{
	task->sas_ss_sp = bb_signal_stack_top(slot) - bb_signal_stack_size(slot);
	task->sas_ss_size = bb_signal_stack_size(slot);
	task->sas_ss_flags = 0;
}

/* Makes slot and thread one. The thread's user registers are the caller's business. */
void bb_slot_bind(struct bb_slot *slot, struct task_struct *task)
{
	bb_slot_signals(slot, task);
	slot->served = false;
	slot->left = false;
	slot->child = NULL;
	atomic64_inc(&bb_counters.tasks);
	write_lock(&bb_tasks_lock);
	slot->task = task;
	hash_add(bb_tasks, &slot->hash, (unsigned long)task);
	write_unlock(&bb_tasks_lock);
}

static void bb_slot_unbind(struct bb_slot *slot)
{
	write_lock(&bb_tasks_lock);
	hash_del(&slot->hash);
	slot->task = NULL;
	write_unlock(&bb_tasks_lock);
	atomic64_dec(&bb_counters.tasks);
}

static void bb_kill(struct task_struct *task)
{
	atomic64_inc(&bb_counters.killed);
	send_sig(SIGKILL, task, 1);
}

/* Kills every bound thread of an enclave. */
void bb_tasks_kill(struct bb_enclave *enclave)
{
	struct bb_slot *slot;
	unsigned int bucket;

	read_lock(&bb_tasks_lock);
	hash_for_each(bb_tasks, bucket, slot, hash)
		if (slot->enclave == enclave)
			bb_kill(slot->task);
	read_unlock(&bb_tasks_lock);
}

u32 bb_tasks_count(struct bb_enclave *enclave)
{
	struct bb_slot *slot;
	unsigned int bucket;
	u32 count = 0;

	read_lock(&bb_tasks_lock);
	hash_for_each(bb_tasks, bucket, slot, hash)
		if (slot->enclave == enclave)
			count++;
	read_unlock(&bb_tasks_lock);
	return count;
}

/* --- fork --- */

/* Redeems the parent's ticket for its reserved slot and sends the child through the gate. */
static bool bb_child_bind(struct bb_slot *parent, struct task_struct *child)
{
	struct bb_slot *slot = parent->child;
	struct pt_regs *regs = task_pt_regs(child);
	s64 status;

	if (!slot || !child->mm)
		return false;
	slot->gate_address = parent->gate_address;
	slot->data_address = parent->data_address;
	bb_slot_describe(slot, child, task_rlimit(child, RLIMIT_STACK));
	status = bb_call_briskly(BB_OS_TASK_CLONE, slot->handle, parent->handle);
	if (status == BB_STATUS_STOPPED)
		bb_enclave_stop(slot->enclave);
	if (status)
		return false;
	parent->child = NULL;
	WRITE_ONCE(parent->header->argument3, slot->header->thread_id);
	atomic_inc(&slot->enclave->users);
	bb_slot_bind(slot, child);
	child->thread.uw.tp_value = slot->handle;
	regs->pc = slot->gate_address + BB_GATE_RESUME;
	regs->sp = bb_signal_stack_top(slot);
	atomic64_inc(&bb_counters.clones);
	return true;
}

/* In the parent, before the child runs. A child that the monitor does not know must not live. */
static void bb_fork_probe(void *data, struct task_struct *parent, struct task_struct *child)
{
	struct bb_slot *slot;

	if (parent != current)
		return;
	slot = bb_slot_current();
	if (slot && !bb_child_bind(slot, child))
		bb_kill(child);
}

/* --- exec --- */

/* An exec succeeded. If it was not one of ours, the thread stands outside its enclave: end it. */
static void bb_exec_probe(void *data, struct task_struct *task, pid_t old_pid,
			  struct linux_binprm *bprm)
{
	if (bb_slot_current() && current->mm->binfmt != &bb_format)
		bb_kill(current);
}

/* --- exit --- */

/*
 * Lets the shield finish for a dead thread, until the monitor is through with
 * it or the time is over.
 */
static bool bb_task_exit(struct bb_slot *slot, unsigned int microseconds)
{
	ktime_t end = ktime_add_us(ktime_get(), microseconds);
	struct bb_answer answer;

	do {
		answer = bb_call(BB_OS_TASK_EXIT, slot->handle, 0, 0, 0, 0);
		if (answer.status == BB_STATUS_SUCCESS)
			return true;
		if (answer.status != BB_STATUS_AGAIN && answer.status != BB_STATUS_BUSY) {
			bb_enclave_stop(slot->enclave);
			return true;
		}
		atomic64_inc(&bb_counters.exit_repeats);
		cpu_relax();
	} while (ktime_before(ktime_get(), end));
	return false;
}

/*
 * A dying shield makes no system call. If it had to wake others, which may be
 * all asleep, it leaves the request in its header and marks their mirror words,
 * whose lower halves it changed before: interrupted like by the freezer, the
 * calls are made again and find that.
 */
static void bb_tasks_wake(struct bb_slot *dead)
{
	u32 *mirror = page_address(dead->enclave->mirror);
	struct bb_slot *slot;
	unsigned int bucket;

	if (READ_ONCE(dead->header->operation) != BB_SERVICE_WAKE_TASKS)
		return;
	read_lock(&bb_tasks_lock);
	hash_for_each(bb_tasks, bucket, slot, hash)
		if (slot->enclave == dead->enclave && xchg(&mirror[2 * slot->index + 1], 0)) {
			set_tsk_thread_flag(slot->task, TIF_SIGPENDING);
			wake_up_process(slot->task);
		}
	read_unlock(&bb_tasks_lock);
}

/* The part of an exit that may sleep; the slot is unbound. */
static void bb_exit_finish(struct bb_slot *slot)
{
	struct bb_enclave *enclave = slot->enclave;
	unsigned int slices = BB_EXIT_SLICES;

	while (!slot->left && slices--) {
		slot->left = bb_task_exit(slot, BB_EXIT_SLICE_US);
		cond_resched();
	}
	bb_tasks_wake(slot);
	if (slot->child) {
		bb_slot_put(slot->child);
		slot->child = NULL;
	}
	if (slot->left) {
		bb_slot_put(slot);
	} else {
		pr_warn("enclave %llx: the shield does not let task %llx go\n",
			enclave->handle, slot->handle);
		bb_enclave_stop(enclave);
	}
	bb_enclave_leave(enclave);
}

static void bb_exit_task_work(struct callback_head *head)
{
	bb_exit_finish(container_of(head, struct bb_slot, exit_work));
}

static void bb_exit_fallback(struct work_struct *work)
{
	bb_exit_finish(container_of(work, struct bb_slot, exit_fallback));
}

/* In the dying thread, its address space gone, its files still open. */
static void bb_exit_probe(void *data, struct task_struct *task)
{
	struct bb_slot *slot;

	if (task != current)
		return;
	slot = bb_slot_current();
	if (!slot)
		return;
	bb_slot_unbind(slot);
	atomic64_inc(&bb_counters.exits);
	slot->left = bb_task_exit(slot, BB_EXIT_SLICE_US);
	init_task_work(&slot->exit_work, bb_exit_task_work);
	if (task_work_add(current, &slot->exit_work, TWA_NONE)) {
		INIT_WORK(&slot->exit_fallback, bb_exit_fallback);
		queue_work(bb_workqueue, &slot->exit_fallback);
	}
}

/* --- tracepoints, by name: the kernel does not export these objects --- */

static struct bb_probe {
	const char *name;
	void *function;
	struct tracepoint *point;
	bool registered;
} bb_probes[] = {
	{ "sched_process_exit", bb_exit_probe },
	{ "sched_process_fork", bb_fork_probe },
	{ "sched_process_exec", bb_exec_probe },
};

static void bb_probe_match(struct tracepoint *point, void *data)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bb_probes); i++)
		if (!strcmp(point->name, bb_probes[i].name))
			bb_probes[i].point = point;
}

int bb_probes_register(void)
{
	unsigned int i;
	int error;

	for_each_kernel_tracepoint(bb_probe_match, NULL);
	for (i = 0; i < ARRAY_SIZE(bb_probes); i++) {
		error = bb_probes[i].point ?
			tracepoint_probe_register(bb_probes[i].point, bb_probes[i].function, NULL) :
			-ENOENT;
		if (error) {
			pr_err("no tracepoint %s (%d)\n", bb_probes[i].name, error);
			bb_probes_unregister();
			return error;
		}
		bb_probes[i].registered = true;
	}
	return 0;
}

void bb_probes_unregister(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bb_probes); i++) {
		if (bb_probes[i].registered)
			tracepoint_probe_unregister(bb_probes[i].point, bb_probes[i].function, NULL);
		bb_probes[i].registered = false;
	}
	tracepoint_synchronize_unregister();
}
