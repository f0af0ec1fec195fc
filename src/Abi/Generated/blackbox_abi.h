/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Made from src/Abi/abi.json by src/Abi/Generator. Do not edit. */
#ifndef BLACKBOX_ABI_H
#define BLACKBOX_ABI_H

#ifdef __ASSEMBLER__
#define BB_U32(value) value
#define BB_U64(value) value
#else
#include <linux/types.h>
#define BB_U32(value) value##U
#define BB_U64(value) value##ULL
#endif

#define BB_ABI_VERSION_MAJOR 0
#define BB_ABI_VERSION_MINOR 1

/* Fixed numbers that monitor, shield and module share. */
#define BB_PAGE_SIZE BB_U64(0x1000) /* Bytes of one frame (granule). */
#define BB_GATE_IPA BB_U64(0x7000000000) /* Intermediate physical address of the gate page in the OS's stage-2: outside its RAM, read-only, execute-never, backed by BRK instructions. Below the 512 GiB PCIe window of the emulated machine. */
#define BB_AUDIT_IPA BB_U64(0x7000001000) /* Intermediate physical address of the audit ring in the OS's stage-2: read-only, execute-never; an AuditHeader and AuditRecords. */
#define BB_EVIDENCE_IPA BB_U64(0x7000002000) /* Intermediate physical address of the TPM's evidence for this boot in the OS's stage-2: read-only, execute-never; zeros without a measured boot (docs/boot.md). */
#define BB_EVIDENCE_SIZE BB_U64(0x8000) /* Bytes of it. */
#define BB_AUDIT_RULE_OS_CALL BB_U32(1) /* Rule of an AuditRecord: hypercall of the OS: call is its number, argument x1, outcome the status. */
#define BB_AUDIT_RULE_SHIELD_CALL BB_U32(2) /* Rule of an AuditRecord: hypercall of a shield: call is its number, argument x0, outcome the status. */
#define BB_AUDIT_RULE_SMC BB_U32(3) /* Rule of an AuditRecord: SMC of the OS: call is the function, argument x1. */
#define BB_AUDIT_RULE_OS_ACCESS BB_U32(4) /* Rule of an AuditRecord: access of the OS to memory it does not own: call is the syndrome, argument the address. */
#define BB_AUDIT_RULE_OS_TRAP BB_U32(5) /* Rule of an AuditRecord: instruction that the OS may not use: call is the syndrome, argument its PC. */
#define BB_AUDIT_RULE_GATE BB_U32(6) /* Rule of an AuditRecord: entry into a container: call is the offset in the gate page, argument the handle. */
#define BB_AUDIT_RULE_INTERRUPT_CONTROLLER BB_U32(7) /* Rule of an AuditRecord: store to a redistributor: call is the value, argument the address. */
#define BB_AUDIT_RULE_ENCLAVE_STOPPED BB_U32(8) /* Rule of an AuditRecord: end of an enclave by a fault: call is the syndrome, argument the address. */
#define BB_AUDIT_RULE_DMA BB_U32(9) /* Rule of an AuditRecord: accesses of devices: call is the stream of the last, argument its address, outcome their number. */
#define BB_AUDIT_RULE_IMAGE BB_U32(10) /* Rule of an AuditRecord: a shield has said something of its image by Log, such as a file that is not as it was signed: argument is its number in the file table, all ones for none. */
#define BB_GATE_RESUME BB_U64(0x000) /* Offset in the gate page: resume an interrupted context, or restart of a pending call (Linux stepped the PC back by 4). */
#define BB_GATE_DONE BB_U64(0x004) /* Offset in the gate page: the pending call is done, result in x0. */
#define BB_GATE_SIGNAL BB_U64(0x100) /* Offset in the gate page: a signal was delivered to the thread; x0 is its number, SP its frame. */
#define BB_LENT_BIT BB_U64(0x4000000000) /* Address bit (38) that marks a lent frame's IPA inside a PPAS: IPA = PA | LentBit. Private frames stand at IPA = PA, below it. */
#define BB_BUFFER_HEADER_SIZE BB_U64(0x1000) /* Bytes at the start of a task's shared buffer that hold BufferHeader; data follows. */
#define BB_MAX_TASKS_PER_ENCLAVE BB_U32(512) /* Tasks one enclave can hold: one 8-byte mirror word each in one page. */
#define BB_ENCLAVE_START_FRAMES BB_U32(256) /* Least number of contiguous frames (1 MiB) given at create_enclave for the shield's own data; the base must be aligned to the size. */

