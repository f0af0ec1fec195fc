#include "macros.inc"

// void bb_aes256_expand(const uint8_t key[32], uint8_t schedule[240])
//
// The key schedule of AES-256 (FIPS 197, section 5.2): fifteen round keys in the order of their bytes.
// AESE with a zero round key substitutes and shifts rows; with four equal columns the shift changes nothing.
function bb_aes256_expand
    stp     q0, q1, [sp, #-32]!
    movi    v1.16b, #0
    ldp     w2, w3, [x0]
    ldp     w4, w5, [x0, #8]
    ldp     w6, w7, [x0, #16]
    ldp     w8, w9, [x0, #24]
    stp     w2, w3, [x1], #8
    stp     w4, w5, [x1], #8
    stp     w6, w7, [x1], #8
    stp     w8, w9, [x1], #8
    mov     w11, #1                     // round constant: 1, 2, 4 ... 64
1:  dup     v0.4s, w9
    aese    v0.16b, v1.16b
    umov    w10, v0.s[0]
    eor     w2, w2, w10, ror #8
    eor     w2, w2, w11
    eor     w3, w3, w2
    eor     w4, w4, w3
    eor     w5, w5, w4
    stp     w2, w3, [x1], #8
    stp     w4, w5, [x1], #8
    cmp     w11, #64
    b.eq    2f
    lsl     w11, w11, #1
    dup     v0.4s, w5
    aese    v0.16b, v1.16b
    umov    w10, v0.s[0]
    eor     w6, w6, w10
    eor     w7, w7, w6
    eor     w8, w8, w7
    eor     w9, w9, w8
    stp     w6, w7, [x1], #8
    stp     w8, w9, [x1], #8
    b       1b
2:  .irp    n, 2, 3, 4, 5, 6, 7, 8, 9, 10
    mov     w\n, wzr
    .endr
    ldp     q0, q1, [sp], #32
    ret
end_function bb_aes256_expand

// void bb_aes256_gcm_crypt(const uint8_t schedule[240], const uint8_t nonce[12],
//                          const uint8_t *associated, size_t associated_length,
//                          uint8_t *data, size_t length, uint8_t tag[16], const uint8_t *cipher)
//
// AES-256-GCM (NIST SP 800-38D, section 7): encrypts data in place (cipher = 0), or decrypts cipher into data, and computes
// the tag over associated data and ciphertext. cipher may be data, else it must not overlap it; each byte of it is read once, so
// that somebody else may change it meanwhile. It does not compare tags: that is the caller's. length must be below
// 16 (2^32 - 2). Pointers of empty strings are not used. tag must not overlap the other operands.
// Uses 528 bytes of stack, where nothing secret stays.
//
// Blocks are hashed with the bits of each byte reversed (RBIT): then bit i of the register is the coefficient of x^i,
// and GHASH is multiplication modulo x^128 + x^7 + x^2 + x + 1 without further shifts.
//
// v0-v3   counter blocks, key stream       v12-v15 H, H^2, H^3, H^4 (reversed)
// v4-v7   data, temporaries                v16-v30 round keys
// v8      hash value; low part of products v31     the nonce, as a counter block
// v9, v10 middle and high parts            v11     0x87 in both halves
// w8      counter of the next block        x9-x15  temporaries

// Any round but the last of the block in v\b.
.macro round b, key
    aese    v\b\().16b, v\key\().16b
    aesmc   v\b\().16b, v\b\().16b
.endm

// The last round of the block in v\b.
.macro last_round b
    aese    v\b\().16b, v29.16b
    eor     v\b\().16b, v\b\().16b, v30.16b
.endm

// Encrypts the block in v\b.
.macro encrypt_one b
    .irp    key, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
    round   \b, \key
    .endr
    last_round \b
.endm

// Encrypts the blocks in v0 to v3, interleaved: the instructions have a latency of several cycles.
.macro encrypt_four
    .irp    key, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
    round   0, \key
    round   1, \key
    round   2, \key
    round   3, \key
    .endr
    .irp    b, 0, 1, 2, 3
    last_round \b
    .endr
.endm

// The counter block of the next counter.
.macro counter_block b
    rev     w9, w8
    mov     v\b\().16b, v31.16b
    mov     v\b\().s[3], w9
    add     w8, w8, #1
.endm

// v10:v9:v8 = v\a x v\h, the middle part weighing x^64. Changes v5, v6.
.macro multiply a, h
    ext     v5.16b, v\a\().16b, v\a\().16b, #8
    pmull   v8.1q, v\a\().1d, v\h\().1d
    pmull2  v10.1q, v\a\().2d, v\h\().2d
    pmull   v9.1q, v5.1d, v\h\().1d
    pmull2  v6.1q, v5.2d, v\h\().2d
    eor     v9.16b, v9.16b, v6.16b
.endm

// v10:v9:v8 += v\a x v\h. Changes v5, v6, v7.
.macro multiply_add a, h
    ext     v5.16b, v\a\().16b, v\a\().16b, #8
    pmull   v6.1q, v\a\().1d, v\h\().1d
    pmull2  v7.1q, v\a\().2d, v\h\().2d
    eor     v8.16b, v8.16b, v6.16b
    eor     v10.16b, v10.16b, v7.16b
    pmull   v6.1q, v5.1d, v\h\().1d
    pmull2  v7.1q, v5.2d, v\h\().2d
    eor     v9.16b, v9.16b, v6.16b
    eor     v9.16b, v9.16b, v7.16b
.endm

// v8 = v10:v9:v8 modulo x^128 + x^7 + x^2 + x + 1. The topmost 64 bits weigh x^192 = 0x87 x^64, then those below
// them x^128 = 0x87. Changes v5, v6, v9, v10.
.macro reduce
    pmull2  v5.1q, v10.2d, v11.2d
    movi    v6.16b, #0
    eor     v9.16b, v9.16b, v5.16b
    ext     v5.16b, v6.16b, v9.16b, #8
    eor     v8.16b, v8.16b, v5.16b
    ext     v5.16b, v9.16b, v6.16b, #8
    eor     v10.16b, v10.16b, v5.16b
    pmull   v5.1q, v10.1d, v11.1d
    eor     v8.16b, v8.16b, v5.16b
.endm

// v8 = (v8 + block) H, for the block in v4.
.macro hash_block
    rbit    v4.16b, v4.16b
    eor     v4.16b, v4.16b, v8.16b
    multiply 4, 12
    reduce
.endm

// Four blocks at v0 to v3, of ciphertext, into the hash value.
.macro hash_four
    rbit    v0.16b, v0.16b
    rbit    v1.16b, v1.16b
    rbit    v2.16b, v2.16b
    rbit    v3.16b, v3.16b
    eor     v0.16b, v0.16b, v8.16b
    multiply 0, 15
    multiply_add 1, 14
    multiply_add 2, 13
    multiply_add 3, 12
    reduce
.endm

function bb_aes256_gcm_crypt
    save_all_vectors
    sub     sp, sp, #16                 // scratch: one incomplete block

    mov     x9, x0
    ld1     {v16.16b, v17.16b, v18.16b, v19.16b}, [x9], #64
    ld1     {v20.16b, v21.16b, v22.16b, v23.16b}, [x9], #64
    ld1     {v24.16b, v25.16b, v26.16b, v27.16b}, [x9], #64
    ld1     {v28.16b, v29.16b, v30.16b}, [x9]
    movi    v31.16b, #0
    ldr     w9, [x1]
    ldr     w10, [x1, #4]
    ldr     w11, [x1, #8]
    mov     v31.s[0], w9
    mov     v31.s[1], w10
    mov     v31.s[2], w11
    mov     x9, #0x87
    dup     v11.2d, x9

    // The hash key and its powers.
    movi    v12.16b, #0
    encrypt_one 12
    rbit    v12.16b, v12.16b
    multiply 12, 12
    reduce
    mov     v13.16b, v8.16b
    multiply 13, 12
    reduce
    mov     v14.16b, v8.16b
    multiply 13, 13
    reduce
    mov     v15.16b, v8.16b
    movi    v8.16b, #0

    // Associated data.
    mov     x10, x3
1:  cmp     x10, #16
    b.lo    2f
    ld1     {v4.16b}, [x2], #16
    sub     x10, x10, #16
    hash_block
    b       1b
2:  cbz     x10, 4f
    stp     xzr, xzr, [sp]
    mov     x11, sp
3:  ldrb    w12, [x2], #1
    strb    w12, [x11], #1
    subs    x10, x10, #1
    b.ne    3b
    ld1     {v4.16b}, [sp]
    hash_block

    // Four blocks of data at a time.
4:  mov     w8, #2
    mov     x10, x5
    cmp     x7, #0
    csel    x15, x4, x7, eq             // where data is read
5:  cmp     x10, #64
    b.lo    8f
    counter_block 0
    counter_block 1
    counter_block 2
    counter_block 3
    encrypt_four
    sub     x10, x10, #64
    ld1     {v4.16b, v5.16b, v6.16b, v7.16b}, [x15], #64
    eor     v0.16b, v0.16b, v4.16b
    eor     v1.16b, v1.16b, v5.16b
    eor     v2.16b, v2.16b, v6.16b
    eor     v3.16b, v3.16b, v7.16b
    st1     {v0.16b, v1.16b, v2.16b, v3.16b}, [x4], #64
    cbz     x7, 6f
    mov     v0.16b, v4.16b
    mov     v1.16b, v5.16b
    mov     v2.16b, v6.16b
    mov     v3.16b, v7.16b
6:  hash_four
    b       5b

    // One block at a time.
7:  counter_block 0
    encrypt_one 0
    sub     x10, x10, #16
    ld1     {v4.16b}, [x15], #16
    eor     v0.16b, v0.16b, v4.16b
    st1     {v0.16b}, [x4], #16
    cmp     x7, #0
    b.ne    71f
    mov     v4.16b, v0.16b
71: hash_block
8:  cmp     x10, #16
    b.hs    7b

    // An incomplete block: key stream in the scratch is replaced by ciphertext byte by byte, then by zeros.
    cbz     x10, 12f
    counter_block 0
    encrypt_one 0
    st1     {v0.16b}, [sp]
    mov     x11, sp
    add     x14, sp, #16
9:  ldrb    w12, [x15], #1
    ldrb    w13, [x11]
    eor     w13, w13, w12
    strb    w13, [x4], #1
    cmp     x7, #0
    csel    w12, w12, w13, ne
    strb    w12, [x11], #1
    subs    x10, x10, #1
    b.ne    9b
10: strb    wzr, [x11], #1
    cmp     x11, x14
    b.ne    10b
    ld1     {v4.16b}, [sp]
    hash_block
    mov     w13, wzr

    // Both lengths in bits, and the mask of the tag: the block with counter 1.
12: lsl     x9, x3, #3
    lsl     x10, x5, #3
    rev     x9, x9
    rev     x10, x10
    mov     v4.d[0], x9
    mov     v4.d[1], x10
    hash_block
    mov     w8, #1
    counter_block 0
    encrypt_one 0
    rbit    v8.16b, v8.16b
    eor     v0.16b, v0.16b, v8.16b
    st1     {v0.16b}, [x6]

    stp     xzr, xzr, [sp]
    mov     w12, wzr
    add     sp, sp, #16
    restore_all_vectors
    ret
end_function bb_aes256_gcm_crypt

    .section .note.GNU-stack, "", %progbits
