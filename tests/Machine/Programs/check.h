// What the programs share. Each checks itself and ends with 0 (all as the manual pages say) or 1 with a line that says what was not.
#ifndef CHECK_H
#define CHECK_H
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                                                                  \
    do {                                                                                                                  \
        if (!(condition)) {                                                                                               \
            int error_ = errno;                                                                                           \
            dprintf(2, "%s:%d: not so: %s (errno %d, %s)\n", __FILE_NAME__, __LINE__, #condition, error_, strerror(error_)); \
            _exit(1);                                                                                                     \
        }                                                                                                                 \
    } while (0)

#define EQUAL(expected, actual)                                                                                                            \
    do {                                                                                                                                   \
        long expected_ = (long)(expected), actual_ = (long)(actual);                                                                       \
        int error_ = errno;                                                                                                                \
        if (expected_ != actual_) {                                                                                                        \
            dprintf(2, "%s:%d: %s is %ld, not %ld (errno %d, %s)\n", __FILE_NAME__, __LINE__, #actual, actual_, expected_, error_, strerror(error_)); \
            _exit(1);                                                                                                                      \
        }                                                                                                                                  \
    } while (0)

#define FAILS(error, call)      \
    do {                        \
        errno = 0;              \
        EQUAL(-1, call);        \
        EQUAL(error, errno);    \
    } while (0)

/// A fixed sequence, so that each run does the same.
static inline unsigned int next_random(unsigned int *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static inline void sleep_ms(long ms)
{
    struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
    while (nanosleep(&time, &time) && errno == EINTR)
        ;
}

static inline long now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/// Waits for a child and expects that it ended with exit code 0.
static inline void expect_success(pid_t child)
{
    int status;
    pid_t got;
    while ((got = waitpid(child, &status, 0)) < 0 && errno == EINTR)
        ;
    EQUAL(child, got);
    CHECK(WIFEXITED(status));
    EQUAL(0, WEXITSTATUS(status));
}

static inline pid_t checked_fork(void)
{
    pid_t child = fork();
    CHECK(child >= 0);
    return child;
}

static inline void on(int signal, void (*handler)(int), int flags)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
    EQUAL(0, sigaction(signal, &action, NULL));
}

/// A program that hangs is as wrong as one that fails, and says where it was.
static const char *volatile step_name = "start";
static inline void out_of_time(int signal)
{
    (void)signal;
    dprintf(2, "hangs in: %s\n", step_name);
    _exit(1);
}
static inline void time_limit(unsigned int seconds)
{
    on(SIGALRM, out_of_time, 0);
    alarm(seconds);
}
#define STEP(name)                                       \
    do {                                                 \
        step_name = name;                                \
        if (getenv("VERBOSE"))                           \
            dprintf(2, "%ld: %s\n", now_ms(), step_name); \
    } while (0)

#endif
