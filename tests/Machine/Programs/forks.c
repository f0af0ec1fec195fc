// Forks: trees with copy-on-write, every kind of wait status, orphans, forks in a process with threads.
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include "check.h"

enum { PAGES = 64, PAGE = 4096 };
static unsigned char *memory;

static void fill(int value)
{
    for (int i = 0; i < PAGES; i++)
        memset(memory + i * PAGE, value + i, PAGE);
}

static void expect_filled(int value)
{
    for (int i = 0; i < PAGES; i++)
        for (int j = 0; j < PAGE; j += 511)
            CHECK(memory[i * PAGE + j] == (unsigned char)(value + i));
}

/// Each child sees its parent's bytes, changes them, and nobody else sees that.
static void tree(int depth, int value)
{
    if (depth == 0)
        return;
    pid_t children[3];
    for (int i = 0; i < 3; i++) {
        children[i] = checked_fork();
        if (children[i] == 0) {
            expect_filled(value);
            fill(value + i + 1);
            tree(depth - 1, value + i + 1);
            expect_filled(value + i + 1);
            _exit(0);
        }
        memory[i * PAGE + 8] ^= 1;
        memory[i * PAGE + 8] ^= 1;
    }
    for (int i = 2; i >= 0; i--)
        expect_success(children[i]);
    expect_filled(value);
}

static void statuses(void)
{
    int status;
    siginfo_t info;
    volatile unsigned long address = 16;
    pid_t child;

    for (int code = 0; code < 256; code += 51) {
        if ((child = checked_fork()) == 0)
            _exit(code);
        EQUAL(child, waitpid(child, &status, 0));
        CHECK(WIFEXITED(status));
        EQUAL(code, WEXITSTATUS(status));
    }
    const int signals[] = { SIGKILL, SIGTERM, SIGUSR1, SIGABRT, SIGSEGV, SIGFPE, SIGRTMIN + 3 };
    for (unsigned int i = 0; i < sizeof signals / sizeof *signals; i++) {
        if ((child = checked_fork()) == 0) {
            if (signals[i] == SIGSEGV)
                *(volatile int *)address = 1;
            raise(signals[i]);
            _exit(99);
        }
        EQUAL(child, waitpid(child, &status, 0));
        CHECK(WIFSIGNALED(status));
        EQUAL(signals[i], WTERMSIG(status));
    }
    if ((child = checked_fork()) == 0)
        _exit(7);
    EQUAL(0, waitid(P_PID, child, &info, WEXITED | WNOWAIT));
    EQUAL(CLD_EXITED, info.si_code);
    EQUAL(7, info.si_status);
    EQUAL(child, info.si_pid);
    EQUAL(SIGCHLD, info.si_signo);
    EQUAL(child, waitpid(-1, &status, 0));
    FAILS(ECHILD, waitpid(-1, &status, 0));
    FAILS(ECHILD, waitpid(child, &status, 0));

    if ((child = checked_fork()) == 0)
        for (;;)
            pause();
    EQUAL(0, waitpid(child, &status, WNOHANG));
    kill(child, SIGSTOP);
    EQUAL(child, waitpid(child, &status, WUNTRACED));
    CHECK(WIFSTOPPED(status));
    EQUAL(SIGSTOP, WSTOPSIG(status));
    kill(child, SIGCONT);
    EQUAL(child, waitpid(child, &status, WCONTINUED));
    CHECK(WIFCONTINUED(status));
    kill(child, SIGTERM);
    EQUAL(child, wait(&status));
    EQUAL(SIGTERM, WTERMSIG(status));

    // Ignored SIGCHLD: no zombies; wait ends when the last child has.
    on(SIGCHLD, SIG_IGN, 0);
    if ((child = checked_fork()) == 0)
        _exit(0);
    FAILS(ECHILD, waitpid(child, &status, 0));
    on(SIGCHLD, SIG_DFL, 0);
}

static void orphans(void)
{
    int ends[2];
    EQUAL(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
    EQUAL(0, pipe(ends));
    pid_t child = checked_fork();
    if (child == 0) {
        pid_t self = getpid();
        pid_t orphan = checked_fork();
        if (orphan == 0) {
            while (getppid() == self)
                sleep_ms(1);
            pid_t parent = getppid(), me = getpid();
            CHECK(write(ends[1], &parent, sizeof parent) == sizeof parent && write(ends[1], &me, sizeof me) == sizeof me);
            _exit(3);
        }
        _exit(0);
    }
    pid_t parent, orphan;
    int status;
    expect_success(child);
    EQUAL(sizeof parent, read(ends[0], &parent, sizeof parent));
    EQUAL(sizeof orphan, read(ends[0], &orphan, sizeof orphan));
    EQUAL(getpid(), parent);
    EQUAL(orphan, waitpid(-1, &status, 0));
    EQUAL(3, WEXITSTATUS(status));
    close(ends[0]);
    close(ends[1]);
    EQUAL(0, prctl(PR_SET_CHILD_SUBREAPER, 0));
}

static volatile int stop;
static void *write_all_the_time(void *argument)
{
    volatile unsigned long *words = argument;
    for (unsigned long i = 1; !stop; i++) {
        words[0] = i;
        words[PAGE / 8] = i;
        if (i % 4096 == 0)
            sched_yield();
    }
    return NULL;
}

/// While threads write, a child sees a copy that stays as it is.
static void with_threads(void)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        EQUAL(0, pthread_create(&threads[i], NULL, write_all_the_time, memory + i * 2 * PAGE));
    for (int i = 0; i < 30; i++) {
        pid_t child = checked_fork();
        if (child == 0) {
            unsigned long before[3], after;
            for (int j = 0; j < 3; j++)
                before[j] = *(volatile unsigned long *)(memory + j * 2 * PAGE);
            sleep_ms(2);
            for (int j = 0; j < 3; j++) {
                after = *(volatile unsigned long *)(memory + j * 2 * PAGE);
                CHECK(after == before[j]);
                unsigned long second = *(volatile unsigned long *)(memory + (j * 2 + 1) * PAGE);
                CHECK(second >= after - 1);   // The second page may be taken later, never earlier.
            }
            _exit(0);
        }
        if (i % 3 == 0)
            expect_success(child);
    }
    stop = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    int status;
    while (wait(&status) > 0)
        EQUAL(0, status);
}

static void storm(void)
{
    int status, running = 0;
    for (int i = 0; i < 120; i++) {
        pid_t child = checked_fork();
        if (child == 0) {
            memory[i % PAGES * PAGE] = (unsigned char)i;
            _exit(i % 7 ? 0 : 0);
        }
        if (++running == 10)
            for (; running > 4; running--) {
                CHECK(wait(&status) > 0);
                EQUAL(0, status);
            }
    }
    while (wait(&status) > 0)
        EQUAL(0, status);
}

int main(void)
{
    memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    time_limit(120);
    STEP("tree");
    fill(5);
    tree(3, 5);
    STEP("statuses");
    statuses();
    STEP("orphans");
    orphans();
    STEP("storm");
    storm();
    STEP("threads");
    with_threads();
    return 0;
}
