// Memory calls from several threads at once, and shared memory with process-shared locks.
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include "check.h"

enum { PAGE = 4096, THREADS = 4 };

static void *churn(void *argument)
{
    unsigned int random = (unsigned int)(long)argument * 77 + 1;
    enum { SLOTS = 12 };
    struct { unsigned char *at; size_t pages; unsigned char value; } slots[SLOTS] = { 0 };
    for (int turn = 0; turn < 900; turn++) {
        int slot = (int)(next_random(&random) % SLOTS);
        unsigned char *at = slots[slot].at;
        size_t pages = slots[slot].pages;
        if (at == NULL) {
            pages = next_random(&random) % 40 + 1;
            at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            CHECK(at != MAP_FAILED);
            for (size_t i = 0; i < pages; i += 3)
                EQUAL(0, at[i * PAGE + 77]);
            slots[slot].value = (unsigned char)next_random(&random);
            for (size_t i = 0; i < pages; i++)
                at[i * PAGE] = slots[slot].value, at[i * PAGE + PAGE - 1] = (unsigned char)i;
            slots[slot].at = at, slots[slot].pages = pages;
            continue;
        }
        for (size_t i = 0; i < pages; i++) {
            CHECK(at[i * PAGE] == slots[slot].value);
            CHECK(at[i * PAGE + PAGE - 1] == (unsigned char)i);
        }
        switch (next_random(&random) % 6) {
        case 0:
        case 1:
            EQUAL(0, munmap(at, pages * PAGE));
            slots[slot].at = NULL;
            break;
        case 2: {
            size_t more = pages + next_random(&random) % 20 + 1;
            unsigned char *moved = mremap(at, pages * PAGE, more * PAGE, MREMAP_MAYMOVE);
            CHECK(moved != MAP_FAILED);
            for (size_t i = pages; i < more; i++) {
                EQUAL(0, moved[i * PAGE]);
                moved[i * PAGE] = slots[slot].value, moved[i * PAGE + PAGE - 1] = (unsigned char)i;
            }
            slots[slot].at = moved, slots[slot].pages = more;
            break;
        }
        case 3:
            if (pages > 4) {   // Cut the middle out and put something else there.
                EQUAL(0, munmap(at + PAGE, (pages - 2) * PAGE));
                EQUAL(0, munmap(at, PAGE));
                EQUAL(0, munmap(at + (pages - 1) * PAGE, PAGE));
                slots[slot].at = NULL;
            }
            break;
        case 4:
            EQUAL(0, mprotect(at, pages * PAGE, PROT_READ));
            CHECK(at[0] == slots[slot].value);
            EQUAL(0, mprotect(at, pages / 2 * PAGE, PROT_NONE));
            EQUAL(0, mprotect(at, pages * PAGE, PROT_READ | PROT_WRITE));
            break;
        default:
            EQUAL(0, madvise(at, pages * PAGE, MADV_DONTNEED));
            for (size_t i = 0; i < pages; i++) {
                EQUAL(0, at[i * PAGE]);
                at[i * PAGE] = slots[slot].value, at[i * PAGE + PAGE - 1] = (unsigned char)i;
            }
        }
    }
    for (int i = 0; i < SLOTS; i++)
        if (slots[i].at)
            munmap(slots[i].at, slots[i].pages * PAGE);
    return NULL;
}

static void *allocate(void *argument)
{
    unsigned int random = (unsigned int)(long)argument + 5;
    char *blocks[64] = { 0 };
    for (int i = 0; i < 6000; i++) {
        int slot = (int)(next_random(&random) % 64);
        if (blocks[slot]) {
            CHECK(blocks[slot][0] == (char)slot);
            free(blocks[slot]);
            blocks[slot] = NULL;
        } else {
            size_t size = next_random(&random) % (i % 50 ? 3000 : 300000) + 1;
            blocks[slot] = malloc(size);
            CHECK(blocks[slot]);
            memset(blocks[slot], slot, size);
        }
    }
    for (int i = 0; i < 64; i++)
        free(blocks[i]);
    return NULL;
}

