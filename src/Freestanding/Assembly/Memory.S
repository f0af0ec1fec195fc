// Block copy and fill for compiled code, in general registers only: the vector registers belong to whoever was interrupted.
// memcpy and memmove are one routine; copying is forward unless the destination starts inside the source.

	.text
	.global memcpy
	.global memmove
	.type	memcpy, %function
	.type	memmove, %function
	.balign	16
memcpy:
memmove:
	sub	x3, x0, x1
	cmp	x3, x2			// unsigned: 0 < dst - src < length means overlap from above
	b.lo	.Lbackward
	mov	x3, x0
.Lforward64:
	subs	x2, x2, #64
	b.lo	.Lforward_tail
	ldp	x4, x5, [x1]
	ldp	x6, x7, [x1, #16]
	ldp	x8, x9, [x1, #32]
	ldp	x10, x11, [x1, #48]
	add	x1, x1, #64
	stp	x4, x5, [x3]
	stp	x6, x7, [x3, #16]
	stp	x8, x9, [x3, #32]
	stp	x10, x11, [x3, #48]
	add	x3, x3, #64
	b	.Lforward64
.Lforward_tail:
	add	x2, x2, #64
.Lforward8:
	subs	x2, x2, #8
	b.lo	.Lforward_bytes
	ldr	x4, [x1], #8
	str	x4, [x3], #8
	b	.Lforward8
.Lforward_bytes:
	adds	x2, x2, #8
	b.eq	.Ldone
.Lforward1:
	ldrb	w4, [x1], #1
	strb	w4, [x3], #1
	subs	x2, x2, #1
	b.ne	.Lforward1
.Ldone:
	ret

.Lbackward:
	cbz	x2, .Ldone
	add	x3, x0, x2
	add	x1, x1, x2
.Lbackward64:
	subs	x2, x2, #64
	b.lo	.Lbackward_tail
	ldp	x4, x5, [x1, #-16]
	ldp	x6, x7, [x1, #-32]
	ldp	x8, x9, [x1, #-48]
	ldp	x10, x11, [x1, #-64]!
	stp	x4, x5, [x3, #-16]
	stp	x6, x7, [x3, #-32]
	stp	x8, x9, [x3, #-48]
	stp	x10, x11, [x3, #-64]!
	b	.Lbackward64
.Lbackward_tail:
	add	x2, x2, #64
.Lbackward8:
	subs	x2, x2, #8
	b.lo	.Lbackward_bytes
	ldr	x4, [x1, #-8]!
	str	x4, [x3, #-8]!
	b	.Lbackward8
.Lbackward_bytes:
	adds	x2, x2, #8
	b.eq	.Ldone
.Lbackward1:
	ldrb	w4, [x1, #-1]!
	strb	w4, [x3, #-1]!
	subs	x2, x2, #1
	b.ne	.Lbackward1
	ret
	.size	memcpy, . - memcpy
	.size	memmove, . - memmove

	.global	memset
	.type	memset, %function
	.balign	16
memset:
	mov	x3, x0
	and	x1, x1, #0xff
	mov	x4, #0x0101010101010101
	mul	x1, x1, x4
.Lset64:
	subs	x2, x2, #64
	b.lo	.Lset_tail
	stp	x1, x1, [x3]
	stp	x1, x1, [x3, #16]
	stp	x1, x1, [x3, #32]
	stp	x1, x1, [x3, #48]
	add	x3, x3, #64
	b	.Lset64
.Lset_tail:
	add	x2, x2, #64
.Lset8:
	subs	x2, x2, #8
	b.lo	.Lset_bytes
	str	x1, [x3], #8
	b	.Lset8
.Lset_bytes:
	adds	x2, x2, #8
	b.eq	.Lset_done
.Lset1:
	strb	w1, [x3], #1
	subs	x2, x2, #1
	b.ne	.Lset1
.Lset_done:
	ret
	.size	memset, . - memset