/* Status in x0 of every hypercall: 0 or one of these (two's complement). */
#define BB_STATUS_SUCCESS 0 /* Done. */
#define BB_STATUS_NOT_SUPPORTED (-1) /* Unknown function number (SMCCC). */
#define BB_STATUS_INVALID (-2) /* An argument is malformed: misaligned, out of range, reserved bits set, unknown handle. Nothing changed. */
#define BB_STATUS_DENIED (-3) /* A frame or object is not in the state or not of the owner that the operation needs. Nothing changed. */
#define BB_STATUS_BUSY (-4) /* Another CPU holds the object, or tasks are still inside; try again later. Nothing changed. */
#define BB_STATUS_NEED_TABLES (-5) /* The enclave has too few table frames: donate_tables, then repeat. Nothing changed. */
#define BB_STATUS_AGAIN (-6) /* Progress was made but not all (an interrupt is pending or the slice is used up); x1 tells how far. Call again. */
#define BB_STATUS_NO_RESOURCE (-7) /* A fixed table of the monitor is full (enclaves, tasks). */
#define BB_STATUS_STOPPED (-8) /* The enclave was stopped; only destroy_enclave and reclaim_memory go on. */
#define BB_STATUS_NOT_SEEDED (-9) /* The monitor has no entropy; no enclave may start. */

/* Calls of the OS (module) to the monitor. x0 = function, arguments x1-x6; returns x0 = status, x1-x3 results. All frame arguments are physical addresses of frames. Conduit: hvc #0, SMCCC 64-bit fast call, vendor-specific hypervisor service. */
#define BB_OS_VERSION BB_U32(0xc6000000) /* () -> version, features */
#define BB_OS_CREATE_ENCLAVE BB_U32(0xc6000001) /* (root, memory, frames, tables, tableFrames) -> enclave */
#define BB_OS_DESTROY_ENCLAVE BB_U32(0xc6000002) /* (enclave) -> remaining */
#define BB_OS_DONATE_TABLES BB_U32(0xc6000003) /* (enclave, frame, count) */
#define BB_OS_GRANT_MEMORY BB_U32(0xc6000004) /* (enclave, frame, count) */
#define BB_OS_RECLAIM_MEMORY BB_U32(0xc6000005) /* (enclave, frame, count) -> done */
#define BB_OS_SHARE_PAGES BB_U32(0xc6000006) /* (enclave, frame, count) */
#define BB_OS_UNSHARE_PAGES BB_U32(0xc6000007) /* (enclave, frame, count) */
#define BB_OS_TASK_CREATE BB_U32(0xc6000008) /* (enclave, context, buffer, bufferFrames) -> task */
#define BB_OS_TASK_CLONE BB_U32(0xc6000009) /* (task, parent) */
#define BB_OS_TASK_EXEC BB_U32(0xc600000a) /* (task) */
#define BB_OS_TASK_EXIT BB_U32(0xc600000b) /* (task) */
#define BB_OS_TASK_DESTROY BB_U32(0xc600000c) /* (task) -> context */
#define BB_OS_STATISTICS BB_U32(0xc600000d) /* (group, handle, buffer) */

