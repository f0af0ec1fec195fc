// SPDX-License-Identifier: GPL-2.0
/*
 * Transfers by a device: the SCSI controller 53C895A (1000:0012) has a processor
 * of its own, whose programs move memory from anywhere to anywhere. Kernel and
 * CPU have no part in the access itself.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "hostile.h"

/* Registers, in the second BAR (LSI53C895A technical manual, chapter 4). */
#define REGISTERS 1
#define DSTAT 0x0c
#define DSTAT_SIR 0x04
#define ISTAT 0x14
#define ISTAT_RESET 0x40
#define DSP 0x2c

/* Instructions: memory move, three words; interrupt, two words. */
#define MOVE 0xc0000000
#define INTERRUPT 0x98080000

#define PATIENCE_MS 1000
#define MOST_PLACES 63
#define CHUNK 64
#define UNTOUCHED 0xa5

static struct pci_dev *mover;
static void __iomem *registers;

long hostile_pci_open(unsigned int vendor, unsigned int device, struct pci_dev **result)
{
	struct pci_dev *found = pci_get_device(vendor, device, NULL);

	if (!found)
		return -ENODEV;
	if (pci_enable_device(found)) {
		pci_dev_put(found);
		return -EIO;
	}
	pci_set_master(found);
	*result = found;
	return 0;
}

void hostile_pci_close(struct pci_dev *device)
{
	pci_clear_master(device);
	pci_disable_device(device);
	pci_dev_put(device);
}

static long open_mover(void)
{
	long error = mover ? 0 : hostile_pci_open(PCI_VENDOR_ID_LSI_LOGIC, PCI_DEVICE_ID_LSI_53C895A, &mover);

	if (!error && !registers)
		registers = ioremap(pci_resource_start(mover, REGISTERS), pci_resource_len(mover, REGISTERS));
	return error ?: registers ? 0 : -ENOMEM;
}

/* One program for all: the device's addresses have 32 bits, as RAM has here. */
static long move(u32 *program, const u64 *places, u64 count, u64 page, bool write)
{
	u64 program_address = virt_to_phys(program), i;

	for (i = 0; i < count; i++) {
		u64 own = page + i * CHUNK;

		if ((places[i] | own | program_address) >> 32)
			return -ERANGE;
		*program++ = cpu_to_le32(MOVE | CHUNK);
		*program++ = cpu_to_le32(write ? own : places[i]);
		*program++ = cpu_to_le32(write ? places[i] : own);
	}
	*program++ = cpu_to_le32(INTERRUPT);
	*program++ = 0;
	wmb();
	writeb(ISTAT_RESET, registers + ISTAT);
	writeb(0, registers + ISTAT);
	writel(program_address, registers + DSP);
	for (i = 0; i < PATIENCE_MS; i++) {
		if (readb(registers + DSTAT) & DSTAT_SIR)
			return 0;
		msleep(1);
	}
	return -ETIMEDOUT;
}

/* Reads 64 bytes at each place into data, or writes 64 bytes of a word there. */
long hostile_dma(struct hostile_request *request)
{
	bool write = request->argument[0];
	u64 count = request->argument[1];
	void __user *user = u64_to_user_ptr(request->data);
	u64 *places;
	u8 *page;
	u32 *program;
	long error;

	if (!count || count > MOST_PLACES || request->size < MOST_PLACES * CHUNK)
		return -EINVAL;
	error = open_mover();
	if (error)
		return error;
	page = kzalloc(PAGE_SIZE, GFP_KERNEL);
	program = kzalloc(PAGE_SIZE, GFP_KERNEL);
	places = kcalloc(count, sizeof(*places), GFP_KERNEL);
	if (!page || !program || !places)
		error = -ENOMEM;
	else if (copy_from_user(places, user, count * sizeof(*places)))
		error = -EFAULT;
	if (!error) {
		if (write)
			memset64((u64 *)page, request->argument[2], PAGE_SIZE / sizeof(u64));
		else
			memset(page, UNTOUCHED, PAGE_SIZE);
		error = move(program, places, count, virt_to_phys(page), write);
	}
	if (!error && !write && copy_to_user(user, page, count * CHUNK))
		error = -EFAULT;
	request->result[0] = PCI_DEVID(mover->bus->number, mover->devfn);
	/* Our own copy must not be the next scan's finding. */
	if (page)
		memset(page, 0, PAGE_SIZE);
	kfree(places);
	kfree(program);
	kfree(page);
	return error;
}

void hostile_dma_stop(void)
{
	if (registers)
		iounmap(registers);
	if (mover)
		hostile_pci_close(mover);
	registers = NULL;
	mover = NULL;
}
