// Threads: mutexes, condition variables, barriers, read-write locks, semaphores, create/join storms, ends of threads.
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include "check.h"

enum { THREADS = 6, TURNS = 4000, ITEMS = 3000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile long counter;

static void *count(void *argument)
{
    for (int i = 0; i < TURNS; i++) {
        pthread_mutex_lock(&mutex);
        long value = counter;
        if (i % 512 == 0)
            sched_yield();
        counter = value + 1;
        pthread_mutex_unlock(&mutex);
    }
    return argument;
}

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t filled, emptied;
    int items[8], head, tail;
} queue = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER, { 0 }, 0, 0 };

static void *produce(void *argument)
{
    for (int i = 1; i <= ITEMS; i++) {
        pthread_mutex_lock(&queue.mutex);
        while (queue.head - queue.tail == 8)
            pthread_cond_wait(&queue.emptied, &queue.mutex);
        queue.items[queue.head++ % 8] = i;
        pthread_cond_signal(&queue.filled);
        pthread_mutex_unlock(&queue.mutex);
    }
    return argument;
}

static void *consume(void *argument)
{
    long sum = 0;
    for (int i = 0; i < ITEMS; i++) {
        pthread_mutex_lock(&queue.mutex);
        while (queue.head == queue.tail)
            pthread_cond_wait(&queue.filled, &queue.mutex);
        sum += queue.items[queue.tail++ % 8];
        pthread_cond_signal(&queue.emptied);
        pthread_mutex_unlock(&queue.mutex);
    }
    (void)argument;
    return (void *)sum;
}

static pthread_barrier_t barrier;
static volatile int arrived[THREADS];

static void *rounds(void *argument)
{
    int self = (int)(long)argument;
    for (int i = 1; i <= 300; i++) {
        arrived[self] = i;
        pthread_barrier_wait(&barrier);
        for (int j = 0; j < THREADS; j++)
            CHECK(arrived[j] == i);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static volatile long pair[2];
static sem_t semaphore;

static void *read_and_write(void *argument)
{
    int self = (int)(long)argument;
    for (int i = 0; i < 1500; i++) {
        if ((i + self) % 5 == 0) {
            pthread_rwlock_wrlock(&lock);
            pair[0]++;
            pair[1]++;
        } else {
            pthread_rwlock_rdlock(&lock);
            CHECK(pair[0] == pair[1]);
        }
        pthread_rwlock_unlock(&lock);
        if (i % 3 == 0)
            sem_post(&semaphore);
    }
    return NULL;
}

static __thread int own = 42;
static void *brief(void *argument)
{
    CHECK(own == 42);
    own = (int)(long)argument;
    if ((long)argument % 3 == 0)
        CHECK(getpid() != (int)syscall(SYS_gettid));
    CHECK(own == (int)(long)argument);
    return (void *)((long)argument * 3);
}

static void *sleep_for_ever(void *argument)
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

static void *spin_cancelable(void *argument)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    return spin_for_ever(argument);
}

static void *leave_the_rest(void *argument)
{
    sleep_ms((long)argument);
    _exit(23);
}

static void all(void *(*body)(void *))
{
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++)
        EQUAL(0, pthread_create(&threads[i], NULL, body, (void *)i));
    for (int i = 0; i < THREADS; i++)
        EQUAL(0, pthread_join(threads[i], NULL));
}

int main(void)
{
    pthread_t one, two;
    void *result;

    time_limit(120);
    STEP("mutex");
    all(count);
    EQUAL((long)THREADS * TURNS, counter);

    STEP("condition variables");
    EQUAL(0, pthread_create(&one, NULL, produce, NULL));
    EQUAL(0, pthread_create(&two, NULL, consume, NULL));
    pthread_join(one, NULL);
    pthread_join(two, &result);
    EQUAL((long)ITEMS * (ITEMS + 1) / 2, result);

    STEP("timed wait");
    struct timespec until;
    long start = now_ms();
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 50000000;
    if (until.tv_nsec >= 1000000000)
        until.tv_nsec -= 1000000000, until.tv_sec++;
    pthread_mutex_lock(&mutex);
    EQUAL(ETIMEDOUT, pthread_cond_timedwait(&queue.filled, &mutex, &until));
    pthread_mutex_unlock(&mutex);
    CHECK(now_ms() - start >= 48);

    STEP("barrier");
    pthread_barrier_init(&barrier, NULL, THREADS);
    all(rounds);

    STEP("read-write lock");
    sem_init(&semaphore, 0, 0);
    all(read_and_write);
    CHECK(pair[0] == pair[1] && pair[0] == THREADS * 300);
    for (int i = 0; i < THREADS * 500; i++)
        EQUAL(0, sem_trywait(&semaphore));
    FAILS(EAGAIN, sem_trywait(&semaphore));

    STEP("create and join");
    for (long i = 0; i < 150; i++) {
        pthread_t threads[2];
        for (int j = 0; j < 2; j++)
            EQUAL(0, pthread_create(&threads[j], NULL, brief, (void *)(i + j)));
        for (int j = 0; j < 2; j++) {
            pthread_join(threads[j], &result);
            EQUAL((i + j) * 3, result);
        }
    }

    STEP("cancel");
    for (int i = 0; i < 20; i++) {
        EQUAL(0, pthread_create(&one, NULL, sleep_for_ever, NULL));
        EQUAL(0, pthread_create(&two, NULL, spin_cancelable, NULL));
        sleep_ms(i % 4);
        pthread_cancel(one);
        pthread_cancel(two);
        pthread_join(one, &result);
        CHECK(result == PTHREAD_CANCELED);
        pthread_join(two, &result);
        CHECK(result == PTHREAD_CANCELED);
    }

    STEP("exit_group by another thread");
    for (long i = 0; i < 12; i++) {
        pid_t child = checked_fork();
        if (child == 0) {
            pthread_create(&one, NULL, sleep_for_ever, NULL);
            pthread_create(&one, NULL, spin_for_ever, NULL);
            pthread_create(&two, NULL, leave_the_rest, (void *)(i % 4));
            if (i % 2)
                pthread_exit(NULL);   // The process lives on without its first thread.
            sleep_for_ever(NULL);
        }
        int status;
        EQUAL(child, waitpid(child, &status, 0));
        CHECK(WIFEXITED(status));
        EQUAL(23, WEXITSTATUS(status));
    }
    return 0;
}