/* Calls of a shield to the monitor. Function number is the HVC immediate. Unless noted: x0-x5 arguments, returns x0 = status, x1-x3 results; all other registers are preserved. Conduit: hvc #n from EL1 of a PPAS; n = number. */
#define BB_SHIELD_OS_CALL BB_U32(0x1) /* (x0..x5, x8) -> x0, x1, x2, x3 */
#define BB_SHIELD_OS_FAULT BB_U32(0x2) /* (address) -> x0, x1, x2, x3 */
#define BB_SHIELD_EVENT_GET BB_U32(0x3) /* () -> x0, x1, x2 */
#define BB_SHIELD_TICKET_ISSUE BB_U32(0x4) /* (entry, sp, argument) */
#define BB_SHIELD_TICKET_CANCEL BB_U32(0x5) /* () */
#define BB_SHIELD_TASK_ENDED BB_U32(0x6) /* () */
#define BB_SHIELD_ACCEPT_MEMORY BB_U32(0x7) /* (frame, count) */
#define BB_SHIELD_RELEASE_MEMORY BB_U32(0x8) /* (frame, count) */
#define BB_SHIELD_RANDOM BB_U32(0x9) /* () -> x0..x3 */
#define BB_SHIELD_UNWRAP_KEY BB_U32(0xa) /* (blob, x1..x4) */
#define BB_SHIELD_STOP BB_U32(0xb) /* (reason, text, length) */
#define BB_SHIELD_LOG BB_U32(0xc) /* (text, length, file) */
#define BB_SHIELD_YIELD_TO BB_U32(0xd) /* (task) */
#define BB_SHIELD_YIELD_BACK BB_U32(0xe) /* () */
#define BB_SHIELD_ATTEST BB_U32(0xf) /* (buffer, reportLength) -> length */

/* Requests of a shield to the module by OsFault; operation, arguments and result stand in BufferHeader. Nothing that comes back is trusted. */
#define BB_SERVICE_GRANT 1 /* arg0 = frames wanted. Module grants chunks and lists them in ranges[0..rangeCount). */
#define BB_SERVICE_RECLAIM 2 /* ranges[0..rangeCount) were released by the shield: take them back. */
#define BB_SERVICE_RESERVE_TASK 3 /* Prepare a slot and a buffer for a child that clone will make next. result = task handle or -errno. */
#define BB_SERVICE_CANCEL_TASK 4 /* Drop the reservation. */
#define BB_SERVICE_PIN_FILE 5 /* arg0 = Linux descriptor. result = handle (>0) or -errno. arg1 returns the file's size. */
#define BB_SERVICE_UNPIN_FILE 6 /* arg0 = handle. */
#define BB_SERVICE_READ_FILE 7 /* arg0 = handle, arg1 = offset, arg2 = length (at most the data area). result = bytes in the data area or -errno. */
#define BB_SERVICE_WRITE_FILE 8 /* arg0 = handle, arg1 = offset, arg2 = length, data in the data area. result = bytes or -errno. */
#define BB_SERVICE_WAKE_TASKS 9 /* Not asked for by a fault: left in operation by a dying task, which can make no system call. The module interrupts the call of every task of the enclave whose mirror word has an upper half other than 0, and clears it. */

