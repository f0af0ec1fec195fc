// First instructions of an enclave. The monitor enters at offset 0 of the image, EL1h, MMU off, interrupts masked:
//   x0 = base of private memory, x1 = its bytes, x2 = IPA of the first task's shared buffer, x3 = its bytes, x4 = task handle.
// Private memory may hold anything. The image itself is read-only and runs where it lies; it is linked to the top of the address space.
// Everything here is position independent: adr gives physical addresses, literals give linked ones.

#include "Start/Layout.inc"

	// Attributes of stage-1 entries (Arm ARM D8.3): access flag, inner shareable, Normal write-back (MAIR index 0).
	.equ	ENTRY_TABLE, 0x3
	.equ	ENTRY_BLOCK_RW, 0x701			// block, valid, AF, SH
	.equ	ENTRY_PAGE_RW, 0x703
	.equ	ENTRY_PAGE_RO, 0x783
	.equ	NEVER_USER, 1 << 54			// UXN
	.equ	NEVER_ANY, 3 << 53			// UXN, PXN

	// TCR_EL1: T0SZ 16, T1SZ 25, 4 KiB granules, write-back inner shareable walks, IPS 40 bits, 16-bit ASIDs in TTBR0, TBI0 as Linux gives its programs.
	.equ	TCR, 16 | 1 << 8 | 1 << 10 | 3 << 12 | 25 << 16 | 1 << 24 | 1 << 26 | 3 << 28 | 2 << 30 | 2 << 32 | 1 << 36 | 1 << 37

	// SCTLR_EL1: RES1 bits; M, C, SA, SA0, I; for EL0: DC ZVA (DZE), CTR_EL0 (UCT), WFI and WFE (nTWI, nTWE), cache maintenance (UCI).
	// SPAN is 0: an exception sets PAN, so a stray pointer of the shield never reaches the program's memory.
	.equ	SCTLR, 0x30500800 | 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 12 | 1 << 14 | 1 << 15 | 1 << 16 | 1 << 18 | 1 << 26

	.section .head, "ax"
	.global	_start
_start:
	mov	x20, x0
	mov	x21, x1
	mov	x22, x2
	mov	x23, x3
	mov	x24, x4
	adr	x19, _start				// IPA of the image

	// Sizes of the parts, from linked addresses.
	ldr	x5, =_image_start
	ldr	x6, =_text_end
	sub	x6, x6, x5				// x6 = bytes of text
	ldr	x7, =_data_start
	sub	x7, x7, x5				// x7 = offset of data = bytes of what the image maps read-only
	ldr	x8, =_data_end
	ldr	x9, =_data_start
	sub	x8, x8, x9				// x8 = bytes of initialised data
	ldr	x10, =_bss_end
	sub	x10, x10, x9				// x10 = bytes of data and bss, whole frames
	add	x25, x20, x10				// x25 = first table
	add	x26, x25, #FRAMES_USED * FRAME		// x26 = first unused byte

	// With the MMU off stores go past the cache: nothing stale may cover what is written.
	mov	x0, x20
	bl	clean_invalidate

	// Zero all, then copy the data template.
	mov	x0, x20
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x26
	b.lo	1b
	add	x0, x19, x7
	mov	x1, x20
	add	x2, x0, x8
2:	cmp	x0, x2
	b.hs	3f
	ldr	x3, [x0], #8
	str	x3, [x1], #8
	b	2b
3:
	// Level 1: 511 blocks of 1 GiB, never executable, then the table of the last GiB.
	ldr	x0, =ENTRY_BLOCK_RW | NEVER_ANY
	mov	x1, x25
	mov	x2, #511
	mov	x3, #1 << 30
