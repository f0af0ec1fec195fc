// The flat binary as a PE32+ file (Microsoft PE format; UEFI specification 2.10, section 2.1.1): headers in the first page, then text, then data.
	.arch	armv8.2-a

	.section .head, "ax"
	.global	_start
_start:
	.ascii	"MZ"
	.skip	58
	.long	pe_header - _start
pe_header:
	.ascii	"PE\0\0"
	.short	0xaa64, 2			// ARM64; sections
	.long	0, 0, 0
	.short	section_table - optional_header
	.short	0x206				// executable, no line numbers, no debug information
optional_header:
	.short	0x20b, 0			// PE32+
	.long	__text_size, __data_size, 0, entry - _start, __text_start - _start
	.quad	0				// image base: anywhere, entry relocates
	.long	4096, 512			// alignment in memory, in the file
	.short	0, 0, 0, 0, 0, 0
	.long	0, __image_size, 4096, 0	// of which headers; checksum
	.short	10, 0x100			// EFI application; data need not be executable
	.quad	0, 0, 0, 0
	.long	0, 6				// directories; the fifth (certificates) is for the signature
	.quad	0, 0, 0, 0, 0, 0
section_table:
	.ascii	".text\0\0\0"
	.long	__text_size, __text_start - _start, __text_size, __text_start - _start, 0, 0
	.short	0, 0
	.long	0x60000020			// code, execute, read
	.ascii	".data\0\0\0"
	.long	__data_memory, __data_start - _start, __data_size, __data_start - _start, 0, 0
	.short	0, 0
	.long	0xc0000040			// data, read, write
	.balign	4096

	.section .text.entry, "ax"
// EFI_STATUS entry(handle, system table). The image was linked at 0 and all that is absolute in it is data.
entry:
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	adrp	x2, _start
	adrp	x3, __relocations
	add	x3, x3, :lo12:__relocations
	adrp	x4, __relocations_end
	add	x4, x4, :lo12:__relocations_end
1:	cmp	x3, x4
	b.hs	2f
	ldp	x5, x6, [x3], #16
	ldr	x7, [x3], #8
	cmp	x6, #0x403			// R_AARCH64_RELATIVE
	b.ne	3f
	add	x7, x7, x2
	str	x7, [x2, x5]
	b	1b
2:	bl	UefiMain
4:	ldp	x29, x30, [sp], #16
	ret
3:	mov	x0, #1				// EFI_LOAD_ERROR
	orr	x0, x0, #(1 << 63)
	b	4b

// A call to native code asks, on its way back, whether a garbage collector waits. None does.
	.text
	.global	RhpGcPoll
RhpGcPoll:
	ret

	.bss
	.balign	8
	.global	RhpTrapThreads
RhpTrapThreads:
	.skip	8