/* Offsets and sizes, for assembly. */
#define BB_SIZEOF_FRAME_RANGE 16
#define BB_FRAME_RANGE_ADDRESS_OFFSET 0
#define BB_FRAME_RANGE_COUNT_OFFSET 8
#define BB_SIZEOF_BUFFER_HEADER 4096
#define BB_BUFFER_HEADER_BUFFER_ADDRESS_OFFSET 0
#define BB_BUFFER_HEADER_GATE_ADDRESS_OFFSET 8
#define BB_BUFFER_HEADER_SERVICE_ADDRESS_OFFSET 16
#define BB_BUFFER_HEADER_MIRROR_ADDRESS_OFFSET 24
#define BB_BUFFER_HEADER_MIRROR_FRAME_OFFSET 32
#define BB_BUFFER_HEADER_INDEX_OFFSET 40
#define BB_BUFFER_HEADER_THREAD_ID_OFFSET 48
#define BB_BUFFER_HEADER_BUFFER_SIZE_OFFSET 56
#define BB_BUFFER_HEADER_OPERATION_OFFSET 64
#define BB_BUFFER_HEADER_ARGUMENT0_OFFSET 72
#define BB_BUFFER_HEADER_ARGUMENT1_OFFSET 80
#define BB_BUFFER_HEADER_ARGUMENT2_OFFSET 88
#define BB_BUFFER_HEADER_ARGUMENT3_OFFSET 96
#define BB_BUFFER_HEADER_RESULT_OFFSET 104
#define BB_BUFFER_HEADER_RANGE_COUNT_OFFSET 112
#define BB_BUFFER_HEADER_EXEC_ARGUMENT_COUNT_OFFSET 120
#define BB_BUFFER_HEADER_EXEC_ENVIRONMENT_COUNT_OFFSET 128
#define BB_BUFFER_HEADER_EXEC_STRING_BYTES_OFFSET 136
#define BB_BUFFER_HEADER_STACK_LIMIT_OFFSET 144
#define BB_BUFFER_HEADER_SIGNAL_STACK_OFFSET 152
#define BB_BUFFER_HEADER_SIGNAL_STACK_SIZE_OFFSET 160
#define BB_BUFFER_HEADER_RANGES_OFFSET 1024
#define BB_BUFFER_HEADER_RANGES_COUNT 128
#define BB_SIZEOF_WRAPPED_KEY 192
#define BB_WRAPPED_KEY_POINT_OFFSET 0
#define BB_WRAPPED_KEY_POINT_COUNT 96
#define BB_WRAPPED_KEY_NONCE_OFFSET 96
#define BB_WRAPPED_KEY_NONCE_COUNT 12
#define BB_WRAPPED_KEY_VERSION_OFFSET 108
#define BB_WRAPPED_KEY_KEY_OFFSET 112
#define BB_WRAPPED_KEY_KEY_COUNT 32
#define BB_WRAPPED_KEY_PUBLISHER_OFFSET 144
#define BB_WRAPPED_KEY_PUBLISHER_COUNT 32
#define BB_WRAPPED_KEY_TAG_OFFSET 176
#define BB_WRAPPED_KEY_TAG_COUNT 16
#define BB_SIZEOF_ATTEST_BUFFER 4096
#define BB_ATTEST_BUFFER_NONCE_OFFSET 0
#define BB_ATTEST_BUFFER_NONCE_COUNT 64
#define BB_ATTEST_BUFFER_REPORT_OFFSET 64
#define BB_ATTEST_BUFFER_REPORT_COUNT 512
#define BB_ATTEST_BUFFER_EVIDENCE_OFFSET 2048
#define BB_ATTEST_BUFFER_EVIDENCE_COUNT 2048
#define BB_SIZEOF_STATISTICS 512
#define BB_STATISTICS_FRAMES_TOTAL_OFFSET 0
#define BB_STATISTICS_FRAMES_OS_OFFSET 8
#define BB_STATISTICS_FRAMES_MONITOR_OFFSET 16
#define BB_STATISTICS_FRAMES_PRIVATE_OFFSET 24
#define BB_STATISTICS_FRAMES_TABLES_OFFSET 32
#define BB_STATISTICS_FRAMES_LENT_OFFSET 40
#define BB_STATISTICS_ENCLAVES_OFFSET 48
#define BB_STATISTICS_TASKS_OFFSET 56
#define BB_STATISTICS_EXITS_OFFSET 64
#define BB_STATISTICS_WORLD_SWITCHES_OFFSET 72
#define BB_STATISTICS_OS_CALLS_OFFSET 80
#define BB_STATISTICS_INTERRUPTS_OFFSET 88
#define BB_STATISTICS_TLB_INVALIDATIONS_OFFSET 96
#define BB_STATISTICS_CACHE_OPERATIONS_OFFSET 104
#define BB_STATISTICS_REFUSALS_OFFSET 112
#define BB_STATISTICS_STAGE_TWO_FAULTS_OFFSET 120
#define BB_STATISTICS_BYTES_SCRUBBED_OFFSET 128
#define BB_STATISTICS_DMA_FAULTS_OFFSET 136
#define BB_STATISTICS_DMA_LAST_STREAM_OFFSET 144
#define BB_STATISTICS_DMA_LAST_ADDRESS_OFFSET 152
#define BB_STATISTICS_SMMU_COMMANDS_OFFSET 160
#define BB_SIZEOF_AUDIT_HEADER 64
#define BB_AUDIT_HEADER_VERSION_OFFSET 0
#define BB_AUDIT_HEADER_CAPACITY_OFFSET 4
#define BB_AUDIT_HEADER_WRITTEN_OFFSET 8
#define BB_AUDIT_HEADER_FREQUENCY_OFFSET 16
#define BB_SIZEOF_AUDIT_RECORD 64
#define BB_AUDIT_RECORD_NUMBER_OFFSET 0
#define BB_AUDIT_RECORD_TIME_OFFSET 8
#define BB_AUDIT_RECORD_CPU_OFFSET 16
#define BB_AUDIT_RECORD_ENCLAVE_OFFSET 20
#define BB_AUDIT_RECORD_RULE_OFFSET 24
#define BB_AUDIT_RECORD_SUPPRESSED_OFFSET 28
#define BB_AUDIT_RECORD_CALL_OFFSET 32
#define BB_AUDIT_RECORD_ARGUMENT_OFFSET 40
#define BB_AUDIT_RECORD_OUTCOME_OFFSET 48

