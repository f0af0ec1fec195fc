// A shield that is hostile to its monitor, to the OS and to other enclaves: what C# has no word for.

	.text

// HVC with any immediate below 64: hostile_call(uint64 arguments[6], number) in x0, x1; x0-x3 come back in arguments.
	.global	hostile_call
hostile_call:
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	str	x0, [sp, #16]
	adr	x9, 1f
	add	x9, x9, x1, lsl #3
	mov	x10, x0
	ldp	x0, x1, [x10]
	ldp	x2, x3, [x10, #16]
	ldp	x4, x5, [x10, #32]
	blr	x9
	ldr	x10, [sp, #16]
	stp	x0, x1, [x10]
	stp	x2, x3, [x10, #16]
	ldp	x29, x30, [sp], #32
	ret
1:
	.set	number, 0
	.rept	64
	hvc	#number
	ret
	.set	number, number + 1
	.endr

// No interrupt, no end.
	.global	hostile_mask
hostile_mask:
	msr	daifset, #15
1:	wfe
	b	1b

// Exceptions whose vector faults itself.
	.global	hostile_fault_loop
hostile_fault_loop:
	msr	daifset, #15
	msr	vbar_el1, xzr
	isb
	brk	#0
	b	hostile_fault_loop

// Execution of any address of the direct map.
	.global	hostile_jump
hostile_jump:
	br	x0

// Tables of its own that stand in somebody else's memory. uint64 in x0: physical address.
	.global	hostile_tables
hostile_tables:
	msr	daifset, #15
	msr	ttbr0_el1, x0
	isb
	dsb	ish
	tlbi	vmalle1is
	dsb	ish
	isb
	mov	x1, #0x400000
	ldr	x2, [x1]
	b	hostile_tables

// All system registers that there are to be spoiled, behind vectors that step over what is refused. Number of those refused in x0.
	.macro	try, instruction:vararg
	add	x11, x11, #1
	\instruction
	.endm

	.balign	2048
hostile_vectors:
	.rept	4
	.balign	128
	b	2f
	.endr
	.rept	12
	.balign	128
	b	2f
	.endr
2:	mrs	x9, elr_el1
	add	x9, x9, #4
	msr	elr_el1, x9
	add	x10, x10, #1
	eret

	.global	hostile_registers
hostile_registers:
	mrs	x12, vbar_el1
	mrs	x13, daif
	mrs	x14, elr_el1
	mrs	x15, spsr_el1
	msr	daifset, #15
	adr	x9, hostile_vectors
	msr	vbar_el1, x9
	isb
	mov	x10, #0
	mov	x11, #0
	mov	x1, #-1
	try	msr	mdscr_el1, x1
	try	msr	oslar_el1, xzr
	try	msr	dbgbvr0_el1, x1
	try	msr	dbgbcr0_el1, x1
	try	msr	dbgwvr0_el1, x1
	try	msr	dbgwcr0_el1, x1
	try	msr	pmcr_el0, x1
	try	msr	pmuserenr_el0, x1
	try	msr	pmcntenset_el0, x1
	try	msr	pmintenset_el1, x1
	try	msr	actlr_el1, x1
	try	msr	cntp_ctl_el0, x1
	try	msr	cntp_cval_el0, xzr
	try	msr	cntps_ctl_el1, x1
	try	msr	S3_0_C12_C12_7, xzr		// ICC_IGRPEN1_EL1
	try	msr	S3_0_C4_C6_0, xzr		// ICC_PMR_EL1
	try	msr	S3_0_C12_C11_5, x1		// ICC_SGI1R_EL1
	try	msr	S3_0_C12_C12_5, xzr		// ICC_SRE_EL1
	try	mrs	x2, S3_0_C12_C12_0		// ICC_IAR1_EL1: acknowledges an interrupt
	try	msr	S3_0_C12_C12_1, x2		// ICC_EOIR1_EL1
	try	dc	cisw, xzr
	try	dc	isw, xzr
	try	tlbi	alle1is
	try	tlbi	alle2is
	try	tlbi	vmalls12e1is
	try	msr	hcr_el2, xzr
	try	msr	vttbr_el2, xzr
	try	msr	sctlr_el2, xzr
	try	msr	vbar_el2, xzr
	try	mrs	x2, sctlr_el3
	try	at	s12e1r, x1
	try	smc	#0
	try	msr	pan, #0
	try	msr	csselr_el1, x1
	try	msr	S3_3_C13_C0_7, x1		// SCXTNUM_EL0
	mov	x0, x10
	msr	vbar_el1, x12
	msr	elr_el1, x14
	msr	spsr_el1, x15
	msr	daif, x13
	isb
	ret