4:	str	x0, [x1], #8
	add	x0, x0, x3
	subs	x2, x2, #1
	b.ne	4b
	add	x0, x25, #FRAME_LEVEL2 * FRAME
	orr	x2, x0, #ENTRY_TABLE
	str	x2, [x1]

	// Level 2: image, stacks 0 to 31.
	add	x1, x25, #FRAME_IMAGE * FRAME
	orr	x2, x1, #ENTRY_TABLE
	str	x2, [x0]
	add	x3, x25, #FRAME_STACKS * FRAME
	orr	x2, x3, #ENTRY_TABLE
	str	x2, [x0, #(STACK_AREA_OFFSET >> 21) * 8]

	// Level 3 of the image: text, constants, then data in private memory.
	ldr	x0, =ENTRY_PAGE_RO | NEVER_USER
	add	x0, x0, x19
	mov	x2, #0
5:	str	x0, [x1], #8
	add	x0, x0, #FRAME
	add	x2, x2, #FRAME
	cmp	x2, x6
	b.lo	5b
	orr	x0, x0, #1 << 53
6:	cmp	x2, x7
	b.hs	7f
	str	x0, [x1], #8
	add	x0, x0, #FRAME
	add	x2, x2, #FRAME
	b	6b
7:	ldr	x0, =ENTRY_PAGE_RW | NEVER_ANY
	add	x2, x0, x10
	add	x2, x2, x20
	add	x0, x0, x20
8:	str	x0, [x1], #8
	add	x0, x0, #FRAME
	cmp	x0, x2
	b.lo	8b

	// Level 3 of the stacks: upper half of slot 0.
	ldr	x0, =ENTRY_PAGE_RW | NEVER_ANY
	add	x1, x25, #FRAME_STACK * FRAME
	add	x0, x0, x1
	add	x3, x3, #((STACK_SLOT - STACK_BYTES) / FRAME) * 8
	mov	x2, #STACK_BYTES / FRAME
9:	str	x0, [x3], #8
	add	x0, x0, #FRAME
	subs	x2, x2, #1
	b.ne	9b

	// The GiB of this code, at its own address, for the moment in which the MMU goes on.
	add	x0, x25, #FRAME_IDENTITY0 * FRAME
	add	x1, x25, #FRAME_IDENTITY1 * FRAME
	orr	x2, x1, #ENTRY_TABLE
	ubfx	x3, x19, #39, #9
	str	x2, [x0, x3, lsl #3]
	ubfx	x3, x19, #30, #9
	lsr	x2, x19, #30
	lsl	x2, x2, #30
	mov	x4, #(ENTRY_BLOCK_RW | 0x80)
	orr	x2, x2, x4
	orr	x2, x2, #NEVER_USER
	str	x2, [x1, x3, lsl #3]

	// What the C# part has to know (in data, found at its linked offset).
	ldr	x0, =shield_boot
	ldr	x1, =_data_start
	sub	x0, x0, x1
	add	x0, x0, x20
	str	x19, [x0, #BOOT_IMAGE]
	str	x20, [x0, #BOOT_BASE]
	str	x21, [x0, #BOOT_BYTES]
	str	x26, [x0, #BOOT_USED]
	add	x1, x25, #FRAME_LEVEL2 * FRAME
	str	x1, [x0, #BOOT_LEVEL2]
	add	x1, x25, #FRAME_EMPTY * FRAME
	str	x1, [x0, #BOOT_EMPTY]
	str	x22, [x0, #BOOT_BUFFER]
	str	x23, [x0, #BOOT_BUFFER_BYTES]
	str	x24, [x0, #BOOT_TASK]
	ldr	x1, =_data_end
	ldr	x2, =_image_start
	sub	x1, x1, x2
	add	x1, x1, x19				// the page behind the image
	str	x1, [x0, #BOOT_COMMAND_LINE]

	mov	x0, x20
	bl	clean_invalidate

	// Translation on.
	mov	x0, #0xff				// MAIR index 0: Normal, write-back
	msr	mair_el1, x0
	ldr	x0, =TCR
	msr	tcr_el1, x0
	add	x0, x25, #FRAME_IDENTITY0 * FRAME
	msr	ttbr0_el1, x0
	msr	ttbr1_el1, x25
	mov	x0, #3 << 20				// FP/SIMD not trapped, SVE and SME trapped
	msr	cpacr_el1, x0
	mov	x0, #2					// CNTVCT_EL0 readable at EL0
	msr	cntkctl_el1, x0
	msr	contextidr_el1, xzr
	msr	tpidr_el1, xzr
	msr	tpidrro_el0, xzr
	msr	tpidr_el0, xzr
	ldr	x0, =shield_vectors
	msr	vbar_el1, x0
	dsb	ish
	tlbi	vmalle1
	ic	iallu
	dsb	ish
	isb
	ldr	x0, =SCTLR
	msr	sctlr_el1, x0
	isb
	ldr	x0, =high
	br	x0

// Cleans and invalidates the data cache over [x0, x26). Clobbers x0-x3.
clean_invalidate:
	mrs	x1, ctr_el0
	ubfx	x1, x1, #16, #4
	mov	x2, #4
	lsl	x2, x2, x1
1:	dc	civac, x0
	add	x0, x0, x2
	cmp	x0, x26
	b.lo	1b
	dsb	sy
	ret
	.ltorg

	.text
// At the linked address now. The identity map goes; the first stack is slot 0's.
high:
	add	x0, x25, #FRAME_EMPTY * FRAME
	msr	ttbr0_el1, x0
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	msr	pan, #1
	msr	spsel, #1
	ldr	x0, =_image_start + STACK_AREA_OFFSET + STACK_SLOT - REGISTERS_SIZE
	mov	sp, x0
	mov	x29, #0
	mov	x30, #0
	ldr	x1, =shield_boot
	bl	shield_main				// (registers, boot information)
	b	shield_return_to_user
	.ltorg

	.data
	.balign	16
	.global	shield_boot
shield_boot:
	.space	BOOT_SIZE
