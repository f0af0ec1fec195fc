/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gate page of the simulation. At +0 every task starts; +4 is where the
 * thread stands during a service request and where exec comes back: SP points
 * 8 bytes behind the service page, or (after exec) to the end of the buffer.
 */
	.section .text, "ax"
	.global _start, service
_start:
	b	begin
	stur	xzr, [sp, #-8]
	cbz	x20, returned_from_exec
	mov	sp, x20
	ldp	x20, x30, [sp], #16
	ret
begin:
	mov	x0, #0
	b	enter
returned_from_exec:
	mov	x0, #1
enter:
	mov	x1, sp
	bl	container
	brk	#0

/* service(address of the service page) */
service:
	stp	x20, x30, [sp, #-16]!
	mov	x20, sp
	add	sp, x0, #8
	b	_start + 4