static void threads(void *(*body)(void *))
{
    pthread_t list[THREADS];
    for (long i = 0; i < THREADS; i++)
        EQUAL(0, pthread_create(&list[i], NULL, body, (void *)i));
    for (int i = 0; i < THREADS; i++)
        EQUAL(0, pthread_join(list[i], NULL));
}

/// A lock, a condition and a semaphore between processes that share memory.
static void shared(void)
{
    enum { CHILDREN = 4, TURNS = 800 };
    struct area {
        pthread_mutex_t mutex, robust;
        pthread_cond_t condition;
        sem_t semaphore;
        pthread_barrier_t barrier;
        volatile long counter, turn;
    } *area = mmap(NULL, sizeof *area, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(area != MAP_FAILED);
    pthread_mutexattr_t attributes;
    pthread_condattr_t condition;
    pthread_barrierattr_t barrier;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&area->mutex, &attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&area->robust, &attributes);
    pthread_condattr_init(&condition);
    pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&area->condition, &condition);
    pthread_barrierattr_init(&barrier);
    pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&area->barrier, &barrier, CHILDREN);
    sem_init(&area->semaphore, 1, 0);
    for (int i = 0; i < CHILDREN; i++)
        if (checked_fork() == 0) {
            pthread_barrier_wait(&area->barrier);
            for (int j = 0; j < TURNS; j++) {
                pthread_mutex_lock(&area->mutex);
                long value = area->counter;
                if (j % 128 == 0)
                    sched_yield();
                area->counter = value + 1;
                pthread_mutex_unlock(&area->mutex);
            }
            for (int j = 0; j < 50; j++) {   // In turns.
                pthread_mutex_lock(&area->mutex);
                while (area->turn % CHILDREN != i)
                    pthread_cond_wait(&area->condition, &area->mutex);
                area->turn++;
                pthread_cond_broadcast(&area->condition);
                pthread_mutex_unlock(&area->mutex);
            }
            sem_post(&area->semaphore);
            _exit(0);
        }
    for (int i = 0; i < CHILDREN; i++)
        EQUAL(0, sem_wait(&area->semaphore));
    int status;
    for (int i = 0; i < CHILDREN; i++) {
        CHECK(wait(&status) > 0);
        EQUAL(0, status);
    }
    EQUAL(CHILDREN * TURNS, area->counter);
    EQUAL(CHILDREN * 50, area->turn);

    // An owner that dies.
    for (int i = 0; i < 4; i++) {
        pid_t child = checked_fork();
        if (child == 0) {
            pthread_mutex_lock(&area->robust);
            sem_post(&area->semaphore);
            if (i % 2)
                kill(getpid(), SIGKILL);
            sleep_ms(20);
            _exit(0);
        }
        sem_wait(&area->semaphore);
        EQUAL(EOWNERDEAD, pthread_mutex_lock(&area->robust));
        EQUAL(0, pthread_mutex_consistent(&area->robust));
        EQUAL(0, pthread_mutex_unlock(&area->robust));
        waitpid(child, &status, 0);
    }
    munmap(area, sizeof *area);

    // Named shared memory, memfd.
    int named = shm_open("/stress", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(named >= 0);
    int memory = memfd_create("stress", MFD_CLOEXEC);
    CHECK(memory >= 0);
    int both[] = { named, memory };
    for (int i = 0; i < 2; i++) {
        EQUAL(0, ftruncate(both[i], 3 * PAGE));
        char *one = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, both[i], 0);
        char *two = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, both[i], PAGE);
        CHECK(one != MAP_FAILED && two != MAP_FAILED);
        strcpy(one + PAGE, "both ways");
        CHECK(strcmp(two, "both ways") == 0);
        pid_t child = checked_fork();
        if (child == 0) {
            strcpy(two + 100, "from the child");
            _exit(0);
        }
        expect_success(child);
        CHECK(strcmp(one + PAGE + 100, "from the child") == 0);
        char text[20];
        EQUAL(9, pread(both[i], text, 9, PAGE));
        CHECK(memcmp(text, "both ways", 9) == 0);
        EQUAL(4, pwrite(both[i], "file", 4, 2 * PAGE));
        CHECK(memcmp(one + 2 * PAGE, "file", 4) == 0);
        EQUAL(3 * PAGE, lseek(both[i], 0, SEEK_END));
        munmap(one, 3 * PAGE), munmap(two, PAGE), close(both[i]);
    }
    EQUAL(0, shm_unlink("/stress"));
}

