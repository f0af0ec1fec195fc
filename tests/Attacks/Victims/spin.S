/* SPDX-License-Identifier: GPL-2.0 */
/* int spin_with(first x0, factor x1, step x2, rounds x3) */
	.text
	.globl	spin_with
	.type	spin_with, %function

	.macro	next
	madd	x0, x0, x1, x2
	.endm

	.macro	put index
	ins	v\index\().d[0], x0
	next
	ins	v\index\().d[1], x0
	next
	.endm

	.macro	get index
	umov	x4, v\index\().d[0]
	cmp	x4, x0
	b.ne	9f
	next
	umov	x4, v\index\().d[1]
	cmp	x4, x0
	b.ne	9f
	next
	.endm

	.macro	put_general index
	mov	x\index, x0
	next
	.endm

	.macro	get_general index
	cmp	x\index, x0
	b.ne	9f
	next
	.endm

spin_with:
	stp	x29, x30, [sp, #-176]!
	mov	x29, sp
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	str	x0, [sp, #160]
	.irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	put	\i
	.endr
	ldr	x0, [sp, #160]
	.irp i, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
	put_general \i
	.endr
1:	subs	x3, x3, #1
	b.ne	1b
	ldr	x0, [sp, #160]
	.irp i, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
	get_general \i
	.endr
	ldr	x0, [sp, #160]
	.irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	get	\i
	.endr
	mov	x0, #1
	b	8f
9:	mov	x0, #0
8:	/* nothing of it stays in the registers */
	.irp i, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	movi	v\i\().2d, #0
	.endr
	.irp i, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
	mov	x\i, xzr
	.endr
	str	xzr, [sp, #160]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	ldp	x29, x30, [sp], #176
	ret
	.size	spin_with, . - spin_with
	.section .note.GNU-stack, "", %progbits
