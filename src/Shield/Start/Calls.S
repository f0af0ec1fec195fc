// Hypercalls of the shield (docs/hypercalls.md): the number is the immediate. AAPCS64: status in x0, pointers for more results last.

	.text

// void shield_os_call(number, a0, a1, a2, a3, a4, a5, OsReturn *back)
	.global	shield_os_call
shield_os_call:
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	str	x7, [sp, #16]
	mov	x8, x0
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	mov	x4, x5
	mov	x5, x6
	hvc	#1
	ldr	x9, [sp, #16]
	stp	x0, x1, [x9]
	stp	x2, x3, [x9, #16]
	ldp	x29, x30, [sp], #32
	ret

// void shield_os_fault(address, OsReturn *back)
	.global	shield_os_fault
shield_os_fault:
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	str	x1, [sp, #16]
	hvc	#2
	ldr	x9, [sp, #16]
	stp	x0, x1, [x9]
	stp	x2, x3, [x9, #16]
	ldp	x29, x30, [sp], #32
	ret

// uint64 shield_event_get(uint64 results[2])
	.global	shield_event_get
shield_event_get:
	mov	x9, x0
	hvc	#3
	stp	x1, x2, [x9]
	ret

// void shield_random(uint64 results[4])
	.global	shield_random
shield_random:
	mov	x9, x0
	hvc	#9
	stp	x0, x1, [x9]
	stp	x2, x3, [x9, #16]
	ret

// uint64 shield_attest(ipa, reportLength, uint64 *length)
	.global	shield_attest
shield_attest:
	mov	x9, x2
	hvc	#15
	str	x1, [x9]
	ret

	.macro	plain name, number
	.global	\name
\name:
	hvc	#\number
	ret
	.endm

	plain	shield_ticket_issue, 4
	plain	shield_ticket_cancel, 5
	plain	shield_accept_memory, 7
	plain	shield_release_memory, 8
	plain	shield_unwrap_key, 10
	plain	shield_stop, 11
	plain	shield_log, 12
	plain	shield_yield_to, 13
	plain	shield_yield_back, 14

// System registers.

	.global	shield_set_thread
shield_set_thread:
	msr	tpidr_el1, x0
	ret

	.global	shield_thread
shield_thread:
	mrs	x0, tpidr_el1
	ret

	.global	shield_event_pending		// ISR_EL1.I: the virtual interrupt
shield_event_pending:
	mrs	x0, isr_el1
	ubfx	x0, x0, #7, #1
	ret

	.global	shield_set_thread_pointer
shield_set_thread_pointer:
	msr	tpidr_el0, x0
	ret

	.global	shield_thread_pointer
shield_thread_pointer:
	mrs	x0, tpidr_el0
	ret

	.global	shield_counter
shield_counter:
	isb
	mrs	x0, cntvct_el0
	ret

	.global	shield_instruction_features
shield_instruction_features:
	mrs	x0, id_aa64isar0_el1
	ret

	.global	shield_counter_frequency
shield_counter_frequency:
	mrs	x0, cntfrq_el0
	ret

// Intermediate physical address of an EL1 virtual one; all ones if none.
	.global	shield_translate
shield_translate:
	at	s1e1r, x0
	isb
	mrs	x1, par_el1
	tbnz	x1, #0, 1f
	and	x0, x0, #0xfff
	ubfx	x1, x1, #12, #36
	orr	x0, x0, x1, lsl #12
	ret
1:	mov	x0, #-1
	ret

// A page-table entry was written: later walks and accesses see it.
	.global	shield_table_barrier
shield_table_barrier:
	dsb	ishst
	isb
	ret

	.global	shield_thread_entry
shield_thread_entry:
	adrp	x0, shield_thread_start
	add	x0, x0, :lo12:shield_thread_start
	ret

	.global	shield_spin_hint
shield_spin_hint:
	yield
	ret

// Zeroes a frame. DC ZVA where it is allowed; its block size is 4 << DCZID_EL0.BS.
	.global	shield_zero_frame
shield_zero_frame:
	add	x2, x0, #4096
	mrs	x1, dczid_el0
	tbnz	x1, #4, 2f
	and	x1, x1, #15
	mov	x3, #4
	lsl	x3, x3, x1
1:	dc	zva, x0
	add	x0, x0, x3
	cmp	x0, x2
	b.lo	1b
	ret
2:	stp	xzr, xzr, [x0], #16
	cmp	x0, x2
	b.lo	2b
	ret

// FP/SIMD state of the program to and from 528 bytes: q0-q31, FPSR, FPCR. (q16, q17: from the saved registers, by the caller.)
	.global	shield_save_vectors
shield_save_vectors:
	stp	q0, q1, [x0, #0]
	stp	q2, q3, [x0, #32]
	stp	q4, q5, [x0, #64]
	stp	q6, q7, [x0, #96]
	stp	q8, q9, [x0, #128]
	stp	q10, q11, [x0, #160]
	stp	q12, q13, [x0, #192]
	stp	q14, q15, [x0, #224]
	stp	q16, q17, [x0, #256]
	stp	q18, q19, [x0, #288]
	stp	q20, q21, [x0, #320]
	stp	q22, q23, [x0, #352]
	stp	q24, q25, [x0, #384]
	stp	q26, q27, [x0, #416]
	stp	q28, q29, [x0, #448]
	stp	q30, q31, [x0, #480]
	mrs	x1, fpsr
	mrs	x2, fpcr
	str	x1, [x0, #512]
	str	x2, [x0, #520]
	ret

	.global	shield_load_vectors
shield_load_vectors:
	ldp	q0, q1, [x0, #0]
	ldp	q2, q3, [x0, #32]
	ldp	q4, q5, [x0, #64]
	ldp	q6, q7, [x0, #96]
	ldp	q8, q9, [x0, #128]
	ldp	q10, q11, [x0, #160]
	ldp	q12, q13, [x0, #192]
	ldp	q14, q15, [x0, #224]
	ldp	q18, q19, [x0, #288]
	ldp	q20, q21, [x0, #320]
	ldp	q22, q23, [x0, #352]
	ldp	q24, q25, [x0, #384]
	ldp	q26, q27, [x0, #416]
	ldp	q28, q29, [x0, #448]
	ldp	q30, q31, [x0, #480]
	ldr	x1, [x0, #512]
	ldr	x2, [x0, #520]
	msr	fpsr, x1
	msr	fpcr, x2
	ret
