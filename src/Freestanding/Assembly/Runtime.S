// What compiled code refers to by name and an ordinary program would find in its runtime.
// Deliberately absent: RhpNewFast, RhpNewArray, RhpAssignRefArm64 and kin. Code that allocates does not link.

	.text

// void bb_raise_panic(const uint8_t *text, uint64_t length)
// Adds where it happened, and goes to the program's own end:
//   bb_panic(text, length, return address, frame pointer), never to return.
	.global	bb_raise_panic
	.type	bb_raise_panic, %function
bb_raise_panic:
	mov	x2, x30
	mov	x3, x29
	bl	bb_panic
	b	.
	.size	bb_raise_panic, . - bb_raise_panic

// A method marked UnmanagedCallersOnly announces itself to a runtime that is not there.
	.global	RhpReversePInvoke
	.global	RhpReversePInvokeReturn
	.type	RhpReversePInvoke, %function
	.type	RhpReversePInvokeReturn, %function
RhpReversePInvoke:
RhpReversePInvokeReturn:
	ret
	.size	RhpReversePInvoke, . - RhpReversePInvoke
	.size	RhpReversePInvokeReturn, . - RhpReversePInvokeReturn

// The compiler's last resort, a damaged stack canary among others.
	.global	RhpFallbackFailFast
	.type	RhpFallbackFailFast, %function
RhpFallbackFailFast:
	adrp	x0, .Lfail_fast
	add	x0, x0, :lo12:.Lfail_fast
	mov	x1, #.Lfail_fast_end - .Lfail_fast
	b	bb_raise_panic
	.size	RhpFallbackFailFast, . - RhpFallbackFailFast

	.section .rodata, "a"
.Lfail_fast:
	.ascii	"stack damaged"
.Lfail_fast_end:

// Canary of functions with stackalloc. A program with a source of entropy overwrites it once, early, from a function without one.
	.data
	.balign	8
	.global	__security_cookie
	.type	__security_cookie, %object
__security_cookie:
	.quad	0x5bd1e995c2b2ae3d
	.size	__security_cookie, 8
