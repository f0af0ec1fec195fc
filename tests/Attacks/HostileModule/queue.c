// SPDX-License-Identifier: GPL-2.0
/*
 * Transfers by a virtio device: an entropy device (1af4:1044) fills whatever
 * its queue's descriptor names, and keeps its used ring wherever it is told.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#include "hostile.h"

#define ENTROPY_DEVICE 0x1044
#define QUEUE_SIZE 8
#define PATIENCE_MS 300

/* In one page of ours. */
#define AVAILABLE 0x400
#define USED 0x800

struct window {
	void __iomem *base;
	u32 multiplier;
};

static struct window map_window(struct pci_dev *device, u8 type)
{
	struct window window = {};
	int at;

	for (at = pci_find_capability(device, PCI_CAP_ID_VNDR); at; at = pci_find_next_capability(device, at, PCI_CAP_ID_VNDR)) {
		u32 offset, length;
		u8 kind, bar;

		pci_read_config_byte(device, at + offsetof(struct virtio_pci_cap, cfg_type), &kind);
		pci_read_config_byte(device, at + offsetof(struct virtio_pci_cap, bar), &bar);
		pci_read_config_dword(device, at + offsetof(struct virtio_pci_cap, offset), &offset);
		pci_read_config_dword(device, at + offsetof(struct virtio_pci_cap, length), &length);
		if (kind != type || bar >= PCI_STD_NUM_BARS || !pci_resource_start(device, bar))
			continue;
		window.base = ioremap(pci_resource_start(device, bar) + offset, length);
		if (type == VIRTIO_PCI_CAP_NOTIFY_CFG)
			pci_read_config_dword(device, at + sizeof(struct virtio_pci_cap), &window.multiplier);
		break;
	}
	return window;
}

static void write_address(void __iomem *low, u64 address)
{
	writel(lower_32_bits(address), low);
	writel(upper_32_bits(address), low + 4);
}

/* Starts the device with one queue. */
static long start(struct virtio_pci_common_cfg __iomem *common, u64 ring, u64 used)
{
	const u8 driver = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

	writeb(0, &common->device_status);
	while (readb(&common->device_status))
		msleep(1);
	writeb(driver, &common->device_status);
	writel(0, &common->guest_feature_select);
	writel(0, &common->guest_feature);
	writel(1, &common->guest_feature_select);
	writel(BIT(VIRTIO_F_VERSION_1 - 32) | BIT(VIRTIO_F_ACCESS_PLATFORM - 32), &common->guest_feature);
	writeb(driver | VIRTIO_CONFIG_S_FEATURES_OK, &common->device_status);
	if (!(readb(&common->device_status) & VIRTIO_CONFIG_S_FEATURES_OK))
		return -EPROTO;
	writew(0, &common->queue_select);
	writew(QUEUE_SIZE, &common->queue_size);
	write_address(&common->queue_desc_lo, ring);
	write_address(&common->queue_avail_lo, ring + AVAILABLE);
	write_address(&common->queue_used_lo, used);
	writew(1, &common->queue_enable);
	writeb(driver | VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK, &common->device_status);
	return 0;
}

static long fill(struct virtio_pci_common_cfg __iomem *common, const struct window *notify, u8 *page, struct hostile_request *request)
{
	struct vring_desc *descriptor = (void *)page;
	struct vring_avail *available = (void *)(page + AVAILABLE);
	struct vring_used *used = (void *)(page + USED);
	long error;
	int i;

	descriptor->addr = cpu_to_le64(request->argument[0] ?: virt_to_phys(page + USED + 0x400));
	descriptor->len = cpu_to_le32(request->argument[1]);
	descriptor->flags = cpu_to_le16(VRING_DESC_F_WRITE);
	error = start(common, virt_to_phys(page), request->argument[2] ?: virt_to_phys(used));
	if (error)
		return error;
	available->idx = cpu_to_le16(1);
	wmb();
	writew(0, notify->base + readw(&common->queue_notify_off) * notify->multiplier);
	for (i = 0; i < PATIENCE_MS && !READ_ONCE(used->idx) && !(readb(&common->device_status) & VIRTIO_CONFIG_S_NEEDS_RESET); i++)
		msleep(1);
	request->result[1] = le16_to_cpu(READ_ONCE(used->idx));
	request->result[2] = le32_to_cpu(READ_ONCE(used->ring[0].len));
	request->result[3] = readb(&common->device_status);
	writeb(0, &common->device_status);
	while (readb(&common->device_status))
		msleep(1);
	return 0;
}

/* 0 as an address: a place of ours. */
long hostile_queue(struct hostile_request *request)
{
	struct pci_dev *device;
	struct window common, notify;
	u8 *page = (u8 *)get_zeroed_page(GFP_KERNEL);
	long error = page ? hostile_pci_open(PCI_VENDOR_ID_REDHAT_QUMRANET, ENTROPY_DEVICE, &device) : -ENOMEM;

	if (!error) {
		common = map_window(device, VIRTIO_PCI_CAP_COMMON_CFG);
		notify = map_window(device, VIRTIO_PCI_CAP_NOTIFY_CFG);
		request->result[0] = PCI_DEVID(device->bus->number, device->devfn);
		error = common.base && notify.base ? fill(common.base, &notify, page, request) : -ENODEV;
		if (common.base)
			iounmap(common.base);
		if (notify.base)
			iounmap(notify.base);
		hostile_pci_close(device);
	}
	free_page((unsigned long)page);
	return error;
}
