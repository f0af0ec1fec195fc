// EL1 exception vectors. An exception from EL0 saves the program's registers at the top of the thread's kernel stack and calls
//   shield_exception(kind, syndrome, fault address); an exception of the shield itself ends the enclave.
// FP/SIMD registers stay live, but q16 and q17, which compiled code uses for moves.

#include "Start/Layout.inc"

	.equ	KIND_SYNCHRONOUS, 0
	.equ	KIND_INTERRUPT, 1
	.equ	KIND_OTHER, 2

	.macro	user_entry kind
	.balign	128
	sub	sp, sp, #REGISTERS_SIZE
	stp	x0, x1, [sp, #0]
	stp	x2, x3, [sp, #16]
	mov	x0, #\kind
	b	from_user
	.endm

	.macro	own_entry kind
	.balign	128
	mov	x0, #\kind
	b	from_shield
	.endm

	.text
	.balign	2048
	.global	shield_vectors
shield_vectors:
	own_entry 0
	own_entry 1
	own_entry 2
	own_entry 3
	own_entry 4
	own_entry 5
	own_entry 6
	own_entry 7
	user_entry KIND_SYNCHRONOUS
	user_entry KIND_INTERRUPT
	user_entry KIND_OTHER
	user_entry KIND_OTHER
	own_entry 12				// AArch32 programs: the shield starts none
	own_entry 13
	own_entry 14
	own_entry 15

	.balign	128
from_user:
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x3, sp_el0
	stp	x30, x3, [sp, #240]
	mrs	x3, elr_el1
	mrs	x4, spsr_el1
	stp	x3, x4, [sp, #REGISTERS_PC]
	ldr	x3, [sp]
	mrs	x1, esr_el1
	stp	x3, x1, [sp, #REGISTERS_X0]
	stp	q16, q17, [sp, #REGISTERS_VECTORS]
	mrs	x2, far_el1
	mov	x29, #0
	mov	x30, #0
	bl	shield_exception

// Back to the program with the registers at SP.
	.global	shield_return_to_user
shield_return_to_user:
	ldp	x3, x4, [sp, #REGISTERS_PC]
	msr	elr_el1, x3
	msr	spsr_el1, x4
	ldp	q16, q17, [sp, #REGISTERS_VECTORS]
	ldp	x30, x3, [sp, #240]
	msr	sp_el0, x3
	ldp	x28, x29, [sp, #224]
	ldp	x26, x27, [sp, #208]
	ldp	x24, x25, [sp, #192]
	ldp	x22, x23, [sp, #176]
	ldp	x20, x21, [sp, #160]
	ldp	x18, x19, [sp, #144]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp, #0]
	add	sp, sp, #REGISTERS_SIZE
	eret
	dsb	nsh				// no speculation past the return
	isb

// An exception inside the shield. Its own stack in bss: the broken one may be the cause.
from_shield:
	mrs	x1, esr_el1
	mrs	x2, elr_el1
	mrs	x3, far_el1
	mov	x4, sp
	adrp	x5, panic_stack_top
	add	x5, x5, :lo12:panic_stack_top
	mov	sp, x5
	mov	x5, x29
	bl	shield_fault			// (kind, syndrome, where, address, stack, frame pointer)
	b	.

// A new thread: the ticket's SP is its registers, x0 the ticket's argument; x1 = IPA of its buffer, x2 = its bytes, x3 = task handle.
	.global	shield_thread_start
shield_thread_start:
	mov	x29, #0
	mov	x30, #0
	bl	shield_begin_thread
	b	shield_return_to_user

// shield_end_thread(lock word, number, a0, a1): releases the lock and makes the thread's last call without a stack, which from
// here on may be another thread's. It comes back when the call was not begun, since a signal's frame was outstanding or the thread
// was killed meanwhile: TaskEnded does not return then, else the call is made from the frame. Only kill would not end the thread
// there (the frame blocks its signal, a1): exit_group(128 + a1) in its place.
	.global	shield_end_thread
shield_end_thread:
	mov	x19, x1
	mov	x20, x2
	mov	x21, x3
	swpal	xzr, x4, [x0]
	tbz	x4, #63, 1f
	hvc	#14				// YieldBack: others wait
1:	hvc	#6				// TaskEnded: does not return in a dying task
	mov	x8, x19
	mov	x0, x20
	mov	x1, x21
	mov	x2, #0
	mov	x3, #0
	mov	x4, #0
	mov	x5, #0
	hvc	#1
	cbz	x21, 1b
	mov	x19, #94
	add	x20, x21, #128
	mov	x21, #0
	b	1b

	.bss
	.balign	16
	.space	4096
panic_stack_top:
