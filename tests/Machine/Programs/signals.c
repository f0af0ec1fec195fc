// Signals: timers that hit calls and computation, restarts, nesting, masks, alternate stacks, information, queues, faults.
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <ucontext.h>
#include "check.h"

static volatile int hits, depth, deepest;

static void count(int signal)
{
    (void)signal;
    hits++;
}

static void timer(long interval)
{
    struct itimerval value = { { 0, interval }, { 0, interval } };
    EQUAL(0, setitimer(ITIMER_REAL, &value, NULL));
}

/// Results stay right however often a handler comes between.
static void storm(void)
{
    hits = 0;
    on(SIGALRM, count, SA_RESTART);
    timer(1500);
    unsigned int state = 1, sum = 0;
    double value = 0;
    for (int i = 0; i < 3000000; i++) {
        sum += next_random(&state);
        value += sqrt((double)(i & 1023));
    }
    int during_computation = hits;
    int ends[2];
    EQUAL(0, pipe(ends));
    for (int i = 0; i < 1500; i++) {
        int got, sent = i * 3;
        EQUAL(sizeof sent, write(ends[1], &sent, sizeof sent));
        EQUAL(sizeof got, read(ends[0], &got, sizeof got));
        EQUAL(sent, got);
        CHECK(getppid() > 0);
    }
    pid_t child;
    for (int i = 0; i < 10; i++) {
        if ((child = checked_fork()) == 0)
            _exit(0);
        expect_success(child);
    }
    timer(0);
    state = 1;
    unsigned int again = 0;
    double value_again = 0;
    for (int i = 0; i < 3000000; i++) {
        again += next_random(&state);
        value_again += sqrt((double)(i & 1023));
    }
    EQUAL(again, sum);
    CHECK(value == value_again);
    CHECK(during_computation > 2);
    CHECK(hits > during_computation);
    close(ends[0]), close(ends[1]);
}

static void nest(int signal)
{
    if (++depth > deepest)
        deepest = depth;
    if (signal == SIGRTMIN + 1)
        raise(SIGRTMIN + 2);
    if (signal == SIGRTMIN + 2)
        raise(SIGRTMIN + 3);
    hits++;
    depth--;
}

static void nesting(void)
{
    hits = deepest = 0;
    for (int i = 1; i <= 3; i++)
        on(SIGRTMIN + i, nest, 0);
    raise(SIGRTMIN + 1);
    EQUAL(3, deepest);
    EQUAL(3, hits);

    // Its own signal is blocked in a handler, unless SA_NODEFER.
    sigset_t mask, old, empty;
    sigemptyset(&empty);
    sigemptyset(&mask);
    for (int i = 1; i <= 3; i++)
        sigaddset(&mask, SIGRTMIN + i);
    EQUAL(0, sigprocmask(SIG_BLOCK, &mask, &old));
    hits = 0;
    for (int i = 0; i < 5; i++)
        EQUAL(0, sigqueue(getpid(), SIGRTMIN + 3, (union sigval){ .sival_int = i }));
    sigpending(&mask);
    EQUAL(1, sigismember(&mask, SIGRTMIN + 3));
    EQUAL(0, hits);
    EQUAL(0, sigprocmask(SIG_SETMASK, &old, NULL));
    EQUAL(5, hits);
}

static volatile int order[8], orders;
static void note(int signal, siginfo_t *info, void *context)
{
    (void)context;
    CHECK(signal == info->si_signo);
    CHECK(info->si_pid == getpid());
    EQUAL(SI_QUEUE, info->si_code);
    order[orders++] = info->si_value.sival_int;
}

static void information(void)
{
    struct sigaction action = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGRTMIN + 4);
    EQUAL(0, sigaction(SIGRTMIN + 4, &action, NULL));
    EQUAL(0, sigprocmask(SIG_BLOCK, &mask, NULL));
    for (int i = 0; i < 6; i++)
        EQUAL(0, sigqueue(getpid(), SIGRTMIN + 4, (union sigval){ .sival_int = 100 + i }));
    siginfo_t info;
    EQUAL(SIGRTMIN + 4, sigwaitinfo(&mask, &info));
    EQUAL(100, info.si_value.sival_int);
    EQUAL(0, sigprocmask(SIG_UNBLOCK, &mask, NULL));
    EQUAL(5, orders);
    for (int i = 0; i < 5; i++)
        EQUAL(101 + i, order[i]);
    struct timespec brief = { 0, 20000000 };
    EQUAL(0, sigprocmask(SIG_BLOCK, &mask, NULL));
    FAILS(EAGAIN, sigtimedwait(&mask, &info, &brief));

    int fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd >= 0) {
        struct signalfd_siginfo read_info;
        FAILS(EAGAIN, read(fd, &read_info, sizeof read_info));
        EQUAL(0, sigqueue(getpid(), SIGRTMIN + 4, (union sigval){ .sival_int = 77 }));
        EQUAL(sizeof read_info, read(fd, &read_info, sizeof read_info));
        EQUAL(SIGRTMIN + 4, read_info.ssi_signo);
        EQUAL(77, read_info.ssi_int);
        close(fd);
    }
    EQUAL(0, sigprocmask(SIG_UNBLOCK, &mask, NULL));
}

