// For boot code in C# alone: what the machine is, where the parts of the image are.
	.arch	armv8.5-a
	.include "Assembly/Layout.inc"

	.section .text.boot, "ax"
	reader	pfr0, id_aa64pfr0_el1
	reader	pfr1, id_aa64pfr1_el1
	reader	isar0, id_aa64isar0_el1
	reader	isar1, id_aa64isar1_el1
	reader	isar2, S3_0_C0_C6_2
	reader	mmfr0, id_aa64mmfr0_el1
	reader	mmfr1, id_aa64mmfr1_el1
	reader	pmcr, pmcr_el0
	reader	smfr0, S3_0_C0_C4_5
	reader	zero_size, dczid_el0
	reader	cache_type, ctr_el0

	address	shield_start, __shield_start
	address	shield_end, __shield_end
	address	gate_page, __gate_page
	address	data_end, __bss_start
	address	tables, __table_level1

// void bb_set_canary(value): what compiled code with stackalloc checks on return.
	function bb_set_canary
	ldr	x1, =__security_cookie
	str	x0, [x1]
	ret

// The gate page: what a fetch would see if it were executable, and what any reader sees.
	.section .rodata.gate, "a"
	.balign	4096
	.global	__gate_page
__gate_page:
	.rept	1024
	brk	#0xbb
	.endr
