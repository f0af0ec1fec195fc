// SPDX-License-Identifier: GPL-2.0
/* /dev/blackbox: versions, counters, list of enclaves. Root only. */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "blackbox.h"

static long bb_ioctl_version(void __user *user)
{
	struct bb_ioctl_version version = {
		.module = BB_ABI_VERSION_MAJOR << 16 | BB_ABI_VERSION_MINOR,
		.monitor = bb_monitor_version,
		.features = bb_monitor_features,
	};

	return copy_to_user(user, &version, sizeof(version)) ? -EFAULT : 0;
}

static long bb_ioctl_statistics(struct bb_ioctl_statistics __user *user)
{
	struct bb_ioctl_statistics request;
	struct bb_answer answer;
	void *frame;
	long error;

	if (copy_from_user(&request, user, offsetof(struct bb_ioctl_statistics, statistics)))
		return -EFAULT;
	if (request.reserved)
		return -EINVAL;
	frame = (void *)get_zeroed_page(GFP_KERNEL);
	if (!frame)
		return -ENOMEM;
	answer = bb_call(BB_OS_STATISTICS, request.group, request.handle, virt_to_phys(frame), 0, 0);
	error = bb_errno(answer.status);
	if (!error && copy_to_user(&user->statistics, frame, sizeof(user->statistics)))
		error = -EFAULT;
	free_page((unsigned long)frame);
	return error;
}

static long bb_ioctl_module_statistics(void __user *user)
{
	struct bb_ioctl_module_statistics statistics = {
		.enclaves = atomic64_read(&bb_counters.enclaves),
		.tasks = atomic64_read(&bb_counters.tasks),
		.frames_given = atomic64_read(&bb_counters.given),
		.frames_lent = atomic64_read(&bb_counters.lent),
		.frames_leaked = atomic64_read(&bb_counters.leaked),
		.files_pinned = atomic64_read(&bb_counters.files),
		.enclaves_created = atomic64_read(&bb_counters.created),
		.execs = atomic64_read(&bb_counters.execs),
		.clones = atomic64_read(&bb_counters.clones),
		.exits = atomic64_read(&bb_counters.exits),
		.exit_repeats = atomic64_read(&bb_counters.exit_repeats),
		.killed = atomic64_read(&bb_counters.killed),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(statistics.services); i++)
		statistics.services[i] = atomic64_read(&bb_counters.services[i]);
	return copy_to_user(user, &statistics, sizeof(statistics)) ? -EFAULT : 0;
}

static long bb_ioctl_list(struct bb_ioctl_list __user *user)
{
	struct bb_ioctl_list list;
	long written;

	if (copy_from_user(&list, user, sizeof(list)))
		return -EFAULT;
	written = bb_enclave_list(u64_to_user_ptr(list.address), list.count, &list.total);
	if (written < 0)
		return written;
	list.count = written;
	return copy_to_user(user, &list, sizeof(list)) ? -EFAULT : 0;
}

/* Pages that the monitor lets the kernel read. */
static long bb_copy_published(void __user *user, phys_addr_t address, size_t size)
{
	void *pages = memremap(address, size, MEMREMAP_WB);
	void *copy = kmalloc(size, GFP_KERNEL);
	long error = -ENOMEM;

	if (pages && copy) {
		memcpy(copy, pages, size);
		error = copy_to_user(user, copy, size) ? -EFAULT : 0;
	}
	kfree(copy);
	if (pages)
		memunmap(pages);
	return error;
}

static long bb_ioctl_evidence(__u64 __user *user)
{
	__u64 address;

	if (get_user(address, user))
		return -EFAULT;
	return bb_copy_published(u64_to_user_ptr(address), BB_EVIDENCE_IPA, BB_EVIDENCE_SIZE);
}

static long bb_device_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	void __user *user = (void __user *)argument;

	switch (command) {
	case BB_IOCTL_VERSION:
		return bb_ioctl_version(user);
	case BB_IOCTL_STATISTICS:
		return bb_ioctl_statistics(user);
	case BB_IOCTL_MODULE_STATISTICS:
		return bb_ioctl_module_statistics(user);
	case BB_IOCTL_LIST:
		return bb_ioctl_list(user);
	case BB_IOCTL_AUDIT:
		return bb_copy_published(user, BB_AUDIT_IPA, BB_AUDIT_SIZE);
	case BB_IOCTL_EVIDENCE:
		return bb_ioctl_evidence(user);
	default:
		return -ENOTTY;
	}
}

static int bb_device_open(struct inode *inode, struct file *file)
{
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static const struct file_operations bb_device_operations = {
	.owner = THIS_MODULE,
	.open = bb_device_open,
	.unlocked_ioctl = bb_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice bb_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "blackbox",
	.mode = 0600,
	.fops = &bb_device_operations,
};

int bb_device_register(void)
{
	return misc_register(&bb_device);
}

void bb_device_unregister(void)
{
	misc_deregister(&bb_device);
}
