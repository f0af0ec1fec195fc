// SPDX-License-Identifier: GPL-2.0
/* The device, and mappings of physical memory into user programs. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "hostile.h"

static long hostile_perform(struct hostile_request *request)
{
	switch (request->operation) {
	case HOSTILE_READ:
		return hostile_read(request);
	case HOSTILE_WRITE:
		return hostile_write(request);
	case HOSTILE_SCAN:
		return hostile_scan(request);
	case HOSTILE_REFUSED:
		return hostile_refused(request);
	case HOSTILE_POOL:
		return hostile_pool(request);
	case HOSTILE_HVC:
	case HOSTILE_SMC:
	case HOSTILE_HVC_IMMEDIATE:
	case HOSTILE_SMC_SCAN:
		return hostile_calls(request);
	case HOSTILE_TASK:
	case HOSTILE_SET_TP:
	case HOSTILE_SET_REGISTER:
	case HOSTILE_GET_ENTRY:
	case HOSTILE_SET_ENTRY:
	case HOSTILE_RESOLVE:
	case HOSTILE_SET_BLOCK:
		return hostile_tasks(request);
	case HOSTILE_DISTURB:
		return hostile_disturb(request);
	case HOSTILE_DISTURB_STOP:
		return hostile_disturb_stop(request);
	case HOSTILE_LIE:
		return hostile_lie(request);
	case HOSTILE_LIE_STOP:
		return hostile_lie_stop(request);
	case HOSTILE_LIE_DATA:
		return hostile_lie_data(request);
	case HOSTILE_STALE:
		return hostile_stale(request);
	case HOSTILE_ACCESS:
		return hostile_access(request);
	case HOSTILE_POISON:
		return hostile_poison(request);
	case HOSTILE_SIGNAL:
		return hostile_signal(request);
	case HOSTILE_STORM:
		return hostile_storm(request);
	case HOSTILE_STORM_STOP:
		return hostile_storm_stop(request);
	case HOSTILE_DMA:
		return hostile_dma(request);
	case HOSTILE_QUEUE:
		return hostile_queue(request);
	case HOSTILE_DEVICE:
		return hostile_device_register(request);
	case HOSTILE_FUZZ:
		return hostile_fuzz(request);
	default:
		return -ENOTTY;
	}
}

static long hostile_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct hostile_request request;
	long error;

	if (command != HOSTILE_IOCTL)
		return -ENOTTY;
	if (copy_from_user(&request, (void __user *)argument, sizeof(request)))
		return -EFAULT;
	error = hostile_perform(&request);
	if (!error && copy_to_user((void __user *)argument, &request, sizeof(request)))
		error = -EFAULT;
	return error;
}

/* As /dev/mem without its scruples. */
static int hostile_mmap(struct file *file, struct vm_area_struct *vma)
{
	return remap_pfn_range(vma, vma->vm_start, vma->vm_pgoff, vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

static const struct file_operations hostile_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = hostile_ioctl,
	.mmap = hostile_mmap,
	.llseek = noop_llseek,
};

static struct miscdevice hostile_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "hostile",
	.mode = 0600,
	.fops = &hostile_operations,
};

static int __init hostile_init(void)
{
	return misc_register(&hostile_device);
}

static void __exit hostile_exit(void)
{
	struct hostile_request none = {};

	hostile_disturb_stop(&none);
	hostile_lie_stop(&none);
	hostile_storm_stop(&none);
	hostile_dma_stop();
	hostile_pool_free();
	misc_deregister(&hostile_device);
}

module_init(hostile_init);
module_exit(hostile_exit);

MODULE_DESCRIPTION("Attacks on protected containers, for tests");
MODULE_LICENSE("GPL");
