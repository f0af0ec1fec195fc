// SPDX-License-Identifier: GPL-2.0
/*
 * The window of an enclaved address space: the only mappings Linux sees there
 * (beside its own stack). See the layout in blackbox.h. Fork copies the window
 * as it is; pages of the data part are mapped when touched.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/version.h>

#include "blackbox.h"

struct bb_window {
	struct bb_enclave *enclave;
	struct task_struct *mapper;	/* who may map it now: nobody but load_binary */
};

static void bb_vma_flags(struct vm_area_struct *vma, unsigned long set, unsigned long clear)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

static struct bb_enclave *bb_vma_enclave(struct vm_area_struct *vma)
{
	struct bb_window *window = vma->vm_file->private_data;

	return window->enclave;
}

static int bb_window_refuse_split(struct vm_area_struct *vma, unsigned long address)
{
	return -EINVAL;
}

static int bb_window_refuse_move(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static int bb_window_refuse_protect(struct vm_area_struct *vma, unsigned long start,
				    unsigned long end, unsigned long flags)
{
	return -EACCES;
}

/* The gate page lies outside RAM: the monitor answers every fetch from it. */
static vm_fault_t bb_gate_fault(struct vm_fault *vmf)
{
	return vmf_insert_pfn(vmf->vma, vmf->address & PAGE_MASK, PHYS_PFN(BB_GATE_IPA));
}

/* A page of the data part, with a reference, or NULL. */
static struct page *bb_data_page(struct bb_enclave *enclave, unsigned long offset)
{
	struct bb_slot *slot = NULL;
	struct page *page = NULL;
	unsigned long index;

	spin_lock(&enclave->slots_lock);
	if (offset == BB_MIRROR_OFFSET) {
		page = enclave->mirror;
	} else if (offset >= BB_BUFFERS_OFFSET) {
		offset -= BB_BUFFERS_OFFSET;
		index = offset / BB_BUFFER_STRIDE;
		offset %= BB_BUFFER_STRIDE;
		if (index < BB_MAX_TASKS_PER_ENCLAVE)
			slot = enclave->slots[index];
		if (slot && offset < PAGE_SIZE << slot->order)
			page = slot->buffer + PHYS_PFN(offset);
	}
	if (page)
		get_page(page);
	spin_unlock(&enclave->slots_lock);
	return page;
}

static vm_fault_t bb_data_fault(struct vm_fault *vmf)
{
	struct bb_enclave *enclave = bb_vma_enclave(vmf->vma);
	unsigned long offset = (vmf->pgoff << PAGE_SHIFT) - BB_DATA_OFFSET;

	if (offset == BB_SERVICE_OFFSET)
		return bb_service_fault(vmf, enclave);
	vmf->page = bb_data_page(enclave, offset);
	return vmf->page ? 0 : VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct bb_gate_operations = {
	.may_split = bb_window_refuse_split,
	.mremap = bb_window_refuse_move,
	.mprotect = bb_window_refuse_protect,
	.fault = bb_gate_fault,
};

static const struct vm_operations_struct bb_data_operations = {
	.may_split = bb_window_refuse_split,
	.mremap = bb_window_refuse_move,
	.mprotect = bb_window_refuse_protect,
	.fault = bb_data_fault,
};

static int bb_window_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct bb_window *window = file->private_data;
	unsigned long size = vma->vm_end - vma->vm_start;
	unsigned long offset = vma->vm_pgoff << PAGE_SHIFT;

	if (READ_ONCE(window->mapper) != current || !(vma->vm_flags & VM_SHARED))
		return -EPERM;
	if (offset == 0 && size == PAGE_SIZE) {
		/*
		 * Executable by our own word, not by PROT_EXEC: there is no code
		 * in it for a security module to judge.
		 */
		bb_vma_flags(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP | VM_EXEC,
			     VM_WRITE | VM_MAYWRITE);
		vma->vm_ops = &bb_gate_operations;
		return 0;
	}
	if (offset == BB_DATA_OFFSET && size == BB_DATA_SIZE) {
		bb_vma_flags(vma, VM_DONTEXPAND | VM_DONTDUMP, VM_EXEC | VM_MAYEXEC);
		vma->vm_ops = &bb_data_operations;
		return 0;
	}
	return -EINVAL;
}

static int bb_window_release(struct inode *inode, struct file *file)
{
	struct bb_window *window = file->private_data;

	bb_enclave_put(window->enclave);
	kfree(window);
	return 0;
}

static const struct file_operations bb_window_operations = {
	.owner = THIS_MODULE,
	.mmap = bb_window_mmap,
	.release = bb_window_release,
	.llseek = noop_llseek,
};

/* The file behind the mappings of one address space (and its forks). */
struct file *bb_window_create(struct bb_enclave *enclave)
{
	struct bb_window *window = kzalloc(sizeof(*window), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!window)
		return ERR_PTR(-ENOMEM);
	window->enclave = enclave;
	bb_enclave_get(enclave);
	file = anon_inode_getfile("[blackbox]", &bb_window_operations, window, O_RDWR);
	if (IS_ERR(file)) {
		bb_enclave_put(enclave);
		kfree(window);
	}
	return file;
}

/* Maps the window into the current, new address space. */
int bb_window_map(struct file *file, unsigned long *gate, unsigned long *data)
{
	struct bb_window *window = file->private_data;

	WRITE_ONCE(window->mapper, current);
	*gate = vm_mmap(file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0);
	*data = IS_ERR_VALUE(*gate) ? *gate :
		vm_mmap(file, 0, BB_DATA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, BB_DATA_OFFSET);
	WRITE_ONCE(window->mapper, NULL);
	return IS_ERR_VALUE(*data) ? (int)*data : 0;
}
