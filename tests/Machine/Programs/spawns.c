// Programs started by vfork, posix_spawn and exec: arguments, environment, descriptors, signals across it, threads that go with it.
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include "check.h"

extern char **environ;
static const char *self;

static void *wait_for_ever(void *argument)
{
    for (;;)
        pause();
    return argument;
}

static void *spin_for_ever(void *argument)
{
    for (volatile long i = 0;; i++)
        ;
    return argument;
}

/// What a started program does: `check-...` is compared with what the starter says.
static int started(int count, char **arguments)
{
    if (strcmp(arguments[1], "exit") == 0)
        return atoi(arguments[2]);
    if (strcmp(arguments[1], "long") == 0) {
        int length = atoi(arguments[2]);
        EQUAL(atoi(arguments[3]), count);
        for (int i = 4; i < count; i++) {
            EQUAL(length, strlen(arguments[i]));
            CHECK(arguments[i][0] == 'a' + i % 26 && arguments[i][length - 1] == 'a' + i % 26);
        }
        int variables = 0;
        for (char **variable = environ; *variable; variable++)
            variables++;
        EQUAL(atoi(getenv("COUNT")), variables);
        return 0;
    }
    if (strcmp(arguments[1], "descriptors") == 0) {
        char byte;
        EQUAL(1, read(atoi(arguments[2]), &byte, 1));
        EQUAL('k', byte);
        FAILS(EBADF, read(atoi(arguments[3]), &byte, 1));
        return 0;
    }
    if (strcmp(arguments[1], "signals") == 0) {
        struct sigaction action;
        sigset_t mask;
        EQUAL(0, sigaction(SIGUSR1, NULL, &action));
        CHECK(action.sa_handler == SIG_IGN);
        EQUAL(0, sigaction(SIGUSR2, NULL, &action));
        CHECK(action.sa_handler == SIG_DFL);
        EQUAL(0, sigprocmask(SIG_BLOCK, NULL, &mask));
        EQUAL(1, sigismember(&mask, SIGHUP));
        EQUAL(0, sigismember(&mask, SIGTERM));
        sigpending(&mask);
        EQUAL(1, sigismember(&mask, SIGHUP));
        return 0;
    }
    if (strcmp(arguments[1], "chain") == 0) {
        int left = atoi(arguments[2]);
        char text[12];
        EQUAL(atoi(arguments[3]), getpid());
        if (left == 0)
            return 17;
        pthread_t thread;
        if (left % 2) {   // exec ends the other threads.
            pthread_create(&thread, NULL, wait_for_ever, NULL);
            pthread_create(&thread, NULL, spin_for_ever, NULL);
        }
        snprintf(text, sizeof text, "%d", left - 1);
        execl(self, self, "chain", text, arguments[3], NULL);
        return 98;
    }
    return 97;
}