/// Owners that are killed while everybody else sleeps: the one from outside, a waiter with the lock in its hands.
static void killed_owners(void)
{
    enum { WAITERS = 5 };
    struct area {
        pthread_mutex_t robust;
        volatile int held;
    } *area = mmap(NULL, sizeof *area, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(area != MAP_FAILED);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&area->robust, &attributes);
    for (int i = 0; i < 20; i++) {
        area->held = 0;
        pid_t owner = checked_fork();
        if (owner == 0) {
            pthread_mutex_lock(&area->robust);
            area->held = 1;
            pause();
            _exit(9);
        }
        while (!area->held)
            sleep_ms(1);
        for (int k = 0; k < WAITERS; k++)
            if (checked_fork() == 0) {
                int error = pthread_mutex_lock(&area->robust);
                CHECK(error == 0 || error == EOWNERDEAD);
                if (error == EOWNERDEAD)
                    pthread_mutex_consistent(&area->robust);
                if (k == 2)
                    kill(getpid(), SIGKILL);
                pthread_mutex_unlock(&area->robust);
                _exit(0);
            }
        sleep_ms(20);
        kill(owner, SIGKILL);
        int status, killed = 0;
        for (int k = 0; k <= WAITERS; k++) {
            CHECK(wait(&status) > 0);
            killed += WIFSIGNALED(status);
        }
        EQUAL(2, killed);
    }
    munmap(area, sizeof *area);
}

static __attribute__((noinline)) long deep(int depth)
{
    volatile char room[8000];
    room[depth % 8000] = (char)depth;
    return depth == 0 ? 0 : deep(depth - 1) + (room[depth % 8000] == (char)depth);
}

static void *deep_in_thread(void *argument)
{
    (void)argument;
    return (void *)deep(200);
}

static void stacks(void)
{
    EQUAL(850, deep(850));   // 6.6 MiB of the usual 8.
    pthread_t thread;
    void *result;
    EQUAL(0, pthread_create(&thread, NULL, deep_in_thread, NULL));
    pthread_join(thread, &result);
    EQUAL(200, result);
    pid_t child = checked_fork();
    int status;
    if (child == 0) {
        struct rlimit none = { 0, 0 };
        setrlimit(RLIMIT_CORE, &none);
        deep(5000);
        _exit(0);
    }
    EQUAL(child, waitpid(child, &status, 0));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void refusals(void)
{
    FAILS(EINVAL, munmap((void *)1, PAGE));
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED && errno == EBADF);
    CHECK(mmap(NULL, 1UL << 52, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
    char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EQUAL(0, munmap(page + PAGE, PAGE));
    FAILS(ENOMEM, mprotect(page, 2 * PAGE, PROT_READ));
    CHECK(mremap(page + PAGE, PAGE, PAGE, 0) == MAP_FAILED && errno == EFAULT);
    CHECK(mmap(page, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST);
    unsigned char present;
    EQUAL(0, mincore(page, PAGE, &present));
    char *heap = sbrk(0);
    CHECK(sbrk(1 << 20) == heap);
    heap[1 << 19] = 1;
    CHECK(sbrk(-(1 << 20)) == heap + (1 << 20));
    CHECK(sbrk(1 << 20) == heap);
    EQUAL(0, heap[1 << 19]);
}

int main(void)
{
    time_limit(150);
    STEP("refusals");
    refusals();
    STEP("churn");
    threads(churn);
    STEP("malloc");
    threads(allocate);
    STEP("shared");
    shared();
    STEP("killed owners");
    killed_owners();
    STEP("stacks");
    stacks();
    return 0;
}
