// SPDX-License-Identifier: MIT
/*
 * The program of the demonstration. It makes a secret of its own, 64 random
 * bytes, and holds it in heap, stack, general and vector registers, while it
 * waits for one byte on standard input. Only then does it write the secret to
 * standard output, in hexadecimal. Nothing of it goes through the system
 * before, so that whoever finds it in memory earlier has looked into the
 * program.
 *
 * If the byte is 'a', 64 bytes in hexadecimal follow: it writes evidence with
 * them as report data, in hexadecimal too, and waits again.
 *
 * Exit status: 0; 1 if something failed, or if a register or a copy in memory
 * had changed in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define SECRET_BYTES 64
#define REPORT_DATA 64
#define LONGEST_EVIDENCE 4096
#define HEAP_COPIES 8
/* Far enough apart that the copies are in different pages. */
#define HEAP_STRIDE 9000

static int fill(uint8_t *to, size_t length)
{
	while (length > 0) {
		ssize_t got = getrandom(to, length, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		to += got;
		length -= (size_t)got;
	}
	return 0;
}

/*
 * read(0, buffer, 1) with the secret in x19-x26 and q8-q11 all the while.
 * Afterwards the registers are written to `back`. Returns what read returned.
 */
__attribute__((noinline)) static long wait_holding(const uint8_t *secret, uint8_t *buffer, uint8_t *back)
{
	register long result __asm__("x0") = 0;
	register uint8_t *at __asm__("x1") = buffer;
	register long length __asm__("x2") = 1;
	register long number __asm__("x8") = 63; /* read */

	__asm__ volatile(
		"ldp	x19, x20, [%[secret]]\n"
		"ldp	x21, x22, [%[secret], #16]\n"
		"ldp	x23, x24, [%[secret], #32]\n"
		"ldp	x25, x26, [%[secret], #48]\n"
		"ldp	q8, q9, [%[secret]]\n"
		"ldp	q10, q11, [%[secret], #32]\n"
		"svc	#0\n"
		"stp	x19, x20, [%[back]]\n"
		"stp	x21, x22, [%[back], #16]\n"
		"stp	x23, x24, [%[back], #32]\n"
		"stp	x25, x26, [%[back], #48]\n"
		"stp	q8, q9, [%[back], #64]\n"
		"stp	q10, q11, [%[back], #96]\n"
		: "+r"(result)
		: "r"(at), "r"(length), "r"(number), [secret] "r"(secret), [back] "r"(back)
		: "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
		  "v8", "v9", "v10", "v11", "memory");
	return result;
}

static void say(const char *text)
{
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		_exit(1);
}

static void say_hex(const char *word, const uint8_t *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	static char line[2 * LONGEST_EVIDENCE + 16];
	size_t at = strlen(word);
	size_t i;

	memcpy(line, word, at);
	for (i = 0; i < length; i++) {
		line[at++] = digits[bytes[i] >> 4];
		line[at++] = digits[bytes[i] & 15];
	}
	line[at++] = '\n';
	line[at] = 0;
	say(line);
}

static int digit(char letter)
{
	return letter >= '0' && letter <= '9' ? letter - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Returns 0, or -1 with errno. */
static int attest(void)
{
	static uint8_t evidence[LONGEST_EVIDENCE];
	uint8_t data[REPORT_DATA];
	char pair[2];
	ssize_t got;
	int file;
	int i;

	for (i = 0; i < REPORT_DATA; i++) {
		if (read(STDIN_FILENO, &pair[0], 1) != 1 || read(STDIN_FILENO, &pair[1], 1) != 1)
			return -1;
		if (digit(pair[0]) < 0 || digit(pair[1]) < 0) {
			errno = EINVAL;
			return -1;
		}
		data[i] = (uint8_t)(digit(pair[0]) << 4 | digit(pair[1]));
	}
	file = open("/dev/attestation/user_report_data", O_WRONLY);
	if (file < 0 || write(file, data, sizeof(data)) != (ssize_t)sizeof(data))
		return -1;
	close(file);
	file = open("/dev/attestation/quote", O_RDONLY);
	got = file < 0 ? -1 : read(file, evidence, sizeof(evidence));
	if (got <= 0)
		return -1;
	close(file);
	say_hex("evidence ", evidence, (size_t)got);
	return 0;
}

int main(void)
{
	uint8_t secret[SECRET_BYTES];
	uint8_t back[2 * SECRET_BYTES];
	uint8_t *heap = malloc(HEAP_COPIES * HEAP_STRIDE);
	uint8_t byte;
	long got;
	int i;

	if (!heap || fill(secret, sizeof(secret)) < 0) {
		say("failed: no memory or no randomness\n");
		return 1;
	}
	for (i = 0; i < HEAP_COPIES; i++)
		memcpy(heap + i * HEAP_STRIDE, secret, sizeof(secret));
	say("ready\n");

	do {
		got = wait_holding(secret, &byte, back);
		if (got == 1 && byte == 'a' && attest() < 0) {
			say("failed: no evidence: ");
			say(strerror(errno));
			say("\n");
			return 1;
		}
	} while (got == -EINTR || (got == 1 && byte == 'a'));
	if (got != 1) {
		say("failed: no byte came\n");
		return 1;
	}
	for (i = 0; i < HEAP_COPIES; i++) {
		if (memcmp(heap + i * HEAP_STRIDE, secret, sizeof(secret))) {
			say("failed: the memory has changed\n");
			return 1;
		}
	}
	if (memcmp(back, secret, sizeof(secret)) || memcmp(back + SECRET_BYTES, secret, sizeof(secret))) {
		say("failed: the registers have changed\n");
		return 1;
	}

	say_hex("secret ", secret, sizeof(secret));
	return 0;
}
