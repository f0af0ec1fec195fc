// A small shield for testing the world switch alone: MMU off, one test per letter (first argument of the program), answers by exit status:
// 0 = as it must be, else the number of the check that failed. Position independent.
	.arch	armv8.5-a+sve

	.equ	HEADER, 0x1000
	.equ	OS_CALL, 1
	.equ	OS_FAULT, 2
	.equ	EVENT_GET, 3
	.equ	TICKET_ISSUE, 4
	.equ	TICKET_CANCEL, 5
	.equ	TASK_ENDED, 6
	.equ	ACCEPT, 7
	.equ	RELEASE, 8
	.equ	RANDOM, 9
	.equ	STOP, 11
	.equ	LOG, 12
	.equ	YIELD_TO, 13
	.equ	YIELD_BACK, 14

	.equ	BUFFER_ADDRESS, 0		// BufferHeader
	.equ	SERVICE_ADDRESS, 16
	.equ	OPERATION, 64
	.equ	ARGUMENT0, 72
	.equ	RESULT, 104
	.equ	RANGE_COUNT, 112
	.equ	RANGES, 1024
	.equ	STRINGS, HEADER

	.macro	expect number, first, second
	mov	w28, #\number
	cmp	\first, \second
	b.ne	finish
	.endm

	.section .shield, "a"
	.balign	4096
