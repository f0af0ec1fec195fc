// SPDX-License-Identifier: GPL-2.0
/*
 * What a hostile root can do to read memory: /dev/bb_dumper gives physical
 * memory as a file whose offsets are physical addresses. Every way that the
 * kernel has is tried for each page: its linear map, a fresh mapping of the
 * page, and for what it does not take for RAM at all (so that memory hidden
 * from it is tried as well) a device mapping.
 *
 * read() takes whole pages and stops before the first page that cannot be
 * read; if that is the first one, it answers EFAULT.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

static int dumper_from_fresh_mapping(void *to, unsigned long frame)
{
	struct page *page = pfn_to_page(frame);
	void *mapping = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	int error;

	if (!mapping)
		return -ENOMEM;
	error = copy_from_kernel_nofault(to, mapping, PAGE_SIZE);
	vunmap(mapping);
	return error;
}

static int dumper_from_device_mapping(void *to, phys_addr_t address)
{
	void __iomem *mapping = ioremap(address, PAGE_SIZE);
	int error;

	if (!mapping)
		return -EFAULT;
	error = copy_from_kernel_nofault(to, (const void __force *)mapping, PAGE_SIZE);
	iounmap(mapping);
	return error;
}

static int dumper_read_page(void *to, phys_addr_t address)
{
	unsigned long frame = address >> PAGE_SHIFT;

	if (!pfn_is_map_memory(frame))
		return dumper_from_device_mapping(to, address);
	if (!copy_from_kernel_nofault(to, __va(address), PAGE_SIZE))
		return 0;
	return dumper_from_fresh_mapping(to, frame);
}

static ssize_t dumper_read(struct file *file, char __user *user, size_t length, loff_t *offset)
{
	void *page;
	size_t done = 0;
	ssize_t error = 0;

	if ((*offset | length) & ~PAGE_MASK)
		return -EINVAL;
	page = (void *)__get_free_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	while (done < length) {
		if (fatal_signal_pending(current)) {
			error = -EINTR;
			break;
		}
		if (dumper_read_page(page, *offset + done)) {
			error = -EFAULT;
			break;
		}
		if (copy_to_user(user + done, page, PAGE_SIZE)) {
			error = -EINVAL;
			break;
		}
		done += PAGE_SIZE;
		cond_resched();
	}
	free_page((unsigned long)page);
	*offset += done;
	return done ? done : error;
}

static int dumper_open(struct inode *inode, struct file *file)
{
	return capable(CAP_SYS_RAWIO) ? 0 : -EPERM;
}

static loff_t dumper_seek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, (loff_t)1 << 48);
}

static const struct file_operations dumper_operations = {
	.owner = THIS_MODULE,
	.open = dumper_open,
	.read = dumper_read,
	.llseek = dumper_seek,
};

static struct miscdevice dumper_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bb_dumper",
	.mode = 0600,
	.fops = &dumper_operations,
};

module_misc_device(dumper_device);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Gives physical memory to root, as far as the machine lets it");
