// Saving, loading and clearing the registers of a world (RegisterFile). Called from C# (Hardware/Registers.Unsafe.cs) between the worlds.
	.arch	armv8.5-a
	.include "Assembly/Registers.inc"

	.equ	FEATURE_KEYS, 0			// bit numbers of w1, as in C#
	.equ	WITH_TIMER, 1

	.text
// void bb_save_registers(RegisterFile *file, uint32_t features)
	function bb_save_registers
	add	x4, x0, #PAIR_BASE
	world_registers save_pair
	single_registers save_one
	save_one TCR_EL1, CONTEXT_TCR
	tbz	w1, #WITH_TIMER, 1f
	save_pair CNTV_CVAL_EL0, CNTV_CTL_EL0, CONTEXT_CNTV_CVAL
1:	tbz	w1, #FEATURE_KEYS, 2f
	key_registers save_pair
2:	ret

// void bb_load_registers(const RegisterFile *file, uint32_t features)
	function bb_load_registers
	add	x4, x0, #PAIR_BASE
	world_registers load_pair
	single_registers load_one
	mrs	x3, TCR_EL1
	ldr	x2, [x0, #CONTEXT_TCR]
	cmp	x2, x3
	b.eq	1f
	msr	TCR_EL1, x2
1:	tbz	w1, #WITH_TIMER, 2f
	load_pair CNTV_CVAL_EL0, CNTV_CTL_EL0, CONTEXT_CNTV_CVAL
2:	tbz	w1, #FEATURE_KEYS, 3f
	key_registers load_pair
3:	ret

// void bb_enter_world(vttbr, hcr, cptr, mdcr, cnthctl): what traps, and which stage 2 applies.
	function bb_enter_world
	msr	vttbr_el2, x0
	msr	hcr_el2, x1
	msr	cptr_el2, x2
	msr	mdcr_el2, x3
	msr	cnthctl_el2, x4
	isb
	ret

// void bb_save_vectors(RegisterFile *file): and clears them, for whoever comes next.
	function bb_save_vectors
	add	x1, x0, #CONTEXT_VECTOR
	vector_registers stp
	mrs	x2, fpcr
	mrs	x3, fpsr
	add	x1, x0, #CONTEXT_FPCR
	stp	x2, x3, [x1]
	function bb_clear_vectors
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	movi	v\n\().2d, #0
	.endr
	msr	fpcr, xzr
	msr	fpsr, xzr
	ret

// void bb_load_vectors(const RegisterFile *file)
	function bb_load_vectors
	add	x1, x0, #CONTEXT_FPCR
	ldp	x2, x3, [x1]
	msr	fpcr, x2
	msr	fpsr, x3
	add	x1, x0, #CONTEXT_VECTOR
	vector_registers ldp
	ret
