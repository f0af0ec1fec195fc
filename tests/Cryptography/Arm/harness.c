/*
 * Runs the assembly routines on what comes in on standard input, and prints what comes out; the test beside it
 * compares. One command a line, operands in hexadecimal, "-" for an empty one:
 *
 *   expand KEY                       -> SCHEDULE
 *   gcm SHIFT DECRYPT KEY NONCE ASSOCIATED DATA -> DATA TAG   (DECRYPT: 0 encrypts, 1 decrypts in place, 2 elsewhere)
 *   p384 ROUTINE LEFT RIGHT MODULUS INVERSE -> RESULT  (limbs in memory order; ROUTINE: add, subtract, multiply,
 *                                       field; with a + behind it the result takes the place of LEFT, with a - of RIGHT)
 *   sha256 SHIFT STATE DATA          -> STATE          (words of the state in memory order)
 *
 * SHIFT (0-15) moves data and tag away from their natural alignment. A line that starts with "error" tells of a
 * changed register or of a write outside the operands.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bb_aes256_expand(const uint8_t *key, uint8_t *schedule);
void bb_aes256_gcm_crypt(const uint8_t *schedule, const uint8_t *nonce, const uint8_t *associated,
                         size_t associated_length, uint8_t *data, size_t length, uint8_t *tag, const uint8_t *cipher);
void bb_p384_add(uint64_t *sum, const uint64_t *left, const uint64_t *right, const uint64_t *modulus);
void bb_p384_subtract(uint64_t *difference, const uint64_t *left, const uint64_t *right, const uint64_t *modulus);
void bb_p384_multiply(uint64_t *product, const uint64_t *left, const uint64_t *right, const uint64_t *modulus, uint64_t inverse);
void bb_p384_multiply_field(uint64_t *product, const uint64_t *left, const uint64_t *right, const uint64_t *p);
void bb_sha256_blocks(uint32_t *state, const uint8_t *data, size_t blocks);
uint64_t call_with_registers(void *routine, const uint64_t *arguments, const uint8_t *before, uint8_t *after);

enum { MARGIN = 64, LARGEST = 1 << 16 };

struct operand {
    uint8_t *start; /* of the allocation */
    uint8_t *bytes;
    size_t length;
};

static struct operand make(size_t length, unsigned shift)
{
    struct operand o;

    o.start = aligned_alloc(64, (length + 2 * MARGIN + 63 + 64) / 64 * 64);
    if (!o.start)
        exit(2);
    memset(o.start, 0xa5, length + 2 * MARGIN);
    o.bytes = o.start + MARGIN / 2 + shift;
    o.length = length;
    return o;
}

/* Frees; 0 if the bytes around the operand are as they were. */
static int release(struct operand o)
{
    size_t i;
    int changed = 0;

    for (i = 0; i < o.length + 2 * MARGIN; i++)
        if (o.start + i < o.bytes || o.start + i >= o.bytes + o.length)
            changed |= o.start[i] != 0xa5;
    free(o.start);
    return changed;
}

static struct operand parse(char **cursor, unsigned shift)
{
    char *text = strsep(cursor, " \n");
    size_t i, length;
    struct operand o;
    unsigned byte;

    if (!text)
        exit(3);
    length = strcmp(text, "-") ? strlen(text) / 2 : 0;
    o = make(length, shift);
    for (i = 0; i < length; i++) {
        if (sscanf(text + 2 * i, "%2x", &byte) != 1)
            exit(3);
        o.bytes[i] = (uint8_t)byte;
    }
    return o;
}

static unsigned parse_number(char **cursor)
{
    char *text = strsep(cursor, " \n");

    if (!text)
        exit(3);
    return (unsigned)strtoul(text, NULL, 10);
}

static void print(const uint8_t *bytes, size_t length, char end)
{
    size_t i;

    if (!length)
        putchar('-');
    for (i = 0; i < length; i++)
        printf("%02x", bytes[i]);
    putchar(end);
}

static int call(void *routine, const uint64_t arguments[8])
{
    static uint8_t before[512], after[512];
    size_t i;

    for (i = 0; i < sizeof(before); i++)
        before[i] = (uint8_t)(rand() >> 7);
    memset(after, 0, sizeof(after));
    if (call_with_registers(routine, arguments, before, after)) {
        puts("error: a general register was changed");
        return 1;
    }
    if (memcmp(before, after, sizeof(before))) {
        puts("error: a vector register was changed");
        return 1;
    }
    return 0;
}

#define ARGUMENT(x) ((uint64_t)(uintptr_t)(x))