// The other process waits by then, however slow the machine is.
enum { LATER = 200 };

static void restarts(void)
{
    pid_t parent = getpid(), child;
    sigset_t mask, empty, old;
    sigemptyset(&empty);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    on(SIGUSR1, count, 0);
    EQUAL(0, sigprocmask(SIG_BLOCK, &mask, &old));
    for (int i = 0; i < 20; i++) {
        hits = 0;
        if ((child = checked_fork()) == 0) {
            if (i % 2)
                sleep_ms(2);
            kill(parent, SIGUSR1);
            _exit(0);
        }
        FAILS(EINTR, sigsuspend(&empty));
        EQUAL(1, hits);
        expect_success(child);
    }
    EQUAL(0, sigprocmask(SIG_SETMASK, &old, NULL));

    // Without SA_RESTART a wait ends, with it it goes on; nanosleep says what is left.
    for (int restart = 0; restart < 2; restart++) {
        on(SIGUSR1, count, restart ? SA_RESTART : 0);
        hits = 0;
        if ((child = checked_fork()) == 0) {
            sleep_ms(LATER);
            kill(parent, SIGUSR1);
            sleep_ms(40);
            _exit(0);
        }
        int status;
        if (!restart) {
            FAILS(EINTR, waitpid(child, &status, 0));
        }
        EQUAL(child, waitpid(child, &status, 0));
        EQUAL(1, hits);
        if ((child = checked_fork()) == 0) {
            sleep_ms(LATER);
            kill(parent, SIGUSR1);
            _exit(0);
        }
        struct timespec left = { 0, 0 }, time = { 5, 0 };
        FAILS(EINTR, nanosleep(&time, &left));
        CHECK(left.tv_sec == 4 || (left.tv_sec == 3 && left.tv_nsec > 0));
        expect_success(child);
    }

    // SIGCHLD with its information.
    hits = 0;
    on(SIGCHLD, count, SA_RESTART | SA_NOCLDSTOP);
    for (int i = 0; i < 8; i++) {
        if ((child = checked_fork()) == 0)
            _exit(0);
        expect_success(child);
    }
    CHECK(hits > 0 && hits <= 8);
    on(SIGCHLD, SIG_DFL, 0);
}

static char *alternate;
static sigjmp_buf back;
static volatile unsigned long fault_address;
static volatile int fault_code;

static void fault(int signal, siginfo_t *info, void *context)
{
    char here;
    (void)signal;
    (void)context;
    if (alternate)
        CHECK(&here >= alternate && &here < alternate + 65536);
    fault_address = (unsigned long)info->si_addr;
    fault_code = info->si_code;
    siglongjmp(back, 1);
}

static void skip_instruction(int signal, siginfo_t *info, void *context)
{
    ucontext_t *state = context;
    (void)signal;
    (void)info;
    state->uc_mcontext.pc += 4;
    state->uc_mcontext.regs[0] = 4711;
}

static void faults(void)
{
    stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 }, now;
    alternate = stack.ss_sp;
    EQUAL(0, sigaltstack(&stack, NULL));
    struct sigaction action = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    EQUAL(0, sigaction(SIGSEGV, &action, NULL));
    EQUAL(0, sigaction(SIGBUS, &action, NULL));
    char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 100; i++) {
        if (sigsetjmp(back, 1) == 0) {
            *(volatile char *)(page + 100) = 1;
            CHECK(0);
        }
        EQUAL(page + 100, fault_address);
        EQUAL(SEGV_ACCERR, fault_code);
        if (sigsetjmp(back, 1) == 0) {
            *(volatile char *)(page + (1UL << 40)) = 1;
            CHECK(0);
        }
        EQUAL(page + (1UL << 40), fault_address);
        EQUAL(SEGV_MAPERR, fault_code);
    }
    EQUAL(0, sigaltstack(NULL, &now));
    EQUAL(0, now.ss_flags);
    CHECK(now.ss_sp == alternate);

    int file = open("/tmp/signals", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(file >= 0);
    EQUAL(0, ftruncate(file, 100));
    char *mapped = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHECK(mapped != MAP_FAILED);
    mapped[0] = 'm';
    if (sigsetjmp(back, 1) == 0) {
        mapped[4096] = 1;
        CHECK(0);
    }
    EQUAL(mapped + 4096, fault_address);
    EQUAL(BUS_ADRERR, fault_code);
    close(file);
    unlink("/tmp/signals");

    action.sa_sigaction = skip_instruction;
    EQUAL(0, sigaction(SIGILL, &action, NULL));
    EQUAL(0, sigaction(SIGTRAP, &action, NULL));
    register long result __asm__("x0") = 0;
    __asm__ volatile("udf #0" : "+r"(result) : : "memory");
    EQUAL(4711, result);
    register long second __asm__("x0") = 0;
    __asm__ volatile("brk #1" : "+r"(second) : : "memory");
    EQUAL(4711, second);
}