#ifndef __ASSEMBLER__

/* Contiguous frames. */
struct bb_frame_range {
	__u64 address; /* physical address of the first frame */
	__u64 count; /* frames */
};
_Static_assert(sizeof(struct bb_frame_range) == 16, "bb_frame_range");
_Static_assert(__builtin_offsetof(struct bb_frame_range, address) == 0, "bb_frame_range");
_Static_assert(__builtin_offsetof(struct bb_frame_range, count) == 8, "bb_frame_range");

/* First page of a task's shared buffer. Written by the module (or a hostile OS) at any time: copy once, check, use. */
struct bb_buffer_header {
	__u64 buffer_address; /* user virtual address of this buffer in the thread's Linux address space */
	__u64 gate_address; /* user virtual address of the gate page */
	__u64 service_address; /* user virtual address of the service page (never present) */
	__u64 mirror_address; /* user virtual address of the page of mirror words (8 bytes per task of the enclave: the lower half is the futex that its thread sleeps on, the upper half says that WakeTasks wakes it) */
	__u64 mirror_frame; /* physical address of the lent frame with the mirror words */
	__u64 index; /* index of this task in its enclave: its mirror word */
	__u64 thread_id; /* Linux TID (own pid namespace) << 32 | TGID */
	__u64 buffer_size; /* bytes of the whole buffer, header included */
	__u64 operation; /* service request; 0 = none */
	__u64 argument0;
	__u64 argument1;
	__u64 argument2;
	__u64 argument3; /* after clone: threadId of the child, written when it is bound */
	__s64 result;
	__u64 range_count; /* entries used in ranges */
	__u64 exec_argument_count; /* first start: number of argument strings at the start of the data area */
	__u64 exec_environment_count; /* first start: number of environment strings after them */
	__u64 exec_string_bytes; /* first start: bytes of all strings, each NUL-terminated: file name, arguments, environment */
	__u64 stack_limit; /* RLIMIT_STACK of the process */
	__u64 signal_stack; /* user virtual address of the area for signal frames (in the buffer), already registered with sigaltstack by the module */
	__u64 signal_stack_size; /* its bytes */
	__u8 pad0[856];
	struct bb_frame_range ranges[128]; /* chunks granted or released */
	__u8 pad1[1024];
};
_Static_assert(sizeof(struct bb_buffer_header) == 4096, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, buffer_address) == 0, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, gate_address) == 8, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, service_address) == 16, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, mirror_address) == 24, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, mirror_frame) == 32, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, index) == 40, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, thread_id) == 48, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, buffer_size) == 56, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, operation) == 64, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, argument0) == 72, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, argument1) == 80, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, argument2) == 88, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, argument3) == 96, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, result) == 104, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, range_count) == 112, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, exec_argument_count) == 120, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, exec_environment_count) == 128, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, exec_string_bytes) == 136, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, stack_limit) == 144, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, signal_stack) == 152, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, signal_stack_size) == 160, "bb_buffer_header");
_Static_assert(__builtin_offsetof(struct bb_buffer_header, ranges) == 1024, "bb_buffer_header");