static int status_of(pid_t child)
{
    int status;
    EQUAL(child, waitpid(child, &status, 0));
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void *exec_in_thread(void *argument)
{
    char text[12];
    snprintf(text, sizeof text, "%d", getpid());
    execl(self, self, "chain", "2", text, NULL);
    return argument;
}

static void handler(int signal)
{
    (void)signal;
}

int main(int count, char **arguments)
{
    self = arguments[0];
    if (count > 1)
        return started(count, arguments);
    time_limit(150);
    pid_t child;
    pthread_t thread;
    char text[12], other[12];

    STEP("vfork");
    volatile int shared = 0;
    for (int i = 0; i < 25; i++) {
        snprintf(text, sizeof text, "%d", i);
        child = vfork();
        CHECK(child >= 0);
        if (child == 0) {
            shared++;
            execl(self, self, "exit", text, NULL);
            _exit(99);
        }
        EQUAL(i + 1, shared);
        EQUAL(i, status_of(child));
    }
    child = vfork();
    if (child == 0)
        _exit(12);
    EQUAL(12, status_of(child));

    STEP("posix_spawn");
    pid_t children[6];
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 6; i++) {
            snprintf(text, sizeof text, "%d", i);
            char *list[] = { (char *)self, "exit", text, NULL };
            EQUAL(0, posix_spawn(&children[i], self, NULL, NULL, list, environ));
        }
        for (int i = 0; i < 6; i++)
            EQUAL(i, status_of(children[i]));
    }
    char *nothing[] = { "x", NULL };
    EQUAL(ENOENT, posix_spawn(&child, "/does/not/exist", NULL, NULL, nothing, environ));
    FAILS(EACCES, execl("/", "/", NULL));
    FAILS(ENOENT, execl("", "", NULL));
    FAILS(ENOTDIR, execl("/proc/self/exe/x", "", NULL));
    FAILS(EFAULT, execve((char *)8, nothing, environ));

    STEP("long arguments");
    for (int length = 10; length <= 100000; length *= 100) {
        int arguments_count = length > 50000 ? 12 : 800;
        char **list = calloc(arguments_count + 1, sizeof *list), **variables = calloc(302, sizeof *variables);
        char lengths[12], counts[12];
        snprintf(lengths, sizeof lengths, "%d", length);
        snprintf(counts, sizeof counts, "%d", arguments_count);
        list[0] = (char *)self, list[1] = "long", list[2] = lengths, list[3] = counts;
        for (int i = 4; i < arguments_count; i++) {
            list[i] = malloc(length + 1);
            memset(list[i], 'a' + i % 26, length);
            list[i][length] = 0;
        }
        for (int i = 0; i < 300; i++)
            CHECK(asprintf(&variables[i], "V%d=%0300d", i, i) > 0);
        variables[300] = "COUNT=301";
        if ((child = checked_fork()) == 0) {
            execve(self, list, variables);
            _exit(99);
        }
        EQUAL(0, status_of(child));
    }
    char *huge = malloc(140001);
    memset(huge, 'h', 140000);
    huge[140000] = 0;
    FAILS(E2BIG, execl(self, self, huge, NULL));

    STEP("descriptors");
    int ends[2], closed[2];
    EQUAL(0, pipe(ends));
    EQUAL(0, pipe2(closed, O_CLOEXEC));
    EQUAL(1, write(ends[1], "k", 1));
    EQUAL(1, write(closed[1], "c", 1));
    if ((child = checked_fork()) == 0) {
        snprintf(text, sizeof text, "%d", ends[0]);
        snprintf(other, sizeof other, "%d", closed[0]);
        execl(self, self, "descriptors", text, other, NULL);
        _exit(99);
    }
    EQUAL(0, status_of(child));
    EQUAL(1, read(closed[0], text, 1));

    STEP("signals");
    if ((child = checked_fork()) == 0) {
        sigset_t mask;
        on(SIGUSR1, SIG_IGN, 0);
        on(SIGUSR2, handler, 0);
        sigemptyset(&mask);
        sigaddset(&mask, SIGHUP);
        sigprocmask(SIG_BLOCK, &mask, NULL);
        raise(SIGHUP);
        execl(self, self, "signals", NULL);
        _exit(99);
    }
    EQUAL(0, status_of(child));

    STEP("chain");
    if ((child = checked_fork()) == 0) {
        snprintf(text, sizeof text, "%d", getpid());
        execl(self, self, "chain", "8", text, NULL);
        _exit(99);
    }
    EQUAL(17, status_of(child));

    STEP("exec in a thread");
    for (int i = 0; i < 6; i++) {
        if ((child = checked_fork()) == 0) {
            if (i % 2) {
                pthread_create(&thread, NULL, exec_in_thread, NULL);
                spin_for_ever(NULL);
            }
            pthread_create(&thread, NULL, spin_for_ever, NULL);
            pthread_create(&thread, NULL, exec_in_thread, NULL);
            wait_for_ever(NULL);
        }
        EQUAL(17, status_of(child));
    }
    return 0;
}
