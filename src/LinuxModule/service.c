// SPDX-License-Identifier: GPL-2.0
/*
 * Services: what a shield asks the module for, by a fault on the service page.
 * The request stands in the header of the thread's shared buffer, which the
 * shield can change at any time: it is copied once and treated like the
 * arguments of a system call.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <asm/ptrace.h>

#include "blackbox.h"

#define BB_GRANT_LIMIT 65536UL		/* frames in one request: 256 MiB */
#define BB_RECLAIM_LIMIT (1UL << 24)	/* frames in one range */
#define BB_FILES_LIMIT 16384		/* pinned by one enclave */

struct bb_request {
	u64 operation;
	u64 argument[3];
};

/* --- memory --- */

/* Frames granted so far, merged where they touch, written out for the shield. */
struct bb_ranges {
	struct bb_frame_range last;
	unsigned int count;
};

static bool bb_ranges_fit(const struct bb_ranges *ranges, u64 address)
{
	return ranges->count < ARRAY_SIZE(((struct bb_buffer_header *)0)->ranges) ||
	       address == ranges->last.address + ranges->last.count * PAGE_SIZE;
}

static void bb_ranges_add(struct bb_ranges *ranges, struct bb_buffer_header *header,
			  u64 address, u64 frames)
{
	if (ranges->count && address == ranges->last.address + ranges->last.count * PAGE_SIZE) {
		ranges->last.count += frames;
	} else {
		ranges->last = (struct bb_frame_range){ .address = address, .count = frames };
		ranges->count++;
	}
	header->ranges[ranges->count - 1] = ranges->last;
}

/*
 * Grants at least what was asked, in chunks as large as asked and available.
 * Less only when memory is so fragmented that the list of ranges is full.
 */
static s64 bb_serve_grant(struct bb_slot *slot, u64 wanted)
{
	struct bb_buffer_header *header = slot->header;
	struct bb_ranges ranges = {};
	unsigned int order = MAX_ORDER;
	s64 granted = 0, error = -ENOMEM;
	struct page *page;

	WRITE_ONCE(header->range_count, 0);
	if (wanted == 0 || wanted > BB_GRANT_LIMIT)
		return -EINVAL;
	while (granted < wanted) {
		if (fatal_signal_pending(current)) {
			error = -EINTR;
			break;
		}
		if (bb_memory_is_short())
			break;
		order = min3(order, 9U, (unsigned int)order_base_2(wanted - granted));
		page = bb_frames_alloc(order);
		if (!page) {
			if (order-- == 0)
				break;
			continue;
		}
		error = bb_ranges_fit(&ranges, page_to_phys(page)) ?
			bb_grant(slot->enclave, page, 1UL << order) : -ENOSPC;
		if (error) {
			bb_frames_free(page, 1UL << order);
			break;
		}
		bb_ranges_add(&ranges, header, page_to_phys(page), 1UL << order);
		granted += 1UL << order;
		cond_resched();
	}
	WRITE_ONCE(header->range_count, ranges.count);
	return granted ?: error;
}

/* Takes back what the shield released; stops at the first range that is not so. */
static s64 bb_serve_reclaim(struct bb_slot *slot)
{
	struct bb_buffer_header *header = slot->header;
	u64 count = READ_ONCE(header->range_count), address, frames, i;
	s64 total = 0;
	long taken;

	if (count > ARRAY_SIZE(header->ranges))
		return -EINVAL;
	for (i = 0; i < count; i++) {
		address = READ_ONCE(header->ranges[i].address);
		frames = READ_ONCE(header->ranges[i].count);
		if (!PAGE_ALIGNED(address) || !frames || frames > BB_RECLAIM_LIMIT)
			return total ?: -EINVAL;
		taken = bb_reclaim(slot->enclave, PHYS_PFN(address), frames);
		if (taken < 0)
			return total ?: taken;
		total += taken;
		if (taken < frames)
			break;
	}
	return total;
}

/* --- tasks --- */

static s64 bb_serve_reserve(struct bb_slot *slot)
{
	struct bb_slot *child;

	if (slot->child)
		return -EBUSY;
	child = bb_slot_get(slot->enclave);
	if (IS_ERR(child))
		return PTR_ERR(child);
	slot->child = child;
	return child->handle;
}

static s64 bb_serve_cancel(struct bb_slot *slot)
{
	if (!slot->child)
		return -ENOENT;
	bb_slot_put(slot->child);
	slot->child = NULL;
	return 0;
}

/* --- files: a mapping outlives its descriptor --- */

static s64 bb_serve_pin(struct bb_slot *slot, u64 descriptor)
{
	struct bb_enclave *enclave = slot->enclave;
	struct file *file;
	u32 id;
	int error;

	if (descriptor > INT_MAX)
		return -EBADF;
	file = fget(descriptor);
	if (!file)
		return -EBADF;
	error = -EINVAL;
	if (!S_ISREG(file_inode(file)->i_mode))
		goto put;
	error = -ENFILE;
	if (atomic_inc_return(&enclave->file_count) > BB_FILES_LIMIT)
		goto uncount;
	error = xa_alloc(&enclave->files, &id, file, XA_LIMIT(1, INT_MAX), GFP_KERNEL_ACCOUNT);
	if (error)
		goto uncount;
	atomic64_inc(&bb_counters.files);
	WRITE_ONCE(slot->header->argument1, i_size_read(file_inode(file)));
	return id;
uncount:
	atomic_dec(&enclave->file_count);
put:
	fput(file);
	return error;
}

