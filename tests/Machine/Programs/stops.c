// Stopping, continuing and killing at random moments: the rest of the container goes on as if nothing had been.
#include <pthread.h>
#include <sys/mman.h>
#include "check.h"

static volatile long *progress;

static void *work(void *argument)
{
    long self = (long)argument;
    int ends[2];
    char byte = 1;
    EQUAL(0, pipe(ends));
    for (;;) {
        progress[self]++;
        char *page = mmap(NULL, 32768, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(page != MAP_FAILED);
        for (int i = 0; i < 8; i++)
            page[i * 4096] = 1;
        munmap(page, 32768);
        CHECK(write(ends[1], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1);
        for (volatile int i = 0; i < 1000; i++)
            ;
    }
    return NULL;
}

static pid_t worker(int index, int threads)
{
    pid_t child = checked_fork();
    if (child == 0) {
        pthread_t thread;
        for (int i = 1; i < threads; i++)
            pthread_create(&thread, NULL, work, (void *)(long)(index + i));
        work((void *)(long)index);
    }
    return child;
}

int main(void)
{
    unsigned int random = 3;
    int status;
    progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    time_limit(150);

    STEP("stop and continue");
    pid_t child = worker(0, 3);
    for (int i = 0; i < 25; i++) {
        usleep(next_random(&random) % 8000);
        EQUAL(0, kill(child, SIGSTOP));
        EQUAL(child, waitpid(child, &status, WUNTRACED));
        CHECK(WIFSTOPPED(status));
        long before = progress[0];
        usleep(500);
        CHECK(progress[0] == before);
        EQUAL(0, kill(child, SIGCONT));
        long until = now_ms() + 20000;
        while (progress[0] == before && now_ms() < until)
            usleep(200);
        CHECK(progress[0] != before);
    }
    kill(child, SIGKILL);
    EQUAL(child, waitpid(child, &status, 0));
    EQUAL(SIGKILL, WTERMSIG(status));

    STEP("kill at random moments");
    for (int i = 0; i < 40; i++) {
        child = worker(8, i % 4 + 1);
        usleep(next_random(&random) % 12000);
        EQUAL(0, kill(child, i % 3 == 2 ? SIGTERM : SIGKILL));
        EQUAL(child, waitpid(child, &status, 0));
        CHECK(WIFSIGNALED(status));
        EQUAL(i % 3 == 2 ? SIGTERM : SIGKILL, WTERMSIG(status));
    }

    STEP("kill a whole group");
    for (int i = 0; i < 6; i++) {
        pid_t leader = checked_fork();
        if (leader == 0) {
            setpgid(0, 0);
            for (int j = 0; j < 3; j++)
                worker(20 + j * 2, 2);
            for (;;)
                if (checked_fork() == 0)
                    _exit(0);
                else
                    wait(NULL);
        }
        setpgid(leader, leader);
        usleep(next_random(&random) % 40000);
        EQUAL(0, kill(-leader, SIGKILL));
        EQUAL(leader, waitpid(leader, &status, 0));
        EQUAL(SIGKILL, WTERMSIG(status));
    }
    return 0;
}
