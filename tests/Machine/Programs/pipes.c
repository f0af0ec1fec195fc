// Pipes and socketpairs: many readers and writers, PIPE_BUF, partial transfers, ends of file, poll and epoll, messages, passed descriptors.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "check.h"

static int ends[2];

static void write_all(int fd, const void *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        CHECK(written > 0);
        bytes = (const char *)bytes + written;
        count -= written;
    }
}

static size_t read_all(int fd, void *bytes, size_t count)
{
    size_t done = 0;
    ssize_t got;
    while (done < count && (got = read(fd, (char *)bytes + done, count - done)) != 0) {
        CHECK(got > 0);
        done += got;
    }
    return done;
}

/// A megabyte through, in pieces of many sizes on both sides.
static void stream(int from, int to)
{
    enum { TOTAL = 1 << 20 };
    pid_t child = checked_fork();
    unsigned int size = 7, position = 0;
    static unsigned char bytes[150000];
    if (child == 0) {
        close(from);
        while (position < TOTAL) {
            unsigned int length = next_random(&size) % sizeof bytes + 1;
            if (length > TOTAL - position)
                length = TOTAL - position;
            for (unsigned int i = 0; i < length; i++, position++)
                bytes[i] = (unsigned char)(position * 31 + (position >> 8));
            write_all(to, bytes, length);
        }
        _exit(0);
    }
    close(to);
    size = 99;
    for (;;) {
        ssize_t got = read(from, bytes, next_random(&size) % (size % 3 ? 5000 : sizeof bytes) + 1);
        CHECK(got >= 0);
        if (got == 0)
            break;
        for (ssize_t i = 0; i < got; i++, position++)
            CHECK(bytes[i] == (unsigned char)(position * 31 + (position >> 8)));
    }
    EQUAL(TOTAL, position);
    close(from);
    expect_success(child);
}

/// Records of at most PIPE_BUF bytes arrive whole, from however many writers to however many readers.
static void atomicity(void)
{
    enum { WRITERS = 5, READERS = 3, RECORDS = 120, SIZE = 1024 };
    int report[2];
    EQUAL(0, pipe(ends));
    EQUAL(0, pipe(report));
    for (int w = 0; w < WRITERS; w++)
        if (checked_fork() == 0) {
            int record[SIZE / 4];
            for (int i = 0; i < RECORDS; i++) {
                for (int j = 0; j < SIZE / 4; j++)
                    record[j] = w << 24 | i;
                EQUAL(SIZE, write(ends[1], record, SIZE));
            }
            _exit(0);
        }
    for (int r = 0; r < READERS; r++)
        if (checked_fork() == 0) {
            int record[SIZE / 4];
            long sums[2] = { 0, 0 };
            close(ends[1]);
            ssize_t got;
            while ((got = read(ends[0], record, SIZE)) != 0) {
                EQUAL(SIZE, got);
                for (int j = 1; j < SIZE / 4; j++)
                    CHECK(record[j] == record[0]);
                sums[0]++;
                sums[1] += record[0];
            }
            EQUAL(sizeof sums, write(report[1], sums, sizeof sums));
            _exit(0);
        }
    close(ends[0]);
    close(ends[1]);
    close(report[1]);
    long count = 0, sum = 0, expected = 0, sums[2];
    while (read_all(report[0], sums, sizeof sums) == sizeof sums)
        count += sums[0], sum += sums[1];
    for (int w = 0; w < WRITERS; w++)
        for (int i = 0; i < RECORDS; i++)
            expected += w << 24 | i;
    EQUAL(WRITERS * RECORDS, count);
    EQUAL(expected, sum);
    close(report[0]);
    int status;
    for (int i = 0; i < WRITERS + READERS; i++) {
        CHECK(wait(&status) > 0);
        EQUAL(0, status);
    }
}

static volatile int pipe_signals;
static void count_signal(int signal)
{
    (void)signal;
    pipe_signals++;
}

