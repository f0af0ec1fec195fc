// Registers keep their values while the CPU goes to others, to handlers, to calls and to fault handling.
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include "check.h"

static volatile int hits;

/// A handler that uses every vector register.
static void spoil(int signal)
{
    (void)signal;
    hits++;
    __asm__ volatile(
        "movi v0.16b, #1\n movi v1.16b, #1\n movi v2.16b, #1\n movi v3.16b, #1\n movi v8.16b, #1\n movi v9.16b, #1\n"
        "movi v15.16b, #1\n movi v16.16b, #1\n movi v17.16b, #1\n movi v30.16b, #1\n movi v31.16b, #1\n msr fpcr, xzr\n msr fpsr, xzr"
        : : : "v0", "v1", "v2", "v3", "v8", "v9", "v15", "v16", "v17", "v30", "v31");
}

/// Fills x1-x7, x9-x27, all vector registers, FPCR, FPSR and the flags from `seed`, does `count` rounds of `inner`, and tells the sum of what has changed.
#define ROUNDS(name, inner)                                                                                                                 \
    static __attribute__((noinline)) unsigned long name(unsigned long seed, unsigned long count, unsigned long argument)                    \
    {                                                                                                                                       \
        register unsigned long x0 __asm__("x0") = seed;                                                                                     \
        register unsigned long x1 __asm__("x1") = count;                                                                                    \
        register unsigned long x2 __asm__("x2") = argument;                                                                                 \
        __asm__ volatile(                                                                                                                   \
            "add x9, x0, #9\n add x10, x0, #10\n add x11, x0, #11\n add x12, x0, #12\n add x13, x0, #13\n add x14, x0, #14\n"               \
            "add x15, x0, #15\n add x16, x0, #16\n add x17, x0, #17\n add x20, x0, #20\n add x21, x0, #21\n add x22, x0, #22\n"             \
            "add x23, x0, #23\n add x24, x0, #24\n add x25, x0, #25\n add x26, x0, #26\n mov x27, x0\n mov x28, x1\n"                       \
            ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"                                \
            "add x3, x0, #\\n\n dup v\\n\\().2d, x3\n ins v\\n\\().d[1], x9\n .endr\n"                                                      \
            "mov x3, #0x1000000\n msr fpcr, x3\n mov x3, #0x1f\n msr fpsr, x3\n"                                                            \
            "1: mov x3, #0xa0000000\n msr nzcv, x3\n " inner "\n"                                                                           \
            "mrs x3, nzcv\n mov x4, #0xa0000000\n cmp x3, x4\n b.ne 2f\n"                                                                   \
            "subs x28, x28, #1\n b.ne 1b\n"                                                                                                 \
            "mov x0, #0\n"                                                                                                                  \
            ".irp n,9,10,11,12,13,14,15,16,17,20,21,22,23,24,25,26\n sub x3, x\\n, #\\n\n eor x3, x3, x27\n orr x0, x0, x3\n .endr\n"       \
            ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"                                \
            "umov x3, v\\n\\().d[0]\n sub x3, x3, #\\n\n eor x3, x3, x27\n orr x0, x0, x3\n"                                                \
            "umov x3, v\\n\\().d[1]\n eor x3, x3, x9\n orr x0, x0, x3\n .endr\n"                                                            \
            "mrs x3, fpcr\n mov x4, #0x1000000\n eor x3, x3, x4\n orr x0, x0, x3\n"                                                         \
            "mrs x3, fpsr\n and x3, x3, #0x1f\n mov x4, #0x1f\n eor x3, x3, x4\n orr x0, x0, x3\n msr fpcr, xzr\n b 3f\n"                   \
            "2: mov x0, #1\n msr fpcr, xzr\n 3:"                                                                                            \
            : "+r"(x0), "+r"(x1), "+r"(x2)                                                                                                  \
            :                                                                                                                               \
            : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x20", "x21", "x22", "x23",   \
              "x24", "x25", "x26", "x27", "x28", "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",  \
              "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", \
              "v30", "v31");                                                                                                                \
        return x0;                                                                                                                          \
    }

ROUNDS(compute, "mov x5, #200\n 4: sub x5, x5, #1\n cbnz x5, 4b")
ROUNDS(call_local, "mov x5, x0\n mov x6, x1\n mov x8, #172\n svc #0\n mov x0, x5\n mov x1, x6")           // getpid
ROUNDS(call_forwarded, "mov x5, x0\n mov x6, x1\n mov x8, #174\n svc #0\n mov x0, x5\n mov x1, x6")       // getuid
ROUNDS(call_yield, "mov x5, x0\n mov x6, x1\n mov x8, #124\n svc #0\n mov x0, x5\n mov x1, x6")           // sched_yield
ROUNDS(touch, "ldr x5, [x2]\n str x5, [x2]\n add x2, x2, #4096")

static void *each(void *argument)
{
    unsigned long seed = (unsigned long)argument * 0x123456789abcUL;
    for (int i = 0; i < 4; i++) {
        EQUAL(0, compute(seed + i, 40000, 0));
        EQUAL(0, call_local(seed + i, 800, 0));
        EQUAL(0, call_forwarded(seed + i, 400, 0));
        EQUAL(0, call_yield(seed + i, 200, 0));
        char *pages = mmap(NULL, 300 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(pages != MAP_FAILED);
        EQUAL(0, touch(seed + i, 300, (unsigned long)pages));
        munmap(pages, 300 * 4096);
    }
    return NULL;
}

static void threads(void)
{
    pthread_t list[5];
    for (long i = 0; i < 5; i++)
        EQUAL(0, pthread_create(&list[i], NULL, each, (void *)(i + 1)));
    for (int i = 0; i < 5; i++)
        pthread_join(list[i], NULL);
}

int main(void)
{
    struct itimerval value = { { 0, 2000 }, { 0, 2000 } };
    time_limit(150);
    STEP("threads");
    threads();
    STEP("processes");
    for (int i = 0; i < 3; i++)
        if (checked_fork() == 0) {
            each((void *)(long)(i + 77));
            _exit(0);
        }
    int status;
    for (int i = 0; i < 3; i++) {
        CHECK(wait(&status) > 0);
        EQUAL(0, status);
    }
    STEP("signals");
    on(SIGVTALRM, spoil, SA_RESTART);
    on(SIGPROF, spoil, SA_RESTART);
    EQUAL(0, setitimer(ITIMER_VIRTUAL, &value, NULL));
    EQUAL(0, setitimer(ITIMER_PROF, &value, NULL));
    threads();
    CHECK(hits > 5);
    return 0;
}