// x0 = own memory, x1 = bytes, x2 = IPA of the buffer, x3 = bytes, x4 = task
start:
	mov	x27, x0				// memory: stack at its end, variables at its start
	mov	x26, x2				// buffer
	add	x9, x0, x1
	mov	sp, x9
	ldr	x25, [x26, #BUFFER_ADDRESS]
	adr	x9, vectors
	msr	vbar_el1, x9
	mov	x9, #(3 << 20)
	msr	cpacr_el1, x9
	isb
	// strings: file name, argument 0, argument 1
	add	x9, x26, #STRINGS
	mov	w10, #2
1:	ldrb	w11, [x9], #1
	cbnz	w11, 1b
	subs	w10, w10, #1
	b.ne	1b
	ldrb	w24, [x9]
	mov	w28, #99
	cmp	w24, #'h'
	b.eq	test_hello
	cmp	w24, #'r'
	b.eq	test_registers
	cmp	w24, #'c'
	b.eq	test_calls
	cmp	w24, #'f'
	b.eq	test_fault
	cmp	w24, #'w'
	b.eq	test_write_text
	cmp	w24, #'k'
	b.eq	test_killed
	cmp	w24, #'d'
	b.eq	test_stubborn
	cmp	w24, #'t'
	b.eq	test_traps
	cmp	w24, #'g'
	b.eq	test_grant
	cmp	w24, #'y'
	b.eq	test_yield
	cmp	w24, #'b'
	b.eq	test_benchmark
	cmp	w24, #'p'
	b.eq	test_panic
	cmp	w24, #'s'
	b.eq	test_signal
	b	finish

passed:	mov	w28, #0
finish:	hvc	#TASK_ENDED
	mov	x0, x28
	mov	x8, #94				// exit_group
	hvc	#OS_CALL
	b	.

// x9 = text, x11 = length: write(1, ...)
say:	add	x12, x26, #HEADER
	mov	x2, x11
1:	ldrb	w13, [x9], #1
	strb	w13, [x12], #1
	subs	x11, x11, #1
	b.ne	1b
	mov	x0, #1
	add	x1, x25, #HEADER
	mov	x8, #64
	hvc	#OS_CALL
	ret

test_hello:
	adr	x9, hello
	mov	x11, #(hello_end - hello)
	bl	say
	expect	1, x1, #4			// GateDone
	expect	2, x0, #(hello_end - hello)
	b	passed

// Everything that OsCall promises to keep, over 200 calls; the results too.
test_calls:
	bl	fill
	mov	x23, #200
1:	mov	x8, #172			// getpid
	mov	x0, #0x123
	hvc	#OS_CALL
	mov	x22, x0
	expect	1, x1, #4
	expect	2, x2, #172
	cmp	x22, #1
	mov	w28, #3
	b.lt	finish
	bl	check
	mov	w28, #4
	cbnz	x0, finish
	mov	x8, #5000			// no such call: ENOSYS
	hvc	#OS_CALL
	expect	5, x0, #-38
	subs	x23, x23, #1
	b.ne	1b
	b	passed

// Interrupted for a second: nothing changes but time.
test_registers:
	bl	fill
	mrs	x23, cntvct_el0
	mrs	x22, cntfrq_el0
	add	x23, x23, x22
	mov	x0, #1000
1:	add	x1, x0, #1			// x0-x18 as well
	add	x18, x1, #17
	mrs	x17, cntvct_el0
	sub	x16, x18, #18
	cmp	x16, x0
	b.ne	2f
	cmp	x17, x23
	b.lo	1b
	bl	check
	mov	w28, #2
	cbnz	x0, finish
	b	passed
2:	mov	w28, #1
	b	finish

// The OS's memory: the enclave must end, with a line.
test_fault:
	mov	x0, #0x50000000
	ldr	x1, [x0]
	b	finish
// The shield's own text.
test_write_text:
	adr	x0, start
	str	x1, [x0]
	b	finish

test_panic:
	mov	x0, #7
	adr	x1, last_words
	mov	x2, #(last_words_end - last_words)
	hvc	#STOP
	b	finish

// Spins until the thread is dead, then ends as TaskExit wants it; says so on the console.
test_killed:
1:	hvc	#EVENT_GET
	tbz	x0, #1, 1b
	mov	x8, #172
	hvc	#OS_CALL			// refused now
	cmn	x0, #3
	b.ne	.
	cmn	x1, #1
	b.ne	.
	adr	x0, killed
	mov	x1, #(killed_end - killed)
	hvc	#LOG
	hvc	#TASK_ENDED
	b	.

// Never ends by itself: the module has to stop the enclave.
test_stubborn:
	b	.

// Instructions that a container may not have.
test_traps:
	mov	x0, #0x84000000			// PSCI_VERSION
	smc	#0
	expect	1, x0, #-1
	mov	x21, #0
	mrs	x0, pmcr_el0
	expect	2, x21, #1
	mrs	x0, dbgbcr0_el1
	expect	3, x21, #2
	msr	cntp_ctl_el0, xzr
	expect	4, x21, #3
	mov	x9, #(0x33 << 16)		// CPACR_EL1: FP and SVE
	msr	cpacr_el1, x9
	isb
	ptrue	p0.b
	expect	5, x21, #4
	mrs	x0, S3_3_C2_C4_0		// RNDR, or undefined: both are fine
	mov	w28, #6
	hvc	#RANDOM
	orr	x0, x0, x1
	cbz	x0, finish
	mov	w28, #7
	hvc	#100
	cmn	x0, #1				// NotSupported
	b.ne	finish
	mov	x0, #0x40000000			// not ours
	mov	x1, #1
	hvc	#ACCEPT
	mov	w28, #8
	cmn	x0, #3				// Denied
	b.ne	finish
	mov	x0, #0x40000000
	mov	x1, #0
	hvc	#RELEASE
	mov	w28, #9
	cmn	x0, #2				// Invalid
	b.ne	finish
	msr	cntv_ctl_el0, xzr		// must not cost the OS its timer
	mov	x8, #124			// sched_yield
	hvc	#OS_CALL
	expect	10, x0, #0
	b	passed

// Memory by the service Grant, accepted, used, released, given back.
test_grant:
	mov	x9, #1
	str	x9, [x26, #OPERATION]
	mov	x9, #24
	str	x9, [x26, #ARGUMENT0]
	ldr	x0, [x26, #SERVICE_ADDRESS]
	hvc	#OS_FAULT
	expect	1, x1, #4
	ldr	x0, [x26, #RESULT]
	mov	w28, #2
	cmp	x0, #24
	b.lt	finish
	ldr	x22, [x26, #RANGE_COUNT]
	mov	w28, #3
	cbz	x22, finish
	add	x23, x26, #RANGES
1:	ldp	x0, x1, [x23]
	mov	x20, x0
	mov	x21, x1
	hvc	#ACCEPT
	expect	4, x0, #0
	ldp	x0, x1, [x23]
	hvc	#ACCEPT				// only once
	mov	w28, #5
	cmn	x0, #3
	b.ne	finish
	mov	x0, x20
	lsl	x1, x21, #12
	add	x1, x1, x0
2:	ldr	x2, [x0]			// all of it can be used
	str	x0, [x0]
	ldr	x2, [x0]
	expect	6, x2, x0
	add	x0, x0, #4096
	cmp	x0, x1
	b.lo	2b
	mov	x0, x20
	mov	x1, x21
	hvc	#RELEASE
	expect	7, x0, #0
	add	x23, x23, #16
	subs	x22, x22, #1
	b.ne	1b
	mov	x9, #2				// Reclaim
	str	x9, [x26, #OPERATION]
	ldr	x0, [x26, #SERVICE_ADDRESS]
	hvc	#OS_FAULT
	expect	8, x1, #4
	ldr	x0, [x26, #RESULT]		// frames taken back: all
	mov	w28, #9
	cmp	x0, #24
	b.lt	finish
	b	passed

// A second task by ticket and clone; it is preempted while it spins, and the first runs it by directed yield.
	.equ	FLAG, 0				// variables at x27
	.equ	CHILD, 8
test_yield:
	str	xzr, [x27, #FLAG]
	str	xzr, [x27, #CHILD]
	mov	x9, #3				// ReserveTask
	str	x9, [x26, #OPERATION]
	ldr	x0, [x26, #SERVICE_ADDRESS]
	hvc	#OS_FAULT
	ldr	x0, [x26, #RESULT]
	mov	w28, #1
	cmp	x0, #0
	b.le	finish
	adr	x0, child
	add	x1, x27, #0x8000
	mov	x2, x27
	hvc	#TICKET_ISSUE
	expect	2, x0, #0
	hvc	#TICKET_ISSUE			// one at a time
	mov	w28, #3
	cmn	x0, #4				// Busy
	b.ne	finish
	mov	x0, #0x0f00			// CLONE_VM | FS | FILES | SIGHAND
	movk	x0, #0x0001, lsl #16		// CLONE_THREAD
	mov	x1, #0
	mov	x2, #0
	mov	x3, #0
	mov	x4, #0
	mov	x8, #220			// clone
	hvc	#OS_CALL
	mov	w28, #4
	cmp	x0, #0
	b.le	finish
1:	ldr	x22, [x27, #CHILD]		// its handle, once it runs
	cbnz	x22, 2f
	mov	x8, #124
	hvc	#OS_CALL
	b	1b
2:	mov	x9, #1				// "who gets the lock?"
	str	x9, [x27, #FLAG]
	dsb	sy
3:	mov	x0, x22
	hvc	#YIELD_TO
	ldr	x9, [x27, #FLAG]
	cmp	x9, #2
	b.ne	3b
	mov	x9, #3
	str	x9, [x27, #FLAG]
	dsb	sy
4:	ldr	x9, [x27, #FLAG]
	cmp	x9, #4
	b.eq	passed
	mov	x8, #124
	hvc	#OS_CALL
	b	4b

// x0 = argument, x1 = buffer, x2 = bytes, x3 = task
child:	mov	x27, x0
	mov	w28, #5
	mrs	x9, vbar_el1			// inherited
	adr	x10, vectors
	cmp	x9, x10
	b.ne	finish
	str	x3, [x27, #CHILD]
1:	ldr	x9, [x27, #FLAG]
	cmp	x9, #1
	b.ne	1b
	mov	x9, #2
	str	x9, [x27, #FLAG]
	hvc	#YIELD_BACK
2:	ldr	x9, [x27, #FLAG]
	cmp	x9, #3
	b.ne	2b
	mov	x9, #4
	str	x9, [x27, #FLAG]
	hvc	#TASK_ENDED
	mov	x0, #0
	mov	x8, #93				// exit
	hvc	#OS_CALL
	b	.

// Signals: one that comes with the result of a call (the way back is GateSignal), one while the container spins (virtual interrupt, EventGet).
	.equ	GATE_ADDRESS, 8
	.equ	SIGNAL, 16			// variable
test_signal:
	str	xzr, [x27, #FLAG]
	ldr	x9, [x26, #GATE_ADDRESS]
	add	x9, x9, #0x100			// GateSignal
	mov	x10, #0x0400
	movk	x10, #0x0c00, lsl #16		// SA_ONSTACK | SA_RESTORER; any restorer: the shield forwards rt_sigreturn itself
	add	x11, x26, #HEADER
	stp	x9, x10, [x11]
	stp	x9, xzr, [x11, #16]
	mov	x22, #10			// SIGUSR1, then SIGALRM
1:	mov	x0, x22
	add	x1, x25, #HEADER
	mov	x2, #0
	mov	x3, #8
	mov	x8, #134			// rt_sigaction
	hvc	#OS_CALL
	expect	1, x0, #0
	add	x22, x22, #4
	cmp	x22, #14
	b.eq	1b
	mov	x8, #172
	hvc	#OS_CALL
	mov	x1, #10
	mov	x8, #129			// kill(getpid(), SIGUSR1)
	hvc	#OS_CALL
	expect	2, x1, #0x100			// GateSignal
	expect	3, x0, #10
	mov	w28, #4
	cbz	x3, finish			// the frame
	mov	x8, #139			// rt_sigreturn
	hvc	#OS_CALL
	expect	5, x1, #4			// kill is done
	expect	6, x0, #0
	msr	daifclr, #2
	add	x11, x26, #HEADER
	stp	xzr, xzr, [x11]
	mov	x9, #50000
	stp	xzr, x9, [x11, #16]		// 50 ms, once
	mov	x0, #0
	add	x1, x25, #HEADER
	mov	x2, #0
	mov	x8, #103			// setitimer(ITIMER_REAL)
	hvc	#OS_CALL
	expect	7, x0, #0
	mrs	x23, cntvct_el0
	mrs	x22, cntfrq_el0
	add	x23, x23, x22, lsl #2
	mov	w28, #8
2:	ldr	x9, [x27, #FLAG]		// set by the interrupt below
	mrs	x10, cntvct_el0
	cmp	x10, x23
	b.hs	finish
	cbz	x9, 2b
	ldr	x9, [x27, #SIGNAL]
	expect	9, x9, #14
	mov	x8, #172
	hvc	#OS_CALL
	expect	10, x1, #4
	b	passed

// What a call costs, in instructions where one is one nanosecond (QEMU -icount shift=0): EventGet, getpid, write of one byte to standard output.
test_benchmark:
	adr	x22, measured
1:	ldp	w8, w21, [x22], #8		// number of the call, or 0: EventGet alone
	cmn	w8, #1
	b.eq	passed
	mov	x23, #4000			// the first round warms up
	bl	measure
	mov	x23, #4000
	bl	measure
	add	x0, x0, #125			// 16 instructions a tick, 4000 calls: per call, rounded
	mov	x10, #250
	udiv	x0, x0, x10
	add	x12, x26, #HEADER		// decimal, with what was measured in front
	str	w21, [x12], #4
	add	x13, x12, #8
	mov	w15, #10
	strb	w15, [x13, #-1]
	mov	w16, #' '
	strb	w16, [x12]
	sub	x13, x13, #1
2:	udiv	x14, x0, x15
	msub	x16, x14, x15, x0
	add	w16, w16, #'0'
	strb	w16, [x13, #-1]!
	mov	x0, x14
	sub	x17, x13, #1
	cmp	x17, x12
	b.hi	2b
	mov	x0, #2				// write(2, ...): standard output may be what is measured
	add	x1, x25, #HEADER
	mov	x2, #12
	mov	x8, #64
	hvc	#OS_CALL
	b	1b

// x23 calls of w8, standard output and one byte as arguments; x0 = ticks of the counter.
measure:
	mrs	x20, cntvct_el0
	mov	w24, w8
1:	mov	w8, w24
	cbz	w8, 2f
	mov	x0, #1
	add	x1, x25, #HEADER
	mov	x2, #1
	hvc	#OS_CALL
	b	3f
2:	hvc	#EVENT_GET
3:	subs	x23, x23, #1
	b.ne	1b
	mov	w8, w24
	mrs	x0, cntvct_el0
	sub	x0, x0, x20
	ret

measured:
	.long	0
	.ascii	"evnt"
	.long	172
	.ascii	"gpid"
	.long	64
	.ascii	"writ"
	.long	-1

// x19-x21 (free of use elsewhere here), d-registers: a pattern from the counter; kept in memory.
fill:	mrs	x19, cntvct_el0
	add	x20, x19, #20
	add	x21, x19, #21
	mov	x9, x19
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	add	x9, x9, #1
	mov	v\n\().d[0], x9
	mov	v\n\().d[1], x19
	.endr
	mov	x9, #(1 << 24)
	msr	fpcr, x9
	mov	x9, #0x9f
	msr	fpsr, x9
	msr	tpidrro_el0, x20
	msr	tpidr_el0, x21
	msr	contextidr_el1, x19
	ret

// x0 = 0 if the pattern is still there.
check:	mov	x0, #0
	add	x10, x19, #20
	eor	x10, x10, x20
	orr	x0, x0, x10
	add	x10, x19, #21
	eor	x10, x10, x21
	orr	x0, x0, x10
	mov	x9, x19
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	add	x9, x9, #1
	mov	x10, v\n\().d[0]
	eor	x10, x10, x9
	orr	x0, x0, x10
	mov	x10, v\n\().d[1]
	eor	x10, x10, x19
	orr	x0, x0, x10
	.endr
	mrs	x10, fpcr
	eor	x10, x10, #(1 << 24)
	orr	x0, x0, x10
	mrs	x10, fpsr
	mov	x9, #0x9f
	eor	x10, x10, x9
	orr	x0, x0, x10
	mrs	x10, tpidrro_el0
	eor	x10, x10, x20
	orr	x0, x0, x10
	mrs	x10, tpidr_el0
	eor	x10, x10, x21
	orr	x0, x0, x10
	mrs	x10, contextidr_el1
	eor	w10, w10, w19
	orr	x0, x0, x10
	ret

hello:	.ascii	"hello from the container\n"
hello_end:
killed:	.ascii	"dying task has ended"
killed_end:
last_words:
	.ascii	"last words"
last_words_end:

// From EL1 itself: an undefined instruction counts in x21 and is skipped; the virtual interrupt sets FLAG.
	.balign	2048
vectors:
	.rept	4
	b	.
	.balign	128
	.endr
	mrs	x9, elr_el1
	add	x9, x9, #4
	msr	elr_el1, x9
	add	x21, x21, #1
	eret
	.balign	128
	b	interrupted
	.balign	128
	.rept	10
	b	.
	.balign	128
	.endr
interrupted:
	stp	x0, x1, [sp, #-48]!
	stp	x2, x3, [sp, #16]
	str	x8, [sp, #32]
	hvc	#EVENT_GET
	str	x1, [x27, #SIGNAL]
	mov	x8, #139
	hvc	#OS_CALL
	mov	x8, #1
	str	x8, [x27, #FLAG]
	ldr	x8, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp], #48
	eret
