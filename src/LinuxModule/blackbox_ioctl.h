/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/blackbox: what the tools ask the module. Root only. All structures are
 * the same for every pointer size; reserved fields are zero in both directions.
 */
#ifndef BLACKBOX_IOCTL_H
#define BLACKBOX_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include "blackbox_abi.h"

#define BB_IOCTL_TYPE 0xBB

/* Versions of module and monitor. */
struct bb_ioctl_version {
	__u32 module;		/* major << 16 | minor of the interface the module was built for */
	__u32 monitor;		/* the same, as the monitor answers */
	__u64 features;		/* the monitor's feature bits (hypercall Version) */
};

/* The monitor's counters. */
struct bb_ioctl_statistics {
	__u32 group;		/* in: 0 machine, 1 one enclave, 2 the calling CPU */
	__u32 reserved;
	__u64 handle;		/* in: enclave, for group 1 */
	struct bb_statistics statistics;	/* out */
};

/* The module's own counters: what it holds, and events since it was loaded. */
struct bb_ioctl_module_statistics {
	__u64 enclaves;		/* now */
	__u64 tasks;		/* now: threads bound to a task of the monitor */
	__u64 frames_given;	/* now: frames out of the kernel's reach */
	__u64 frames_lent;	/* now: shared buffers and mirror pages */
	__u64 frames_leaked;	/* frames that the monitor would not give back */
	__u64 files_pinned;	/* now */
	__u64 enclaves_created;
	__u64 execs;		/* exec inside an enclave */
	__u64 clones;
	__u64 exits;
	__u64 exit_repeats;	/* TaskExit answered Again or Busy */
	__u64 killed;		/* threads the module had to kill */
	__u64 services[8];	/* requests served, by service number - 1 */
	__u64 reserved[4];
};

/* One enclave in the list. */
struct bb_ioctl_enclave {
	__u64 handle;
	__u64 frames;		/* given for good: memory, tables, contexts */
	__u64 lent;		/* lent: buffers and mirror page */
	__u32 tasks;		/* threads bound now */
	__u32 slots;		/* prepared tasks, bound or idle */
	__u32 process;		/* TGID of the process that started it (initial pid namespace) */
	__u32 flags;		/* BB_ENCLAVE_... */
	__u8 name[16];		/* its command name */
};

#define BB_ENCLAVE_STOPPED 1U	/* the monitor admits no task any more */

struct bb_ioctl_list {
	__u64 address;		/* in: array of struct bb_ioctl_enclave */
	__u32 count;		/* in: its length; out: enclaves written */
	__u32 total;		/* out: enclaves there are */
};

#define BB_IOCTL_VERSION _IOR(BB_IOCTL_TYPE, 0x40, struct bb_ioctl_version)
#define BB_IOCTL_STATISTICS _IOWR(BB_IOCTL_TYPE, 0x41, struct bb_ioctl_statistics)
#define BB_IOCTL_MODULE_STATISTICS _IOR(BB_IOCTL_TYPE, 0x42, struct bb_ioctl_module_statistics)
#define BB_IOCTL_LIST _IOWR(BB_IOCTL_TYPE, 0x43, struct bb_ioctl_list)

/* The monitor's audit ring as it stands: struct bb_audit_header, then struct bb_audit_record. */
#define BB_AUDIT_SIZE 4096
#define BB_IOCTL_AUDIT _IOC(_IOC_READ, BB_IOCTL_TYPE, 0x44, BB_AUDIT_SIZE)

/* What the TPM has said of this boot: BB_EVIDENCE_SIZE bytes, written to the address that this points to. */
#define BB_IOCTL_EVIDENCE _IOW(BB_IOCTL_TYPE, 0x45, __u64)

#endif
