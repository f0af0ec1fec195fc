// Entry of the test image: the header of an arm64 Linux Image, the MMU, a stack, zeroed memory, then C#.

    .section .head, "ax"
    .global _start
_start:
    b       begin
    .long   0
    .quad   0x200000                // text_offset
    .quad   0x200000                // image_size
    .quad   0
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

    .text
begin:
    // An identity map of 1 GiB blocks: devices (attribute 1, never executed), then RAM (attribute 0, write-back).
    adrp    x0, table
    add     x0, x0, :lo12:table
    msr     ttbr0_el2, x0
    mov     x1, #0x04ff
    msr     mair_el2, x1
    ldr     x1, =0x80823520         // 32-bit addresses, 4 KiB granule, write-back, inner shareable
    msr     tcr_el2, x1
    mov     x1, #0x33ff             // no trap of FP and SIMD
    msr     cptr_el2, x1
    tlbi    alle2
    dsb     sy
    isb
    ldr     x1, =0x30c5183d         // MMU and caches
    msr     sctlr_el2, x1
    isb

    adrp    x0, _stack_top
    add     sp, x0, :lo12:_stack_top
    adrp    x0, _bss_start
    add     x0, x0, :lo12:_bss_start
    adrp    x1, _bss_end
    add     x1, x1, :lo12:_bss_end
1:  cmp     x0, x1
    b.hs    2f
    stp     xzr, xzr, [x0], #16
    b       1b
2:  mov     x29, xzr
    mrs     x0, id_aa64isar0_el1
    bl      test_main

    // PSCI SYSTEM_OFF
    .global test_power_off
test_power_off:
    movz    x0, #0x8400, lsl #16
    movk    x0, #8
    smc     #0
    b       .

    .global test_counter
test_counter:
    isb
    mrs     x0, cntpct_el0
    ret

    .section .rodata.table, "a"
    .balign 64
table:
    .quad   0x0040000000000745
    .quad   0x0000000040000741
    .quad   0
    .quad   0
