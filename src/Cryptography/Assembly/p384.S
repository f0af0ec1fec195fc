#include "macros.inc"

// Arithmetic modulo numbers of 384 bits (six limbs of 64 bits, the least significant first), with 2^383 < m < 2^384. Operands
// are smaller than m, results too. The result may be one of the operands. No branch, no address and no condition but a
// selection between registers depends on an operand: the time is the same for all values.
// Nothing is kept on the stack but registers of the caller; values stay in x3 to x17 on return, as in the code that calls.

// x\i0 to x\i5 = the limbs at \from.
.macro load_limbs from, i0, i1, i2, i3, i4, i5
    ldp     x\i0, x\i1, [\from]
    ldp     x\i2, x\i3, [\from, #16]
    ldp     x\i4, x\i5, [\from, #32]
.endm

.macro store_limbs to, i0, i1, i2, i3, i4, i5
    stp     x\i0, x\i1, [\to]
    stp     x\i2, x\i3, [\to, #16]
    stp     x\i4, x\i5, [\to, #32]
.endm

// void bb_p384_add(uint64_t sum[6], const uint64_t left[6], const uint64_t right[6], const uint64_t modulus[6])
function bb_p384_add
    load_limbs x1, 4, 5, 6, 7, 8, 9
    load_limbs x2, 10, 11, 12, 13, 14, 15
    adds    x4, x4, x10
    adcs    x5, x5, x11
    adcs    x6, x6, x12
    adcs    x7, x7, x13
    adcs    x8, x8, x14
    adcs    x9, x9, x15
    adc     x16, xzr, xzr
    load_limbs x3, 10, 11, 12, 13, 14, 15
    subs    x10, x4, x10
    sbcs    x11, x5, x11
    sbcs    x12, x6, x12
    sbcs    x13, x7, x13
    sbcs    x14, x8, x14
    sbcs    x15, x9, x15
    sbcs    xzr, x16, xzr               // carry clear: the sum was smaller than m
    csel    x4, x10, x4, cs
    csel    x5, x11, x5, cs
    csel    x6, x12, x6, cs
    csel    x7, x13, x7, cs
    csel    x8, x14, x8, cs
    csel    x9, x15, x9, cs
    store_limbs x0, 4, 5, 6, 7, 8, 9
    ret
end_function bb_p384_add

// void bb_p384_subtract(uint64_t difference[6], const uint64_t left[6], const uint64_t right[6], const uint64_t modulus[6])
function bb_p384_subtract
    load_limbs x1, 4, 5, 6, 7, 8, 9
    load_limbs x2, 10, 11, 12, 13, 14, 15
    subs    x4, x4, x10
    sbcs    x5, x5, x11
    sbcs    x6, x6, x12
    sbcs    x7, x7, x13
    sbcs    x8, x8, x14
    sbcs    x9, x9, x15
    csetm   x16, cc                     // all ones: m is added
    load_limbs x3, 10, 11, 12, 13, 14, 15
    .irp    n, 10, 11, 12, 13, 14, 15
    and     x\n, x\n, x16
    .endr
    adds    x4, x4, x10
    adcs    x5, x5, x11
    adcs    x6, x6, x12
    adcs    x7, x7, x13
    adcs    x8, x8, x14
    adc     x9, x9, x15
    store_limbs x0, 4, 5, 6, 7, 8, 9
    ret
end_function bb_p384_subtract

// Multiplication in Montgomery form: left * right / 2^384, limb by limb of left (Koc, Acar, Kaliski, "Analyzing and comparing
// Montgomery multiplication algorithms", 1996: CIOS). Before and after each limb t is smaller than 2 m, in seven limbs.
//
// x0 result   x1 left   x3 limb of left, then u   x4-x9 right   x10-x17 t, by turns   x25-x28 temporaries

// t += x3 * right.
.macro add_product t0, t1, t2, t3, t4, t5, t6, t7
    mul     x25, x3, x4
    mul     x26, x3, x5
    mul     x27, x3, x6
    mul     x28, x3, x7
    adds    x\t0, x\t0, x25
    mul     x25, x3, x8
    adcs    x\t1, x\t1, x26
    mul     x26, x3, x9
    adcs    x\t2, x\t2, x27
    umulh   x27, x3, x4
    adcs    x\t3, x\t3, x28
    umulh   x28, x3, x5
    adcs    x\t4, x\t4, x25
    umulh   x25, x3, x6
    adcs    x\t5, x\t5, x26
    umulh   x26, x3, x7
    adcs    x\t6, x\t6, xzr
    adc     x\t7, xzr, xzr
    adds    x\t1, x\t1, x27
    umulh   x27, x3, x8
    adcs    x\t2, x\t2, x28
    umulh   x28, x3, x9
    adcs    x\t3, x\t3, x25
    adcs    x\t4, x\t4, x26
    adcs    x\t5, x\t5, x27
    adcs    x\t6, x\t6, x28
    adc     x\t7, x\t7, xzr
.endm

// t = (t + u m) / 2^64 for any m, in x19 to x24, with x2 = -1/m modulo 2^64; t0 becomes zero, the result stands in t1 to t7.
.macro reduce_any t0, t1, t2, t3, t4, t5, t6, t7
    mul     x3, x\t0, x2
    mul     x25, x3, x19
    mul     x26, x3, x20
    mul     x27, x3, x21
    mul     x28, x3, x22
    adds    x\t0, x\t0, x25
    mul     x25, x3, x23
    adcs    x\t1, x\t1, x26
    mul     x26, x3, x24
    adcs    x\t2, x\t2, x27
    umulh   x27, x3, x19
    adcs    x\t3, x\t3, x28
    umulh   x28, x3, x20
    adcs    x\t4, x\t4, x25
    umulh   x25, x3, x21
    adcs    x\t5, x\t5, x26
    umulh   x26, x3, x22
    adcs    x\t6, x\t6, xzr
    adc     x\t7, x\t7, xzr
    adds    x\t1, x\t1, x27
    umulh   x27, x3, x23
    adcs    x\t2, x\t2, x28
    umulh   x28, x3, x24
    adcs    x\t3, x\t3, x25
    adcs    x\t4, x\t4, x26
    adcs    x\t5, x\t5, x27
    adcs    x\t6, x\t6, x28
    adc     x\t7, x\t7, xzr
.endm

// The same for p = 2^384 - N, N = 2^128 + 2^96 - 2^32 + 1. Then u = (2^32 + 1) t0 modulo 2^64, and t + u p = t - u N + u 2^384.
// The lowest limb of u N is t0, so that the rest of it is taken from the rest of t: u N / 2^64, rounded down, which is
// u 2^64 + u 2^32 less v / 2^64, rounded up, with v = u (2^32 - 1), whose lowest limb is -t0.
.macro reduce_p t0, t1, t2, t3, t4, t5, t6, t7
    add     x3, x\t0, x\t0, lsl #32     // u
    lsl     x25, x3, #32
    lsr     x26, x3, #32
    subs    x27, x25, x3
    sbc     x27, x26, xzr               // upper limb of v
    cmp     xzr, x\t0                   // carry set: t0 = 0, nothing to round up
    sbcs    x25, x25, x27
    sbc     x26, x26, xzr               // not below zero: a borrow needs u above 2^32
    adds    x26, x26, x3
    adc     x27, xzr, xzr
    subs    x\t1, x\t1, x25
    sbcs    x\t2, x\t2, x26
    sbcs    x\t3, x\t3, x27
    sbcs    x\t4, x\t4, xzr
    sbcs    x\t5, x\t5, xzr
    sbcs    x\t6, x\t6, xzr
    sbc     x\t7, x\t7, xzr
    adds    x\t6, x\t6, x3
    adc     x\t7, x\t7, xzr
    mov     x\t0, xzr
.endm

// All limbs of left. t turns by one register with each: the lowest, zero now, becomes the uppermost.
.macro multiply_limbs reduce
    .irp    n, 10, 11, 12, 13, 14, 15, 16, 17
    mov     x\n, xzr
    .endr
    ldr     x3, [x1]
    add_product 10, 11, 12, 13, 14, 15, 16, 17
    \reduce  10, 11, 12, 13, 14, 15, 16, 17
    ldr     x3, [x1, #8]
    add_product 11, 12, 13, 14, 15, 16, 17, 10
    \reduce  11, 12, 13, 14, 15, 16, 17, 10
    ldr     x3, [x1, #16]
    add_product 12, 13, 14, 15, 16, 17, 10, 11
    \reduce  12, 13, 14, 15, 16, 17, 10, 11
    ldr     x3, [x1, #24]
    add_product 13, 14, 15, 16, 17, 10, 11, 12
    \reduce  13, 14, 15, 16, 17, 10, 11, 12
    ldr     x3, [x1, #32]
    add_product 14, 15, 16, 17, 10, 11, 12, 13
    \reduce  14, 15, 16, 17, 10, 11, 12, 13
    ldr     x3, [x1, #40]
    add_product 15, 16, 17, 10, 11, 12, 13, 14
    \reduce  15, 16, 17, 10, 11, 12, 13, 14
.endm

// Stores t, in the registers where the last limb leaves it, less m if it is not smaller, with m in the six registers.
.macro store_reduced m0, m1, m2, m3, m4, m5
    subs    x\m0, x16, x\m0
    sbcs    x\m1, x17, x\m1
    sbcs    x\m2, x10, x\m2
    sbcs    x\m3, x11, x\m3
    sbcs    x\m4, x12, x\m4
    sbcs    x\m5, x13, x\m5
    sbcs    xzr, x14, xzr               // carry clear: t was smaller than m
    csel    x16, x\m0, x16, cs
    csel    x17, x\m1, x17, cs
    csel    x10, x\m2, x10, cs
    csel    x11, x\m3, x11, cs
    csel    x12, x\m4, x12, cs
    csel    x13, x\m5, x13, cs
    store_limbs x0, 16, 17, 10, 11, 12, 13
.endm

// void bb_p384_multiply(uint64_t product[6], const uint64_t left[6], const uint64_t right[6], const uint64_t modulus[6],
//                       uint64_t inverse)
//
// For any m; inverse = -1/m modulo 2^64.
function bb_p384_multiply
    stp     x19, x20, [sp, #-80]!
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    mov     x25, x4
    load_limbs x2, 4, 5, 6, 7, 8, 9
    load_limbs x3, 19, 20, 21, 22, 23, 24
    mov     x2, x25
    multiply_limbs reduce_any
    store_reduced 19, 20, 21, 22, 23, 24
    ldp     x27, x28, [sp, #64]
    ldp     x25, x26, [sp, #48]
    ldp     x23, x24, [sp, #32]
    ldp     x21, x22, [sp, #16]
    ldp     x19, x20, [sp], #80
    ret
end_function bb_p384_multiply

// void bb_p384_multiply_field(uint64_t product[6], const uint64_t left[6], const uint64_t right[6], const uint64_t p[6])
//
// For the modulus p of the curve, which must stand at the last argument.
function bb_p384_multiply_field
    stp     x25, x26, [sp, #-32]!
    stp     x27, x28, [sp, #16]
    load_limbs x2, 4, 5, 6, 7, 8, 9
    mov     x2, x3
    multiply_limbs reduce_p
    load_limbs x2, 4, 5, 6, 7, 8, 9
    store_reduced 4, 5, 6, 7, 8, 9
    ldp     x27, x28, [sp, #16]
    ldp     x25, x26, [sp], #32
    ret
end_function bb_p384_multiply_field

    .section .note.GNU-stack, "", %progbits
