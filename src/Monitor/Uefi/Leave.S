// From the firmware's environment to the monitor's entry, which wants EL2, MMU and caches off, and its image at its place.
	.arch	armv8.2-a

	.text
// Runs as a copy outside all destinations; neither stack nor data. x0 = moves (to, from, bytes; whole pages; bytes 0 ends), x1 = entry,
// x2 = device tree, x3 = what the monitor is told (BootFacts). Where `to` is `from`, the range is only made good for readers with their caches off.
leave_code:
	msr	daifset, #15
1:	ldp	x4, x5, [x0], #16
	ldr	x6, [x0], #8
	cbz	x6, 4f
	add	x8, x4, x6
	cmp	x4, x5
	b.eq	3f
	mov	x7, x4
2:	ldp	x10, x11, [x5], #16
	stp	x10, x11, [x7], #16
	cmp	x7, x8
	b.lo	2b
3:	dc	civac, x4
	add	x4, x4, #16			// no cache line is shorter
	cmp	x4, x8
	b.lo	3b
	b	1b
4:	dsb	sy
	mrs	x4, sctlr_el2
	mov	x5, #0x1005			// I, C, M
	bic	x4, x4, x5
	msr	sctlr_el2, x4
	isb
	mov	x4, #(1 << 31)			// HCR_EL2: EL1 is AArch64, nothing else of the firmware's
	msr	hcr_el2, x4
	isb
	ic	iallu
	tlbi	alle2
	dsb	sy
	isb
	mov	x4, x1
	mov	x0, x2
	mov	x1, x3
	mov	x2, xzr
	mov	x3, xzr
	br	x4

	.macro	reader name, register
	.global	bb_read_\name
bb_read_\name:
	mrs	x0, \register
	ret
	.endm
	reader	level, CurrentEL
	reader	isar0, id_aa64isar0_el1

	.macro	address name, symbol
	.global	bb_\name
bb_\name:
	adrp	x0, \symbol
	add	x0, x0, :lo12:\symbol
	ret
	.endm
	address	monitor_start, __monitor_start
	address	monitor_end, __monitor_end

// void bb_go(code, moves, entry, tree, facts): copies the code above to a page and goes there, never to return.
	.global	bb_go
bb_go:
	mov	x12, x0
	adr	x6, leave_code
	add	x7, x0, #4096
1:	ldp	x10, x11, [x6], #16
	stp	x10, x11, [x0]
	dc	cvau, x0
	add	x0, x0, #16
	cmp	x0, x7
	b.lo	1b
	dsb	ish
	ic	iallu
	dsb	ish
	isb
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	br	x12

// The monitor as the direct flavour has it: the same file.
	.section .monitor, "a"
	.balign	4096
__monitor_start:
	.incbin	"../../../artifacts/images/monitor.bin"
__monitor_end:
	.balign	4096
