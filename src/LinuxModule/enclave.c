// SPDX-License-Identifier: GPL-2.0
/*
 * Life of an enclave: made by the first exec of a BlackBox executable, kept by
 * its bound slots, destroyed in a work item when the last of them is gone.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "blackbox.h"

#define BB_ROOT_ORDER 1			/* two concatenated tables */
#define BB_FIRST_TABLES_ORDER 4
#define BB_LEAST_TABLES_ORDER 3		/* start memory and shield image take up to 6 tables */
#define BB_LARGE_ORDER 9		/* 2 MiB: one block entry in stage 2 */
#define BB_STOP_ROUNDS 10000		/* of about 1 ms */

static LIST_HEAD(bb_enclaves);
static DEFINE_MUTEX(bb_enclaves_lock);

static void bb_enclave_free(struct kref *kref)
{
	struct bb_enclave *enclave = container_of(kref, struct bb_enclave, kref);

	xa_destroy(&enclave->blocks);
	xa_destroy(&enclave->files);
	kvfree(enclave);
}

void bb_enclave_get(struct bb_enclave *enclave)
{
	kref_get(&enclave->kref);
}

void bb_enclave_put(struct bb_enclave *enclave)
{
	kref_put(&enclave->kref, bb_enclave_free);
}

/*
 * Asks the monitor to end the enclave. The first call closes it for every task
 * and answers Busy as long as one is inside on some CPU.
 */
static struct bb_answer bb_enclave_end(struct bb_enclave *enclave)
{
	struct bb_answer answer;
	unsigned int round;

	for (round = 0; round < BB_STOP_ROUNDS; round++) {
		answer = bb_call(BB_OS_DESTROY_ENCLAVE, enclave->handle, 0, 0, 0, 0);
		if (answer.status != BB_STATUS_BUSY)
			break;
		usleep_range(500, 1500);
	}
	return answer;
}

static void bb_enclave_stop_work(struct work_struct *work)
{
	struct bb_enclave *enclave = container_of(work, struct bb_enclave, stop);

	pr_warn("enclave %llx (%s): stopped\n", enclave->handle, enclave->name);
	bb_call(BB_OS_DESTROY_ENCLAVE, enclave->handle, 0, 0, 0, 0);
	bb_tasks_kill(enclave);
}

/*
 * The enclave is beyond hope: no thread of it can go on, so kill them all.
 * Callable in any context, by someone who keeps the enclave in use.
 */
void bb_enclave_stop(struct bb_enclave *enclave)
{
	if (!test_and_set_bit(0, &enclave->stopped))
		queue_work(bb_workqueue, &enclave->stop);
}

static void bb_mirror_drop(struct bb_enclave *enclave)
{
	struct page *mirror;

	spin_lock(&enclave->slots_lock);
	mirror = enclave->mirror;
	enclave->mirror = NULL;
	spin_unlock(&enclave->slots_lock);
	if (!mirror)
		return;
	mutex_lock(&enclave->lock);
	if (!bb_unshare(enclave, mirror, 1)) {
		put_page(mirror);
		fput(enclave->mirror_file);
	}
	mutex_unlock(&enclave->lock);
}

static void bb_slots_drop(struct bb_enclave *enclave)
{
	struct bb_slot *slot;
	unsigned int i;

	for (i = 0; i < BB_MAX_TASKS_PER_ENCLAVE; i++) {
		spin_lock(&enclave->slots_lock);
		slot = enclave->slots[i];
		enclave->slots[i] = NULL;
		spin_unlock(&enclave->slots_lock);
		if (slot)
			bb_slot_destroy(slot);
	}
}

static void bb_enclave_destroy_work(struct work_struct *work)
{
	struct bb_enclave *enclave = container_of(work, struct bb_enclave, destroy);
	struct bb_answer answer;

	cancel_work_sync(&enclave->stop);
	answer = bb_enclave_end(enclave);
	if (answer.status != BB_STATUS_AGAIN)
		pr_err("enclave %llx: does not stop (status %lld)\n", enclave->handle, answer.status);
	bb_slots_drop(enclave);
	bb_mirror_drop(enclave);
	bb_files_unpin_all(enclave);
	bb_reclaim_all(enclave);
	answer = bb_enclave_end(enclave);
	if (answer.status != BB_STATUS_SUCCESS)
		pr_err("enclave %llx: not destroyed (status %lld, %llu frames remain)\n",
		       enclave->handle, answer.status, answer.value[0]);

	mutex_lock(&bb_enclaves_lock);
	list_del(&enclave->node);
	mutex_unlock(&bb_enclaves_lock);
	atomic64_dec(&bb_counters.enclaves);
	bb_enclave_put(enclave);
	/* Module exit flushes this work queue, so the code stays until we return. */
	module_put(THIS_MODULE);
}

/* The counterpart of every increment of users. */
void bb_enclave_leave(struct bb_enclave *enclave)
{
	if (atomic_dec_and_test(&enclave->users))
		queue_work(bb_workqueue, &enclave->destroy);
}

/*
 * The page of mirror words: from shmem, since Linux refuses to wait on a page
 * that belongs to no file (futex), and pinned, since its address is fixed.
 */
