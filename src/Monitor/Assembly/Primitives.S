// One instruction or one architected sequence each, for C# (Hardware/*.Unsafe.cs). Nothing here decides anything.
	.arch	armv8.5-a

	.include "Assembly/Layout.inc"

	.text
	.macro	writer name, register
	.global	bb_write_\name
bb_write_\name:
	msr	\register, x0
	ret
	.endm

	.macro	field name, register
	reader	\name, \register
	writer	\name, \register
	.endm

	reader	cpu, tpidr_el2
	reader	esr_el2, esr_el2
	reader	far_el2, far_el2
	reader	hpfar_el2, hpfar_el2
	reader	counter, cntpct_el0
	reader	frequency, cntfrq_el0
	reader	interrupt_status, isr_el1
	field	hcr, hcr_el2
	reader	vttbr, vttbr_el2
	writer	vtcr, vtcr_el2
	writer	zcr, S3_4_C1_C2_0
	writer	smcr, S3_4_C1_C2_6
	writer	svcr, S3_3_C4_C2_2
	writer	hcrx, S3_4_C1_C2_2
	field	sctlr_el1, sctlr_el1
	reader	vbar_el1, vbar_el1
	writer	esr_el1, esr_el1
	field	far_el1, far_el1
	writer	elr_el1, elr_el1
	writer	spsr_el1, spsr_el1

// void bb_reset_fine_traps(registers): HFGRTR, HFGWTR; HFGITR, HDFGRTR, HDFGWTR are zero.
	function bb_reset_fine_traps
	msr	S3_4_C1_C1_4, x0
	msr	S3_4_C1_C1_5, x0
	msr	S3_4_C1_C1_6, xzr
	msr	S3_4_C3_C1_4, xzr
	msr	S3_4_C3_C1_5, xzr
	ret

// ulong bb_random(): 64 bits of RNDR, 0 when the source has none now.
	function bb_random
	mrs	x0, S3_3_C2_C4_0
	csel	x0, x0, xzr, ne
	ret

// ulong bb_translate_read_el0/el1(va): PAR_EL1 of the stage-1 translation; PAR_EL1 itself is kept.
	.macro	translate name, operation
	.global	bb_translate_\name
bb_translate_\name:
	mrs	x1, par_el1
	at	\operation, x0
	isb
	mrs	x0, par_el1
	msr	par_el1, x1
	ret
	.endm
	translate read_el0, s1e0r
	translate read_el1, s1e1r

// void bb_reset_registers(): EL2's registers that both worlds share, and EL1 as after reset, as far as every CPU has them.
	function bb_reset_registers
	mrs	x0, midr_el1
	msr	vpidr_el2, x0
	mrs	x0, mpidr_el1
	msr	vmpidr_el2, x0
	mov	x0, #0xf
	msr	S3_4_C12_C9_5, x0		// ICC_SRE_EL2; ICH_HCR_EL2 exists only afterwards
	isb
	msr	S3_4_C12_C11_0, xzr
	msr	hstr_el2, xzr
	msr	cntvoff_el2, xzr
	msr	cnthp_ctl_el2, xzr
	msr	cpacr_el1, xzr
	msr	tcr_el1, xzr
	msr	cntkctl_el1, xzr
	msr	cntv_ctl_el0, xzr
	msr	cntp_ctl_el0, xzr
	msr	mdscr_el1, xzr
	msr	csselr_el1, xzr
	ret

	function bb_dsb
	dsb	ish
	ret
	function bb_dsb_system
	dsb	sy
	ret
	function bb_dsb_stores
	dsb	ishst
	ret
	function bb_spin_hint
	yield
	ret

// x0 is the VTTBR_EL2 to work on, x3 the one to return with.
	.macro	to_vmid
	mrs	x3, vttbr_el2
	dsb	ishst
	cmp	x3, x0
	b.eq	3f
	msr	vttbr_el2, x0
	isb
3:
	.endm

	.macro	from_vmid
	cmp	x3, x0
	b.eq	4f
	msr	vttbr_el2, x3
	isb
4:	ret
	.endm

// void bb_invalidate_stage2(vttbr, ipa >> 12, count): the translations of consecutive pages of one VMID, on all CPUs, complete on return.
	function bb_invalidate_stage2
	to_vmid
1:	tlbi	ipas2e1is, x1
	add	x1, x1, #1
	subs	x2, x2, #1
	b.ne	1b
	dsb	ish
	tlbi	vmalle1is			// stage-1 entries hold the combined translation
	dsb	ish
	isb
	from_vmid

// void bb_invalidate_vmid(vttbr): everything of one VMID.
	function bb_invalidate_vmid
	to_vmid
	tlbi	vmalls12e1is
	dsb	ish
	isb
	from_vmid

// void bb_invalidate_all(): all VMIDs, all CPUs.
	function bb_invalidate_all
	dsb	ishst
	tlbi	alle1is
	dsb	ish
	isb
	ret

	function bb_invalidate_el2
	dsb	ishst
	tlbi	alle2is
	dsb	ish
	isb
	ret

// void bb_interrupt_others(): ICC_SGI1R_EL1.IRM, INTID 0.
	function bb_interrupt_others
	mov	x0, #(1 << 40)
	msr	S3_0_C12_C11_5, x0
	ret

// void bb_zero(address, bytes, block): whole blocks of DC ZVA.
	function bb_zero
	add	x1, x0, x1
1:	dc	zva, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	1b
	ret

// void bb_clean_invalidate(address, bytes, line): to the point of coherency.
	function bb_clean_invalidate
	add	x1, x0, x1
1:	dc	civac, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	1b
	dsb	sy
	ret

// void bb_smc(SmcRegisters *r): x0-x7 in, x0-x3 out (SMCCC).
	function bb_smc
	str	x0, [sp, #-16]!
	mov	x9, x0
	ldp	x6, x7, [x9, #48]
	ldp	x4, x5, [x9, #32]
	ldp	x2, x3, [x9, #16]
	ldp	x0, x1, [x9]
	smc	#0
	ldr	x9, [sp], #16
	stp	x0, x1, [x9]
	stp	x2, x3, [x9, #16]
	ret

// uint32_t bb_load32(address), void bb_store32(address, value): Device memory, never merged or repeated.
	function bb_load32
	ldr	w0, [x0]
	ret
	function bb_store32
	str	w1, [x0]
	ret

// The image's own addresses.
	address	cpu_locals, __cpu_locals
	address	secondary_start_address, bb_secondary_start
	address	image_start, _start
	address	image_end, __image_end

