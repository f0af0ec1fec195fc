// Exceptions that reach EL2. From a lower level: registers to the frame that SP_EL2 points to (CpuLocal while the OS runs, the task's context
// while a container runs), then C# on this CPU's stack; it answers with the frame to go on with. From EL2 itself: a bug of the monitor.
	.arch	armv8.5-a
	.include "Assembly/Layout.inc"

	.macro	lower kind
	.balign	128
	stp	x0, x1, [sp]
	mov	w1, #\kind
	b	enter_lower
	.endm

	.macro	current kind
	.balign	128
	msr	sp_el0, x0			// nothing of the lower levels runs again
	mov	w0, #\kind
	b	panic_exception
	.endm

	.section .text.vectors, "ax"
	.balign	2048
	.global	__vectors
__vectors:
	current	0				// EL2 with SP_EL0
	current	1
	current	2
	current	3
	current	4				// EL2 with SP_EL2
	current	5
	current	6
	current	7
	lower	ENTRY_SYNCHRONOUS		// AArch64 below
	lower	ENTRY_INTERRUPT
	lower	ENTRY_INTERRUPT
	lower	ENTRY_SERROR
	lower	ENTRY_SYNCHRONOUS		// AArch32 below
	lower	ENTRY_INTERRUPT
	lower	ENTRY_INTERRUPT
	lower	ENTRY_SERROR

	.balign	64
enter_lower:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x30, x2, [sp, #FRAME_X30]
	str	x3, [sp, #CONTEXT_PSTATE]
	stp	q16, q17, [sp, #FRAME_Q16]	// compiled code moves structures with these two
	mov	x0, sp
	mrs	x2, tpidr_el2
	ldr	x2, [x2, #CPU_STACK_TOP]
	mov	sp, x2
	mov	x29, xzr
	bl	MonitorLower

// x0 = frame: go on at a lower level with its registers.
	.global	resume_lower
resume_lower:
	mov	sp, x0
	ldp	q16, q17, [sp, #FRAME_Q16]
	ldp	x30, x2, [sp, #FRAME_X30]
	ldr	x3, [sp, #CONTEXT_PSTATE]
	msr	elr_el2, x2
	msr	spsr_el2, x3
	ldp	x28, x29, [sp, #224]
	ldp	x26, x27, [sp, #208]
	ldp	x24, x25, [sp, #192]
	ldp	x22, x23, [sp, #176]
	ldp	x20, x21, [sp, #160]
	ldp	x18, x19, [sp, #144]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp]
	eret
	dsb	nsh				// no speculation past the return
	isb

// An exception in the monitor: w0 = vector, the interrupted x0 in SP_EL0. The first CPU reports, every further one waits.
panic_exception:
	msr	tpidr_el1, x1
	adrp	x1, panic_owner
	add	x1, x1, :lo12:panic_owner
	msr	tpidrro_el0, x2
	mov	w2, #1
	swpal	w2, w2, [x1]
	cbnz	w2, park
	mrs	x2, tpidrro_el0
	adrp	x1, panic_frame
	add	x1, x1, :lo12:panic_frame
	stp	x2, x3, [x1, #16]
	stp	x4, x5, [x1, #32]
	stp	x6, x7, [x1, #48]
	stp	x8, x9, [x1, #64]
	stp	x10, x11, [x1, #80]
	stp	x12, x13, [x1, #96]
	stp	x14, x15, [x1, #112]
	stp	x16, x17, [x1, #128]
	stp	x18, x19, [x1, #144]
	stp	x20, x21, [x1, #160]
	stp	x22, x23, [x1, #176]
	stp	x24, x25, [x1, #192]
	stp	x26, x27, [x1, #208]
	stp	x28, x29, [x1, #224]
	mrs	x2, sp_el0
	mrs	x3, tpidr_el1
	stp	x2, x3, [x1]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x30, x2, [x1, #FRAME_X30]
	str	x3, [x1, #CONTEXT_PSTATE]
	mov	x2, sp
	ldr	x3, =panic_stack_top		// the old stack may be what is broken
	mov	sp, x3
	mov	x29, xzr
	mov	w3, w0
	mov	x0, x1
	mov	w1, w3
	bl	MonitorPanicException		// (frame, vector, sp)
	.global	bb_park
bb_park:
park:	msr	daifset, #15
	wfi
	b	park

// void bb_panic(text, length, pc, fp): a check of the program itself failed.
	.global	bb_panic
bb_panic:
	adrp	x9, panic_owner
	add	x9, x9, :lo12:panic_owner
	mov	w10, #1
	swpal	w10, w10, [x9]
	cbnz	w10, park
	mov	x4, sp
	ldr	x9, =panic_stack_top
	mov	sp, x9
	bl	MonitorPanicText		// (text, length, pc, fp, sp)
	b	park

	.bss
	.balign	64
	.global	panic_owner
panic_owner:	.skip	64
panic_frame:	.skip	320
	.balign	PAGE_SIZE
		.skip	0x2000
panic_stack_top:
