// Exceptions that reach EL2. From a lower level: registers to the frame that SP_EL2 points to (CpuLocal while the OS runs, the task's context
// while a container runs), then C# on this CPU's stack; it answers with the frame to go on with. From EL2 itself: a bug of the monitor.
	.arch	armv8.5-a
	.include "Assembly/Layout.inc"

	.macro	general_registers op, base	// x2-x29 of a frame
	\op	x2, x3, [\base, #16]
	\op	x4, x5, [\base, #32]
	\op	x6, x7, [\base, #48]
	\op	x8, x9, [\base, #64]
	\op	x10, x11, [\base, #80]
	\op	x12, x13, [\base, #96]
	\op	x14, x15, [\base, #112]
	\op	x16, x17, [\base, #128]
	\op	x18, x19, [\base, #144]
	\op	x20, x21, [\base, #160]
	\op	x22, x23, [\base, #176]
	\op	x24, x25, [\base, #192]
	\op	x26, x27, [\base, #208]
	\op	x28, x29, [\base, #224]
	.endm

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
	general_registers stp, sp
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x30, x2, [sp, #FRAME_X30]
	str	x3, [sp, #CONTEXT_PSTATE]
	stp	q16, q17, [sp, #FRAME_Q16]	// compiled code moves structures with these two
	mrs	x0, tpidr_el2
	ldr	x2, [x0, #CPU_STACK_TOP]
	mov	sp, x2
	mov	x29, xzr
	mrs	x2, esr_el2
	bl	MonitorLower			// (CpuLocal, kind, syndrome)

// x0 = frame: go on at a lower level with its registers.
	.global	resume_lower
resume_lower:
	mov	sp, x0
	ldp	q16, q17, [sp, #FRAME_Q16]
	ldp	x30, x2, [sp, #FRAME_X30]
	ldr	x3, [sp, #CONTEXT_PSTATE]
	msr	elr_el2, x2
	msr	spsr_el2, x3
	general_registers ldp, sp
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
	general_registers stp, x1
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