/* A content key wrapped for a platform's public key, as it stands in a COSE_Encrypt with ECDH-ES + HKDF-256 and A256GCM (docs/image-format.md). */
struct bb_wrapped_key {
	__u8 point[96]; /* ephemeral public key, P-384: X, then Y */
	__u8 nonce[12];
	__u32 version; /* 2 */
	__u8 key[32]; /* content key (wrapped, or clear after UnwrapKey) */
	__u8 publisher[32]; /* SHA-256 of the publisher's public key (wrapped together with key) */
	__u8 tag[16]; /* GCM tag over key and publisher */
};
_Static_assert(sizeof(struct bb_wrapped_key) == 192, "bb_wrapped_key");
_Static_assert(__builtin_offsetof(struct bb_wrapped_key, point) == 0, "bb_wrapped_key");
_Static_assert(__builtin_offsetof(struct bb_wrapped_key, nonce) == 96, "bb_wrapped_key");
_Static_assert(__builtin_offsetof(struct bb_wrapped_key, version) == 108, "bb_wrapped_key");
_Static_assert(__builtin_offsetof(struct bb_wrapped_key, key) == 112, "bb_wrapped_key");
_Static_assert(__builtin_offsetof(struct bb_wrapped_key, publisher) == 144, "bb_wrapped_key");
_Static_assert(__builtin_offsetof(struct bb_wrapped_key, tag) == 176, "bb_wrapped_key");

/* Request and result of Attest, a whole frame. */
struct bb_attest_buffer {
	__u8 nonce[64]; /* chosen by whoever asks for evidence: a verifier's nonce and data of the container */
	__u8 report[512]; /* what the shield says of its container */
	__u8 pad0[1472];
	__u8 evidence[2048]; /* COSE_Sign1 */
};
_Static_assert(sizeof(struct bb_attest_buffer) == 4096, "bb_attest_buffer");
_Static_assert(__builtin_offsetof(struct bb_attest_buffer, nonce) == 0, "bb_attest_buffer");
_Static_assert(__builtin_offsetof(struct bb_attest_buffer, report) == 64, "bb_attest_buffer");
_Static_assert(__builtin_offsetof(struct bb_attest_buffer, evidence) == 2048, "bb_attest_buffer");

