// uint64_t call_with_registers(void *routine, const uint64_t arguments[8],
//                              const uint8_t before[512], uint8_t after[512])
//
// Calls a routine with up to eight arguments and known values in v0-v31 and x19-x28; stores v0-v31 as they are
// afterwards. Returns 0 if the general registers that a callee must keep, and sp, are unchanged.

    .arch armv8-a
    .text
    .global call_with_registers
    .type   call_with_registers, %function
call_with_registers:
    stp     x29, x30, [sp, #-192]!
    mov     x29, sp
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    stp     d8, d9, [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    str     x3, [sp, #160]

    mov     x16, x0
    mov     x17, x1
    ld1     {v0.16b, v1.16b, v2.16b, v3.16b}, [x2], #64
    ld1     {v4.16b, v5.16b, v6.16b, v7.16b}, [x2], #64
    ld1     {v8.16b, v9.16b, v10.16b, v11.16b}, [x2], #64
    ld1     {v12.16b, v13.16b, v14.16b, v15.16b}, [x2], #64
    ld1     {v16.16b, v17.16b, v18.16b, v19.16b}, [x2], #64
    ld1     {v20.16b, v21.16b, v22.16b, v23.16b}, [x2], #64
    ld1     {v24.16b, v25.16b, v26.16b, v27.16b}, [x2], #64
    ld1     {v28.16b, v29.16b, v30.16b, v31.16b}, [x2]
    mov     x19, #0x1900
    mov     x20, #0x2000
    mov     x21, #0x2100
    mov     x22, #0x2200
    mov     x23, #0x2300
    mov     x24, #0x2400
    mov     x25, #0x2500
    mov     x26, #0x2600
    mov     x27, #0x2700
    mov     x28, sp
    ldp     x0, x1, [x17]
    ldp     x2, x3, [x17, #16]
    ldp     x4, x5, [x17, #32]
    ldp     x6, x7, [x17, #48]
    blr     x16

    mov     x9, sp
    ldr     x3, [x29, #160]
    st1     {v0.16b, v1.16b, v2.16b, v3.16b}, [x3], #64
    st1     {v4.16b, v5.16b, v6.16b, v7.16b}, [x3], #64
    st1     {v8.16b, v9.16b, v10.16b, v11.16b}, [x3], #64
    st1     {v12.16b, v13.16b, v14.16b, v15.16b}, [x3], #64
    st1     {v16.16b, v17.16b, v18.16b, v19.16b}, [x3], #64
    st1     {v20.16b, v21.16b, v22.16b, v23.16b}, [x3], #64
    st1     {v24.16b, v25.16b, v26.16b, v27.16b}, [x3], #64
    st1     {v28.16b, v29.16b, v30.16b, v31.16b}, [x3]

    eor     x0, x28, x9
    eor     x9, x29, x9
    orr     x0, x0, x9
    .irp    n, 19, 20, 21, 22, 23, 24, 25, 26, 27
    mov     x9, #(0x100 * (\n / 10 * 16 + \n % 10))
    eor     x9, x9, x\n
    orr     x0, x0, x9
    .endr

    mov     sp, x29
    ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     d8, d9, [sp, #96]
    ldp     d10, d11, [sp, #112]
    ldp     d12, d13, [sp, #128]
    ldp     d14, d15, [sp, #144]
    ldp     x29, x30, [sp], #192
    ret
    .size   call_with_registers, . - call_with_registers

    .section .note.GNU-stack, "", %progbits