static int bb_mirror_create(struct bb_enclave *enclave)
{
	struct file *file;
	struct page *page;
	int error;

	file = shmem_file_setup("blackbox-mirror", PAGE_SIZE, VM_NORESERVE);
	if (IS_ERR(file))
		return PTR_ERR(file);
	mapping_set_unevictable(file->f_mapping);
	page = shmem_read_mapping_page(file->f_mapping, 0);
	if (IS_ERR(page)) {
		fput(file);
		return PTR_ERR(page);
	}
	mutex_lock(&enclave->lock);
	error = bb_share(enclave, page, 1);
	mutex_unlock(&enclave->lock);
	if (error) {
		put_page(page);
		fput(file);
		return error;
	}
	enclave->mirror_file = file;
	enclave->mirror = page;
	return 0;
}

/* What CreateEnclave takes: contiguous frames, noted as given before the call. */
struct bb_start {
	struct page *page;
	unsigned long count;
};

static int bb_start_alloc(struct bb_enclave *enclave, struct bb_start *start,
			  unsigned int order, unsigned int least)
{
	for (;; order--) {
		start->page = bb_frames_alloc(order);
		if (start->page || order == least)
			break;
	}
	if (!start->page)
		return -ENOMEM;
	start->count = 1UL << order;
	if (bb_frames_note(enclave, page_to_pfn(start->page), start->count)) {
		bb_frames_free(start->page, start->count);
		start->page = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void bb_start_free(struct bb_enclave *enclave, struct bb_start *start)
{
	if (!start->page)
		return;
	bb_frames_forget(enclave, page_to_pfn(start->page), start->count);
	bb_frames_free(start->page, start->count);
}

/* Makes the monitor's side. On an error nothing stays. */
static int bb_enclave_start(struct bb_enclave *enclave)
{
	struct bb_start root = {}, memory = {}, tables = {};
	unsigned int least = ilog2(BB_ENCLAVE_START_FRAMES);
	struct bb_answer answer = {};
	int error;

	mutex_lock(&enclave->lock);
	error = bb_start_alloc(enclave, &memory, BB_LARGE_ORDER, least) ?:
		bb_start_alloc(enclave, &root, BB_ROOT_ORDER, BB_ROOT_ORDER) ?:
		bb_start_alloc(enclave, &tables, BB_FIRST_TABLES_ORDER, BB_LEAST_TABLES_ORDER);
	if (!error) {
		answer = bb_call_patiently(BB_OS_CREATE_ENCLAVE, page_to_phys(root.page),
					   page_to_phys(memory.page), memory.count,
					   page_to_phys(tables.page), tables.count);
		error = bb_errno(answer.status);
		if (error)
			pr_warn_ratelimited("no enclave: status %lld\n", answer.status);
	}
	if (error) {
		bb_start_free(enclave, &tables);
		bb_start_free(enclave, &root);
		bb_start_free(enclave, &memory);
	} else {
		enclave->handle = answer.value[0];
	}
	mutex_unlock(&enclave->lock);
	if (error)
		bb_reclaim_all(enclave);	/* only the notes are left */
	return error;
}

/* A new enclave with one user: the caller. Memory is charged to the current cgroup. */
struct bb_enclave *bb_enclave_create(const char *path)
{
	struct bb_enclave *enclave = kvzalloc(sizeof(*enclave), GFP_KERNEL_ACCOUNT);
	int error;

	if (!enclave)
		return ERR_PTR(-ENOMEM);
	kref_init(&enclave->kref);
	atomic_set(&enclave->users, 1);
	mutex_init(&enclave->lock);
	spin_lock_init(&enclave->slots_lock);
	INIT_LIST_HEAD(&enclave->idle);
	xa_init(&enclave->blocks);
	xa_init_flags(&enclave->files, XA_FLAGS_ALLOC1);
	INIT_WORK(&enclave->stop, bb_enclave_stop_work);
	INIT_WORK(&enclave->destroy, bb_enclave_destroy_work);
	enclave->process = task_tgid_nr(current);
	strscpy(enclave->name, kbasename(path), sizeof(enclave->name));

	error = bb_enclave_start(enclave);
	if (error) {
		bb_enclave_put(enclave);
		return ERR_PTR(error);
	}
	/* We run in a caller that holds the module (its binfmt). */
	__module_get(THIS_MODULE);
	atomic64_inc(&bb_counters.enclaves);
	atomic64_inc(&bb_counters.created);
	mutex_lock(&bb_enclaves_lock);
	list_add_tail(&enclave->node, &bb_enclaves);
	mutex_unlock(&bb_enclaves_lock);

	error = bb_mirror_create(enclave);
	if (error) {
		bb_enclave_leave(enclave);
		return ERR_PTR(error);
	}
	return enclave;
}

/* Writes up to count entries to user space; returns how many. */
long bb_enclave_list(struct bb_ioctl_enclave __user *array, u32 count, u32 *total)
{
	struct bb_enclave *enclave;
	long written = 0, error = 0;

	*total = 0;
	mutex_lock(&bb_enclaves_lock);
	list_for_each_entry(enclave, &bb_enclaves, node) {
		struct bb_ioctl_enclave entry = {
			.handle = enclave->handle,
			.process = enclave->process,
			.flags = test_bit(0, &enclave->stopped) ? BB_ENCLAVE_STOPPED : 0,
		};

		(*total)++;
		if (written >= count || error)
			continue;
		mutex_lock(&enclave->lock);
		entry.frames = enclave->frames;
		entry.lent = enclave->lent;
		entry.slots = enclave->slot_count;
		mutex_unlock(&enclave->lock);
		entry.tasks = bb_tasks_count(enclave);
		memcpy(entry.name, enclave->name, sizeof(entry.name));
		if (copy_to_user(&array[written], &entry, sizeof(entry)))
			error = -EFAULT;
		else
			written++;
	}
	mutex_unlock(&bb_enclaves_lock);
	return error ?: written;
}