/* Counters in frames and events since boot. */
struct bb_statistics {
	__u64 frames_total; /* all RAM frames */
	__u64 frames_os;
	__u64 frames_monitor; /* static: image, frame table, table pool */
	__u64 frames_private; /* granted, private, released of all PPASes (group 1: of one) */
	__u64 frames_tables; /* donated: stage-2 tables, task contexts */
	__u64 frames_lent;
	__u64 enclaves; /* live */
	__u64 tasks; /* live slots */
	__u64 exits; /* entries to EL2 of any kind */
	__u64 world_switches; /* OS <-> container */
	__u64 os_calls; /* forwarded calls */
	__u64 interrupts; /* interrupts that left a container */
	__u64 tlb_invalidations;
	__u64 cache_operations; /* DC/IC by line or DC ZVA, counted per frame */
	__u64 refusals; /* hypercalls or accesses refused */
	__u64 stage_two_faults;
	__u64 bytes_scrubbed;
	__u64 dma_faults; /* accesses of devices that the SMMU refused */
	__u64 dma_last_stream; /* stream of the last one (PCI requester number) */
	__u64 dma_last_address; /* address of the last one */
	__u64 smmu_commands; /* commands that the monitor gave the SMMU */
	__u8 pad0[344];
};
_Static_assert(sizeof(struct bb_statistics) == 512, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, frames_total) == 0, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, frames_os) == 8, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, frames_monitor) == 16, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, frames_private) == 24, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, frames_tables) == 32, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, frames_lent) == 40, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, enclaves) == 48, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, tasks) == 56, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, exits) == 64, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, world_switches) == 72, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, os_calls) == 80, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, interrupts) == 88, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, tlb_invalidations) == 96, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, cache_operations) == 104, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, refusals) == 112, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, stage_two_faults) == 120, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, bytes_scrubbed) == 128, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, dma_faults) == 136, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, dma_last_stream) == 144, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, dma_last_address) == 152, "bb_statistics");
_Static_assert(__builtin_offsetof(struct bb_statistics, smmu_commands) == 160, "bb_statistics");

/* First 64 bytes of the audit ring. */
struct bb_audit_header {
	__u32 version; /* 1; 0: nothing was written yet */
	__u32 capacity; /* records that the ring holds */
	__u64 written; /* records written since boot */
	__u64 frequency; /* ticks in a second */
	__u8 pad0[40];
};
_Static_assert(sizeof(struct bb_audit_header) == 64, "bb_audit_header");
_Static_assert(__builtin_offsetof(struct bb_audit_header, version) == 0, "bb_audit_header");
_Static_assert(__builtin_offsetof(struct bb_audit_header, capacity) == 4, "bb_audit_header");
_Static_assert(__builtin_offsetof(struct bb_audit_header, written) == 8, "bb_audit_header");
_Static_assert(__builtin_offsetof(struct bb_audit_header, frequency) == 16, "bb_audit_header");

/* What was refused. Record n (from 1) stands in slot (n - 1) mod capacity; valid if number is the same before and after reading it, and not 0. */
struct bb_audit_record {
	__u64 number;
	__u64 time; /* ticks since boot */
	__u32 cpu;
	__u32 enclave; /* index of the offender's; all ones: none */
	__u32 rule; /* AuditRule... */
	__u32 suppressed; /* records left out before this one */
	__u64 call;
	__u64 argument;
	__u64 outcome;
	__u8 pad0[8];
};
_Static_assert(sizeof(struct bb_audit_record) == 64, "bb_audit_record");
_Static_assert(__builtin_offsetof(struct bb_audit_record, number) == 0, "bb_audit_record");
_Static_assert(__builtin_offsetof(struct bb_audit_record, time) == 8, "bb_audit_record");
_Static_assert(__builtin_offsetof(struct bb_audit_record, cpu) == 16, "bb_audit_record");
_Static_assert(__builtin_offsetof(struct bb_audit_record, enclave) == 20, "bb_audit_record");
_Static_assert(__builtin_offsetof(struct bb_audit_record, rule) == 24, "bb_audit_record");
_Static_assert(__builtin_offsetof(struct bb_audit_record, suppressed) == 28, "bb_audit_record");
_Static_assert(__builtin_offsetof(struct bb_audit_record, call) == 32, "bb_audit_record");
_Static_assert(__builtin_offsetof(struct bb_audit_record, argument) == 40, "bb_audit_record");
_Static_assert(__builtin_offsetof(struct bb_audit_record, outcome) == 48, "bb_audit_record");

#endif /* __ASSEMBLER__ */
#endif /* BLACKBOX_ABI_H */