static void ends_of_file(void)
{
    char byte = 1, bytes[70000];
    memset(bytes, 'x', sizeof bytes);
    EQUAL(0, pipe(ends));
    EQUAL(5, write(ends[1], "hello", 5));
    close(ends[1]);
    EQUAL(3, read(ends[0], bytes, 3));
    EQUAL(2, read(ends[0], bytes, sizeof bytes));
    EQUAL(0, read(ends[0], bytes, sizeof bytes));
    close(ends[0]);

    on(SIGPIPE, count_signal, 0);
    EQUAL(0, pipe(ends));
    close(ends[0]);
    FAILS(EPIPE, write(ends[1], &byte, 1));
    EQUAL(1, pipe_signals);
    FAILS(EBADF, read(ends[1], &byte, 1));
    close(ends[1]);
    on(SIGPIPE, SIG_IGN, 0);

    EQUAL(0, pipe2(ends, O_NONBLOCK));
    FAILS(EAGAIN, read(ends[0], &byte, 1));
    long total = 0;
    ssize_t written;
    while ((written = write(ends[1], bytes, 4096)) > 0)
        total += written;
    EQUAL(EAGAIN, errno);
    EQUAL(65536, total);
    int waiting = 0;
    EQUAL(0, ioctl(ends[0], FIONREAD, &waiting));
    EQUAL(65536, waiting);
    EQUAL(100, read(ends[0], bytes, 100));
    FAILS(EAGAIN, write(ends[1], bytes, 4096));   // Less than PIPE_BUF fits: nothing is written.
    EQUAL(4096, read(ends[0], bytes, 4096));
    EQUAL(0, read(ends[0], bytes, 0));
    FAILS(EFAULT, write(ends[1], (void *)16, 10));
    EQUAL(0, fcntl(ends[0], F_SETFL, 0));
    close(ends[1]);
    EQUAL(65536 - 4196, read_all(ends[0], bytes, sizeof bytes));
    close(ends[0]);
}

static void polling(void)
{
    int other[2], epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0x1122334455667788 }, got[4];
    char byte;
    EQUAL(0, pipe(ends));
    EQUAL(0, socketpair(AF_UNIX, SOCK_STREAM, 0, other));
    struct pollfd wait[3] = { { ends[0], POLLIN, 0 }, { other[0], POLLIN | POLLOUT, 0 }, { ends[1], POLLOUT, 0 } };
    EQUAL(2, poll(wait, 3, 0));
    EQUAL(0, wait[0].revents);
    EQUAL(POLLOUT, wait[1].revents);
    EQUAL(POLLOUT, wait[2].revents);
    EQUAL(0, epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event));
    event.data.u64 = 5;
    event.events = EPOLLIN | EPOLLET | EPOLLRDHUP;
    EQUAL(0, epoll_ctl(epoll, EPOLL_CTL_ADD, other[0], &event));
    FAILS(EEXIST, epoll_ctl(epoll, EPOLL_CTL_ADD, other[0], &event));
    EQUAL(0, epoll_wait(epoll, got, 4, 20));
    pid_t child = checked_fork();
    if (child == 0) {
        for (int i = 0; i < 40; i++) {
            if (i % 4 == 0)
                sleep_ms(1);
            CHECK(write(i % 2 ? ends[1] : other[1], "abc", 3) == 3);
        }
        _exit(0);
    }
    int pipe_bytes = 0, socket_bytes = 0;
    while (pipe_bytes + socket_bytes < 120) {
        int count = epoll_wait(epoll, got, 4, 5000);
        CHECK(count > 0);
        for (int i = 0; i < count; i++) {
            if (got[i].data.u64 == 0x1122334455667788) {
                EQUAL(1, read(ends[0], &byte, 1));
                CHECK(byte == "abc"[pipe_bytes++ % 3]);
            } else {
                EQUAL(5, got[i].data.u64);
                while (recv(other[0], &byte, 1, MSG_DONTWAIT) == 1)
                    CHECK(byte == "abc"[socket_bytes++ % 3]);
            }
        }
    }
    expect_success(child);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    FD_SET(other[0], &set);
    struct timeval timeout = { 0, 10000 };
    EQUAL(0, select(1024, &set, NULL, NULL, &timeout));
    close(other[1]);
    FD_SET(other[0], &set);
    EQUAL(1, select(1024, &set, NULL, NULL, NULL));
    CHECK(FD_ISSET(other[0], &set));
    close(ends[1]);
    EQUAL(1, poll(wait, 1, -1));
    EQUAL(POLLHUP, wait[0].revents);
    EQUAL(0, read(ends[0], &byte, 1));
    close(ends[0]);
    close(other[0]);
    close(epoll);
}