static void expand(char *cursor)
{
    struct operand key = parse(&cursor, 0), schedule = make(240, 0);
    uint64_t arguments[8] = { ARGUMENT(key.bytes), ARGUMENT(schedule.bytes) };
    uint8_t result[240];

    if (key.length != 32)
        exit(3);
    if (call((void *)bb_aes256_expand, arguments))
        return;
    memcpy(result, schedule.bytes, sizeof(result));
    if (release(key) | release(schedule))
        puts("error: a write outside the operands");
    else
        print(result, sizeof(result), '\n');
}

static void gcm(char *cursor)
{
    unsigned shift = parse_number(&cursor), decrypt = parse_number(&cursor);
    struct operand key = parse(&cursor, 0), nonce = parse(&cursor, 0), associated = parse(&cursor, shift);
    struct operand cipher = parse(&cursor, shift), data = make(cipher.length, shift * 3 % 16), tag = make(16, shift), schedule = make(240, 0);
    uint64_t arguments[8] = {
        ARGUMENT(schedule.bytes), ARGUMENT(nonce.bytes), ARGUMENT(associated.bytes), associated.length,
        ARGUMENT(data.bytes), data.length, ARGUMENT(tag.bytes), decrypt == 2 ? ARGUMENT(cipher.bytes) : decrypt ? ARGUMENT(data.bytes) : 0,
    };

    if (key.length != 32 || nonce.length != 12)
        exit(3);
    if (decrypt != 2)
        memcpy(data.bytes, cipher.bytes, data.length);
    if (!associated.length)
        arguments[2] = 0;
    if (!data.length)
        arguments[4] = 0;
    bb_aes256_expand(key.bytes, schedule.bytes);
    if (call((void *)bb_aes256_gcm_crypt, arguments))
        return;
    print(data.bytes, data.length, ' ');
    print(tag.bytes, 16, '\n');
    if (release(key) | release(nonce) | release(associated) | release(cipher) | release(data) | release(tag) | release(schedule))
        puts("error: a write outside the operands");
}

static void p384(char *cursor)
{
    static void *const routines[] = {
        (void *)bb_p384_add, (void *)bb_p384_subtract, (void *)bb_p384_multiply, (void *)bb_p384_multiply_field,
    };
    static const char *const names[] = { "add", "subtract", "multiply", "field" };
    char *name = strsep(&cursor, " ");
    struct operand left = parse(&cursor, 0), right = parse(&cursor, 0), modulus = parse(&cursor, 0), inverse = parse(&cursor, 0);
    struct operand result = make(48, 0);
    uint64_t arguments[8] = { ARGUMENT(result.bytes), ARGUMENT(left.bytes), ARGUMENT(right.bytes), ARGUMENT(modulus.bytes) };
    char place = name[strlen(name) - 1];
    size_t i;

    if (left.length != 48 || right.length != 48 || modulus.length != 48 || inverse.length != 8)
        exit(3);
    memcpy(&arguments[4], inverse.bytes, 8);
    if (place == '+' || place == '-') {
        arguments[0] = place == '+' ? arguments[1] : arguments[2];
        name[strlen(name) - 1] = 0;
    }
    for (i = 0; strcmp(name, names[i]); i++)
        if (i == 3)
            exit(3);
    if (call(routines[i], arguments))
        return;
    print((const uint8_t *)(uintptr_t)arguments[0], 48, '\n');
    if (release(left) | release(right) | release(modulus) | release(inverse) | release(result))
        puts("error: a write outside the operands");
}

static void sha256(char *cursor)
{
    unsigned shift = parse_number(&cursor);
    struct operand state = parse(&cursor, 0), data = parse(&cursor, shift);
    uint64_t arguments[8] = { ARGUMENT(state.bytes), ARGUMENT(data.bytes), data.length / 64 };

    if (state.length != 32 || data.length % 64)
        exit(3);
    if (call((void *)bb_sha256_blocks, arguments))
        return;
    print(state.bytes, 32, '\n');
    if (release(state) | release(data))
        puts("error: a write outside the operands");
}

int main(void)
{
    static char line[4 * LARGEST + 1024];

    while (fgets(line, sizeof(line), stdin)) {
        char *cursor = line;
        char *command = strsep(&cursor, " ");

        if (!strcmp(command, "expand"))
            expand(cursor);
        else if (!strcmp(command, "gcm"))
            gcm(cursor);
        else if (!strcmp(command, "p384"))
            p384(cursor);
        else if (!strcmp(command, "sha256"))
            sha256(cursor);
        else
            return 3;
    }
    return 0;
}