static s64 bb_serve_unpin(struct bb_slot *slot, u64 id)
{
	struct file *file = xa_erase(&slot->enclave->files, id);

	if (!file)
		return -EBADF;
	atomic_dec(&slot->enclave->file_count);
	atomic64_dec(&bb_counters.files);
	fput(file);
	return 0;
}

void bb_files_unpin_all(struct bb_enclave *enclave)
{
	struct file *file;
	unsigned long id;

	xa_for_each(&enclave->files, id, file) {
		xa_erase(&enclave->files, id);
		atomic64_dec(&bb_counters.files);
		fput(file);
	}
}

/* The file of a handle, with a reference, if it was opened for this kind of access. */
static struct file *bb_file_get(struct bb_enclave *enclave, u64 id, fmode_t mode)
{
	struct file *file;

	xa_lock(&enclave->files);
	file = xa_load(&enclave->files, id);
	if (file)
		get_file(file);
	xa_unlock(&enclave->files);
	if (file && (file->f_mode & mode) == mode)
		return file;
	if (file)
		fput(file);
	return NULL;
}

static s64 bb_serve_file(struct bb_slot *slot, const struct bb_request *request, bool write)
{
	u64 offset = request->argument[1], length = request->argument[2];
	fmode_t mode = write ? FMODE_WRITE | FMODE_CAN_WRITE : FMODE_READ | FMODE_CAN_READ;
	loff_t position = offset;
	struct file *file;
	s64 result;

	if (length > bb_slot_data_size(slot) || offset > LLONG_MAX - length)
		return -EINVAL;
	file = bb_file_get(slot->enclave, request->argument[0], mode);
	if (!file)
		return -EBADF;
	result = -EINVAL;
	if (write && file->f_op->write_iter && !file->f_op->write)
		result = kernel_write(file, bb_slot_data(slot), length, &position);
	else if (!write && file->f_op->read_iter && !file->f_op->read)
		result = kernel_read(file, bb_slot_data(slot), length, &position);
	fput(file);
	return result;
}

/* --- the request --- */

static s64 bb_serve_one(struct bb_slot *slot, const struct bb_request *request)
{
	switch (request->operation) {
	case BB_SERVICE_GRANT:
		return bb_serve_grant(slot, request->argument[0]);
	case BB_SERVICE_RECLAIM:
		return bb_serve_reclaim(slot);
	case BB_SERVICE_RESERVE_TASK:
		return bb_serve_reserve(slot);
	case BB_SERVICE_CANCEL_TASK:
		return bb_serve_cancel(slot);
	case BB_SERVICE_PIN_FILE:
		return bb_serve_pin(slot, request->argument[0]);
	case BB_SERVICE_UNPIN_FILE:
		return bb_serve_unpin(slot, request->argument[0]);
	case BB_SERVICE_READ_FILE:
		return bb_serve_file(slot, request, false);
	case BB_SERVICE_WRITE_FILE:
		return bb_serve_file(slot, request, true);
	default:
		return -ENOSYS;
	}
}

/* Serves the request in the header; operation 0 afterwards says that it was served. */
static void bb_serve(struct bb_slot *slot)
{
	struct bb_buffer_header *header = slot->header;
	struct bb_request request = {
		.operation = READ_ONCE(header->operation),
		.argument = {
			READ_ONCE(header->argument0),
			READ_ONCE(header->argument1),
			READ_ONCE(header->argument2),
		},
	};

	if (request.operation - 1 < ARRAY_SIZE(bb_counters.services))
		atomic64_inc(&bb_counters.services[request.operation - 1]);
	WRITE_ONCE(header->result, bb_serve_one(slot, &request));
	WRITE_ONCE(header->operation, 0);
}

/*
 * A touch of the service page. Only the fault of a thread that stands behind
 * its gate is a request; the kernel's own accesses (a call that was given this
 * address as a buffer) and those of others are errors.
 *
 * Services sleep, take inode locks and allocate: not with the mmap lock held.
 * So drop it, serve, and have the fault repeated; the repetition finds the
 * service done. If a signal comes first the thread is past the fault anyway.
 */
vm_fault_t bb_service_fault(struct vm_fault *vmf, struct bb_enclave *enclave)
{
	struct bb_slot *slot = bb_slot_current();
	struct vm_area_struct *vma = vmf->vma;
	struct file *file;

	if (!slot || slot->enclave != enclave || current->mm != vma->vm_mm ||
	    !(vmf->flags & FAULT_FLAG_USER) || (vmf->flags & FAULT_FLAG_REMOTE) ||
	    task_pt_regs(current)->pc != slot->gate_address + BB_GATE_DONE)
		return VM_FAULT_SIGBUS;
	if ((vmf->flags & FAULT_FLAG_TRIED) && slot->served) {
		slot->served = false;
		return VM_FAULT_NOPAGE;
	}
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY) || (vmf->flags & FAULT_FLAG_RETRY_NOWAIT))
		return VM_FAULT_SIGBUS;

	file = get_file(vma->vm_file);
	mmap_read_unlock(vma->vm_mm);
	bb_serve(slot);
	slot->served = true;
	fput(file);
	return VM_FAULT_RETRY;
}
