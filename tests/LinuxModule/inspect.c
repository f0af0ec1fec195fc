// SPDX-License-Identifier: GPL-2.0
/* Prints what /dev/blackbox tells, one "name value" per line. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "blackbox_ioctl.h"

int main(void)
{
	struct bb_ioctl_module_statistics module;
	struct bb_ioctl_statistics monitor = { .group = 0 };
	struct bb_ioctl_enclave enclaves[64];
	struct bb_ioctl_list list = { .address = (unsigned long)enclaves, .count = 64 };
	struct bb_ioctl_version version;
	int device = open("/dev/blackbox", O_RDWR);

	if (device < 0 || ioctl(device, BB_IOCTL_VERSION, &version) ||
	    ioctl(device, BB_IOCTL_MODULE_STATISTICS, &module) ||
	    ioctl(device, BB_IOCTL_STATISTICS, &monitor) || ioctl(device, BB_IOCTL_LIST, &list)) {
		perror("inspect");
		return 1;
	}
	printf("enclaves %llu\ntasks %llu\ngiven %llu\nlent %llu\nleaked %llu\nfiles %llu\n",
	       module.enclaves, module.tasks, module.frames_given, module.frames_lent,
	       module.frames_leaked, module.files_pinned);
	printf("created %llu\nexecs %llu\nclones %llu\nexits %llu\nrepeats %llu\nkilled %llu\n",
	       module.enclaves_created, module.execs, module.clones, module.exits,
	       module.exit_repeats, module.killed);
	printf("monitor-enclaves %llu\nmonitor-tasks %llu\nmonitor-private %llu\nmonitor-lent %llu\nmistakes %llu\n",
	       monitor.statistics.enclaves, monitor.statistics.tasks, monitor.statistics.frames_private,
	       monitor.statistics.frames_lent, monitor.statistics.refusals);
	printf("monitor-os %llu\nmonitor-tables %llu\n", monitor.statistics.frames_os,
	       monitor.statistics.frames_tables);
	printf("listed %u of %u\n", list.count, list.total);
	for (unsigned int i = 0; i < list.count; i++)
		printf("# %llx %.16s frames %llu lent %llu tasks %u slots %u process %u flags %u\n",
		       enclaves[i].handle, (char *)enclaves[i].name, enclaves[i].frames, enclaves[i].lent,
		       enclaves[i].tasks, enclaves[i].slots, enclaves[i].process, enclaves[i].flags);
	return 0;
}
