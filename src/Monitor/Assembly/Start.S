// Each CPU's way to C#, and the memory that Boot/Start.S and it set up.
	.arch	armv8.5-a
	.include "Assembly/Layout.inc"

	.text
// PSCI CPU_ON enters here with the CPU's index (MonitorSecondary gave it as context) in x0.
	.global	bb_secondary_start
bb_secondary_start:
	mov	x19, x0
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.ne	hang
	msr	daifset, #15
	bl	enter_environment
	bl	MonitorSecondary
	b	resume_lower

	.global	hang
hang:	wfe
	b	hang

// x19 = CPU index: MMU on, vectors, CpuLocal in TPIDR_EL2, stack. Keeps x19 to x21.
	.global	enter_environment
enter_environment:
	ldr	x1, =0x04ff			// MAIR_EL2: 0 = Normal write-back, 1 = Device-nGnRE
	msr	mair_el2, x1
	ldr	x1, =0x80823519			// TCR_EL2: 39-bit VA, 4 KiB granule, write-back inner shareable, 40-bit PA
	msr	tcr_el2, x1
	ldr	x1, =__table_level1
	msr	ttbr0_el2, x1
	ldr	x1, =__vectors
	msr	vbar_el2, x1
	dsb	sy
	tlbi	alle2
	ic	iallu
	dsb	sy
	isb
	ldr	x1, =0x30cd183d			// SCTLR_EL2: MMU, caches, SP alignment check, writable is execute-never
	msr	sctlr_el2, x1
	isb
	ldr	x1, =__cpu_locals
	add	x1, x1, x19, lsl #12
	msr	tpidr_el2, x1
	ldr	x2, =__stacks + STACK_SIZE
	mov	x3, #STACK_SIZE
	madd	x2, x19, x3, x2
	str	x2, [x1, #CPU_STACK_TOP]
	str	x19, [x1, #CPU_INDEX]
	msr	spsel, #1
	mov	sp, x2
	mov	x29, xzr
	ret

	.section .bss.pages, "aw", %nobits
	.balign	PAGE_SIZE
	.global	__table_level1
__table_level1:	.skip	PAGE_SIZE
	.global	__table_ram
__table_ram:	.skip	PAGE_SIZE
	.global	__table_tail
__table_tail:	.skip	PAGE_SIZE		// level 2 of a last GiB that is not whole
	.global	__table_image
__table_image:	.skip	PAGE_SIZE
	.global	__table_devices
__table_devices: .skip	PAGE_SIZE
	.global	__cpu_locals
__cpu_locals:	.skip	MAX_CPUS * PAGE_SIZE
	.global	__stacks
__stacks:	.skip	MAX_CPUS * STACK_SIZE