static void pair(int type)
{
    char bytes[256];
    struct iovec parts[2] = { { "one", 3 }, { "two", 3 } };
    EQUAL(0, socketpair(AF_UNIX, type, 0, ends));
    EQUAL(6, writev(ends[0], parts, 2));
    EQUAL(4, send(ends[0], "four", 4, 0));
    if (type == SOCK_STREAM) {
        EQUAL(10, recv(ends[1], bytes, sizeof bytes, MSG_PEEK));
        EQUAL(10, recv(ends[1], bytes, 10, MSG_WAITALL));
        CHECK(memcmp(bytes, "onetwofour", 10) == 0);
    } else {
        EQUAL(6, recv(ends[1], bytes, 2, MSG_TRUNC));
        EQUAL(4, read(ends[1], bytes, sizeof bytes));
        CHECK(memcmp(bytes, "four", 4) == 0);
    }
    EQUAL(2, write(ends[1], "ok", 2));
    EQUAL(2, read(ends[0], bytes, sizeof bytes));
    FAILS(EAGAIN, recv(ends[0], bytes, 1, MSG_DONTWAIT));
    if (type != SOCK_DGRAM) {
        EQUAL(0, shutdown(ends[0], SHUT_WR));
        EQUAL(0, read(ends[1], bytes, 1));
        EQUAL(1, write(ends[1], "x", 1));
        EQUAL(1, read(ends[0], bytes, 1));
        FAILS(EPIPE, send(ends[0], "x", 1, MSG_NOSIGNAL));
    }

    // A descriptor goes along.
    int passed[2];
    EQUAL(0, pipe(passed));
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = { "d", 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    memset(&control, 0, sizeof control);
    control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(&control.header), &passed[0], sizeof(int));
    EQUAL(1, sendmsg(ends[1], &message, 0));
    close(passed[0]);
    part.iov_base = bytes;
    memset(&control, 0, sizeof control);
    EQUAL(1, recvmsg(ends[0], &message, MSG_CMSG_CLOEXEC));
    EQUAL(SCM_RIGHTS, control.header.cmsg_type);
    int received;
    memcpy(&received, CMSG_DATA(&control.header), sizeof(int));
    EQUAL(6, write(passed[1], "secret", 6));
    EQUAL(6, read(received, bytes, sizeof bytes));
    CHECK(memcmp(bytes, "secret", 6) == 0);
    EQUAL(FD_CLOEXEC, fcntl(received, F_GETFD));
    close(received), close(passed[1]), close(ends[0]), close(ends[1]);
}

static void *echo(void *argument)
{
    int *line = argument;
    char byte;
    while (read(line[0], &byte, 1) == 1)
        CHECK(write(line[1], &byte, 1) == 1);
    close(line[1]);
    return NULL;
}

/// A ring of threads: each byte goes around.
static void ring(void)
{
    enum { SIZE = 5, TURNS = 150 };
    int pipes[SIZE][2], lines[SIZE][2];
    pthread_t threads[SIZE];
    for (int i = 0; i < SIZE; i++)
        EQUAL(0, pipe(pipes[i]));
    for (int i = 0; i < SIZE - 1; i++) {
        lines[i][0] = pipes[i][0], lines[i][1] = pipes[i + 1][1];
        EQUAL(0, pthread_create(&threads[i], NULL, echo, lines[i]));
    }
    for (int i = 0; i < TURNS; i++) {
        char byte = (char)i, got;
        EQUAL(1, write(pipes[0][1], &byte, 1));
        EQUAL(1, read(pipes[SIZE - 1][0], &got, 1));
        EQUAL(byte, got);
    }
    close(pipes[0][1]);
    char byte;
    EQUAL(0, read(pipes[SIZE - 1][0], &byte, 1));
    for (int i = 0; i < SIZE - 1; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < SIZE; i++)
        close(pipes[i][0]);
}

static void interrupted(void)
{
    char byte;
    EQUAL(0, pipe(ends));
    pid_t parent = getpid(), child = checked_fork();
    if (child == 0) {
        sleep_ms(30);
        kill(parent, SIGUSR1);
        sleep_ms(30);
        kill(parent, SIGUSR2);
        sleep_ms(30);
        CHECK(write(ends[1], "r", 1) == 1);
        _exit(0);
    }
    pipe_signals = 0;
    on(SIGUSR1, count_signal, 0);
    on(SIGUSR2, count_signal, SA_RESTART);
    FAILS(EINTR, read(ends[0], &byte, 1));
    EQUAL(1, pipe_signals);
    EQUAL(1, read(ends[0], &byte, 1));
    EQUAL(2, pipe_signals);
    EQUAL('r', byte);
    expect_success(child);
    close(ends[0]), close(ends[1]);
}

int main(void)
{
    time_limit(150);
    STEP("pipe stream");
    EQUAL(0, pipe(ends));
    stream(ends[0], ends[1]);
    STEP("socket stream");
    EQUAL(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    stream(ends[0], ends[1]);
    STEP("atomicity");
    atomicity();
    STEP("ends of file");
    ends_of_file();
    STEP("polling");
    polling();
    STEP("stream pair");
    pair(SOCK_STREAM);
    STEP("datagram pair");
    pair(SOCK_DGRAM);
    STEP("packet pair");
    pair(SOCK_SEQPACKET);
    STEP("ring");
    ring();
    STEP("interrupted");
    interrupted();
    return 0;
}
