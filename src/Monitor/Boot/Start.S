// From the loader to C#, on the first CPU: image header, page tables of EL2.
	.arch	armv8.5-a
	.include "Assembly/Layout.inc"

// arm64 Image header (Linux, Documentation/arm64/booting.rst): loaders put the image at a 2 MiB boundary and pass the device tree in x0.
	.section .head, "ax"
	.global	_start
_start:
	b	start
	.long	0
	.quad	0				// text_offset
	.quad	__image_size
	.quad	0xa				// little endian, 4 KiB pages, anywhere in memory
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.section .text.boot, "ax"
// The image runs at the address for which it was linked, at EL2, with the MMU off; anything else is a loader's mistake.
start:
	mov	x20, x0				// device tree
	mov	x21, x1				// what the loader of its own tells (BootFacts), or 0
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.ne	hang
	adr	x1, start
	ldr	x2, =start
	cmp	x1, x2
	b.ne	hang
	msr	daifset, #15
	ldr	x1, =0x30c50830			// SCTLR_EL2: MMU and caches off, RES1 bits set
	msr	sctlr_el2, x1
	isb
	ldr	x0, =__bss_start
	ldr	x1, =__bss_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	bl	make_tables
	ldr	x0, =__bss_start		// stale lines must not shadow what was written with the caches off
	ldr	x1, =__bss_end
	dsb	sy
2:	dc	ivac, x0
	add	x0, x0, #16
	cmp	x0, x1
	b.lo	2b
	dsb	sy
	mov	x19, #0
	bl	enter_environment
	mov	x0, x20
	mov	x1, x21
	bl	MonitorStart
	b	resume_lower

// Identity tables: level 1 -> one level 2 for the first GiB of RAM (image by pages, rest 2 MiB read-write) and one for the console's 2 MiB.
// Boot/MonitorMap (C#) adds what the device tree tells.
	.equ	PAGE_RX, 0x7c3			// AF, inner shareable, read-only, Normal
	.equ	PAGE_RO, 0x7c3			// with XN
	.equ	PAGE_RW, 0x743			// with XN
	.equ	BLOCK_RW, 0x741			// with XN
	.equ	BLOCK_DEVICE, 0x445		// with XN
	.equ	CONSOLE_BLOCK, 0x09000000
make_tables:
	mov	x10, #(1 << 54)			// XN
	ldr	x0, =__table_level1
	ldr	x1, =__table_ram
	ldr	x2, =__table_image
	ldr	x3, =__table_devices
	ldr	x4, =_start
	and	x5, x4, #~0x3fffffff		// first GiB of RAM
	orr	x6, x1, #3
	lsr	x7, x5, #30
	str	x6, [x0, x7, lsl #3]
	orr	x6, x3, #3
	str	x6, [x0]
	ldr	x6, =CONSOLE_BLOCK | BLOCK_DEVICE
	orr	x6, x6, x10
	str	x6, [x3, #(CONSOLE_BLOCK >> 21 << 3)]
	mov	x6, #BLOCK_RW
	orr	x6, x6, x10
	orr	x6, x6, x5
	mov	x7, #0
1:	str	x6, [x1, x7, lsl #3]
	add	x6, x6, #0x200000
	add	x7, x7, #1
	cmp	x7, #512
	b.lo	1b
	ubfx	x7, x4, #21, #9
	orr	x6, x2, #3
	str	x6, [x1, x7, lsl #3]
	ldr	x7, =__text_end
	ldr	x8, =__rodata_end
	mov	x9, x4
2:	mov	x6, #PAGE_RX
	cmp	x9, x7
	b.lo	3f
	mov	x6, #PAGE_RO
	orr	x6, x6, x10
	cmp	x9, x8
	b.lo	3f
	mov	x6, #PAGE_RW
	orr	x6, x6, x10
3:	orr	x6, x6, x9
	str	x6, [x2], #8
	add	x9, x9, #PAGE_SIZE
	tst	x9, #0x1fffff
	b.ne	2b
	sub	x2, x2, #PAGE_SIZE		// guard pages: an overrun stack faults
	ldr	x9, =__stacks
	mov	x7, #MAX_CPUS
4:	ubfx	x6, x9, #12, #9
	str	xzr, [x2, x6, lsl #3]
	add	x9, x9, #STACK_SIZE
	subs	x7, x7, #1
	b.ne	4b
	ret