static volatile int per_thread[4];
static __thread int self;
static void mine(int signal)
{
    (void)signal;
    per_thread[self]++;
}

static volatile int stop;
static int ready;
static void *spin(void *argument)
{
    self = (int)(long)argument;
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    while (!stop)
        if (self % 2)
            sched_yield();
    return NULL;
}

static void directed(void)
{
    pthread_t threads[4];
    on(SIGUSR2, mine, SA_RESTART);
    for (long i = 0; i < 4; i++)
        EQUAL(0, pthread_create(&threads[i], NULL, spin, (void *)i));
    // A signal before that would count for thread 0, whoever got it.
    while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < 4)
        sched_yield();
    for (int turn = 1; turn <= 40; turn++)
        for (int i = 0; i < 4; i++) {
            EQUAL(0, pthread_kill(threads[i], SIGUSR2));
            long until = now_ms() + 20000;
            while (per_thread[i] < turn && now_ms() < until)
                sched_yield();
            EQUAL(turn, per_thread[i]);
        }
    stop = 1;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static volatile int expired;
static void expire(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    EQUAL(SI_TIMER, info->si_code);
    EQUAL(4711, info->si_value.sival_int);
    expired++;
}

static void expire_in_thread(union sigval value)
{
    __atomic_add_fetch((int *)value.sival_ptr, 1, __ATOMIC_SEQ_CST);
}

static void timers(void)
{
    struct sigaction action = { .sa_sigaction = expire, .sa_flags = SA_SIGINFO | SA_RESTART };
    EQUAL(0, sigaction(SIGRTMIN + 5, &action, NULL));
    struct itimerspec brief = { { 0, 20000000 }, { 0, 20000000 } }, far = { { 0, 0 }, { 1000, 0 } }, left, never = { { 0, 0 }, { 0, 0 } };
    const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME };
    struct sigevent event;
    timer_t timer;
    for (unsigned int i = 0; i < 2; i++)
        for (int directed = 0; directed < 2; directed++) {
            memset(&event, 0, sizeof event);
            event.sigev_notify = directed ? SIGEV_THREAD_ID : SIGEV_SIGNAL;
            event.sigev_signo = SIGRTMIN + 5;
            event.sigev_value.sival_int = 4711;
            event._sigev_un._tid = gettid();
            expired = 0;
            EQUAL(0, timer_create(clocks[i], &event, &timer));
            EQUAL(0, timer_settime(timer, 0, &brief, &left));
            EQUAL(0, left.it_value.tv_sec + left.it_value.tv_nsec);
            long until = now_ms() + 20000;
            while (expired < 3 && now_ms() < until)
                ;
            CHECK(expired >= 3);
            EQUAL(0, timer_settime(timer, 0, &never, NULL));
            CHECK(timer_getoverrun(timer) >= 0);

            // An absolute time on the clock that the program reads.
            struct itimerspec at = never;
            EQUAL(0, clock_gettime(clocks[i], &at.it_value));
            at.it_value.tv_sec++;
            expired = 0;
            long begin = now_ms();
            EQUAL(0, timer_settime(timer, TIMER_ABSTIME, &at, NULL));
            while (!expired && now_ms() < begin + 20000)
                sleep_ms(5);
            EQUAL(1, expired);
            CHECK(now_ms() - begin >= 900);
            EQUAL(0, timer_delete(timer));
        }
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_NONE;
    EQUAL(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
    EQUAL(0, timer_settime(timer, 0, &far, NULL));
    EQUAL(0, timer_gettime(timer, &left));
    CHECK(left.it_value.tv_sec > 900 && left.it_value.tv_sec <= 1000);
    EQUAL(0, timer_delete(timer));
    FAILS(EINVAL, timer_gettime(timer, &left));
    int calls = 0;
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = expire_in_thread;
    event.sigev_value.sival_ptr = &calls;
    EQUAL(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
    EQUAL(0, timer_settime(timer, 0, &brief, NULL));
    long until = now_ms() + 20000;
    while (__atomic_load_n(&calls, __ATOMIC_SEQ_CST) < 2 && now_ms() < until)
        sleep_ms(2);
    CHECK(__atomic_load_n(&calls, __ATOMIC_SEQ_CST) >= 2);
    EQUAL(0, timer_delete(timer));
    sleep_ms(50);
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGRTMIN + 5;
    event._sigev_un._tid = 1 << 20;
    FAILS(EINVAL, timer_create(CLOCK_MONOTONIC, &event, &timer));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = 65;
    FAILS(EINVAL, timer_create(CLOCK_MONOTONIC, &event, &timer));
    event.sigev_signo = SIGUSR1;
    FAILS(EINVAL, timer_create(63, &event, &timer));
}

int main(void)
{
    alarm(0);
    STEP("storm");
    storm();
    time_limit(150);
    STEP("nesting");
    nesting();
    STEP("information");
    information();
    STEP("restarts");
    restarts();
    STEP("faults");
    faults();
    STEP("directed");
    directed();
    STEP("timers");
    timers();
    return 0;
}
