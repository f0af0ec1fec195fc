// Entry of the sample: the header of an arm64 Linux Image, a stack, zeroed memory, then C#.
	.section .head, "ax"
	.global _start
_start:
	b	begin
	.long	0
	.quad	0x200000		// text_offset
	.quad	0x100000		// image_size
	.quad	0
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.text
begin:
	adrp	x0, _stack_top
	add	sp, x0, :lo12:_stack_top
	adrp	x0, _bss_start
	add	x0, x0, :lo12:_bss_start
	adrp	x1, _bss_end
	add	x1, x1, :lo12:_bss_end
1:	cmp	x0, x1
	b.hs	2f
	stp	xzr, xzr, [x0], #16
	b	1b
2:	mov	x29, xzr
	mrs	x0, CurrentEL
	lsr	x0, x0, #2
	bl	sample_main
	// PSCI SYSTEM_OFF
	.global	sample_power_off
sample_power_off:
	movz	x0, #0x8400, lsl #16
	movk	x0, #8
	smc	#0
	b	.
