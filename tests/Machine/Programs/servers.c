// TCP servers on the loopback with select, poll, epoll and threads; UDP; named Unix sockets; eventfd and timerfd.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include "check.h"

enum { CLIENTS = 6, REQUESTS = 40, SIZE = 6000 };

static int listener(struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    socklen_t length = sizeof *address;
    CHECK(fd >= 0);
    EQUAL(0, setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
    *address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    EQUAL(0, bind(fd, (struct sockaddr *)address, sizeof *address));
    EQUAL(0, listen(fd, 16));
    EQUAL(0, getsockname(fd, (struct sockaddr *)address, &length));
    CHECK(address->sin_port != 0);
    return fd;
}

static void client(struct sockaddr_in address, int self)
{
    unsigned int random = self;
    unsigned char out[SIZE], in[SIZE];
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    EQUAL(0, connect(fd, (struct sockaddr *)&address, sizeof address));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    for (int i = 0; i < REQUESTS; i++) {
        int length = (int)(next_random(&random) % SIZE) + 1;
        for (int j = 0; j < length; j++)
            out[j] = (unsigned char)(j + i + self);
        EQUAL(length, send(fd, out, length, 0));
        EQUAL(length, recv(fd, in, length, MSG_WAITALL));
        for (int j = 0; j < length; j++)
            CHECK(in[j] == (unsigned char)(out[j] ^ 0x55));
    }
    close(fd);
}

/// Answers what there is; 0 at the end of the connection.
static int answer(int fd)
{
    unsigned char bytes[2048];
    ssize_t got = read(fd, bytes, sizeof bytes);
    CHECK(got >= 0);
    for (ssize_t i = 0; i < got; i++)
        bytes[i] ^= 0x55;
    for (ssize_t done = 0; done < got;) {
        ssize_t written = write(fd, bytes + done, got - done);
        CHECK(written > 0);
        done += written;
    }
    return got > 0;
}

static void serve_select(int server)
{
    fd_set all, ready;
    FD_ZERO(&all);
    FD_SET(server, &all);
    for (int ended = 0; ended < CLIENTS;) {
        ready = all;
        CHECK(select(FD_SETSIZE, &ready, NULL, NULL, NULL) > 0);
        for (int fd = 0; fd < FD_SETSIZE; fd++)
            if (FD_ISSET(fd, &ready)) {
                if (fd == server) {
                    int line = accept(server, NULL, NULL);   // FD_SET reads its argument twice.
                    CHECK(line >= 0 && line < FD_SETSIZE);
                    FD_SET(line, &all);
                } else if (!answer(fd))
                    FD_CLR(fd, &all), close(fd), ended++;
            }
    }
}

static void serve_poll(int server)
{
    struct pollfd list[CLIENTS + 1] = { { server, POLLIN, 0 } };
    int count = 1;
    for (int ended = 0; ended < CLIENTS;) {
        CHECK(poll(list, count, 10000) > 0);
        for (int i = count - 1; i > 0; i--)
            if (list[i].revents && !answer(list[i].fd))
                close(list[i].fd), list[i].fd = -1, ended++;
        if (list[0].revents)
            list[count++] = (struct pollfd){ accept4(server, NULL, NULL, SOCK_CLOEXEC), POLLIN, 0 };
    }
}

static void serve_epoll(int server)
{
    int epoll = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN, .data.fd = server }, got[4];
    EQUAL(0, epoll_ctl(epoll, EPOLL_CTL_ADD, server, &event));
    for (int ended = 0; ended < CLIENTS;) {
        int count = epoll_wait(epoll, got, 4, -1);
        CHECK(count > 0);
        for (int i = 0; i < count; i++)
            if (got[i].data.fd == server) {
                event.data.fd = accept(server, NULL, NULL);
                CHECK(event.data.fd >= 0);
                EQUAL(0, epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event));
            } else if (!answer(got[i].data.fd)) {
                EQUAL(0, epoll_ctl(epoll, EPOLL_CTL_DEL, got[i].data.fd, NULL));
                close(got[i].data.fd), ended++;
            }
    }
    close(epoll);
}

static void *serve_one(void *argument)
{
    int fd = (int)(long)argument;
    while (answer(fd))
        ;
    close(fd);
    return NULL;
}

static void serve_threads(int server)
{
    pthread_t threads[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        EQUAL(0, pthread_create(&threads[i], NULL, serve_one, (void *)(long)accept(server, NULL, NULL)));
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
}

static void serve_forks(int server)
{
    for (int i = 0; i < CLIENTS; i++)
        if (checked_fork() == 0) {
            serve_one((void *)(long)accept(server, NULL, NULL));
            _exit(0);
        }
    // Reaped with the clients.
}

static void run(void (*serve)(int), int more)
{
    struct sockaddr_in address;
    int server = listener(&address), status;
    for (int i = 0; i < CLIENTS; i++)
        if (checked_fork() == 0) {
            client(address, i);
            _exit(0);
        }
    serve(server);
    for (int i = 0; i < CLIENTS + more; i++) {
        CHECK(wait(&status) > 0);
        EQUAL(0, status);
    }
    close(server);
}

static void others(void)
{
    char text[100];
    struct sockaddr_in address, from;
    socklen_t length = sizeof from;
    int one = socket(AF_INET, SOCK_DGRAM, 0), two = socket(AF_INET, SOCK_DGRAM, 0);
    address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    EQUAL(0, bind(one, (struct sockaddr *)&address, sizeof address));
    EQUAL(0, getsockname(one, (struct sockaddr *)&address, &length));
    EQUAL(5, sendto(two, "hello", 5, 0, (struct sockaddr *)&address, sizeof address));
    EQUAL(5, recvfrom(one, text, sizeof text, 0, (struct sockaddr *)&from, &length));
    EQUAL(INADDR_LOOPBACK, ntohl(from.sin_addr.s_addr));
    struct iovec part = { "datagram", 8 };
    struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1 };
    EQUAL(8, sendmsg(one, &message, 0));
    EQUAL(8, recv(two, text, sizeof text, 0));
    FAILS(ECONNREFUSED, (close(one), connect(two, (struct sockaddr *)&address, sizeof address), send(two, "x", 1, 0), sleep_ms(20), (int)send(two, "x", 1, 0)));
    close(two);
    one = socket(AF_INET, SOCK_STREAM, 0);
    FAILS(ECONNREFUSED, connect(one, (struct sockaddr *)&address, sizeof address));
    close(one);

    struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "/tmp/stress.socket" };
    unlink(name.sun_path);
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    EQUAL(0, bind(server, (struct sockaddr *)&name, sizeof name));
    EQUAL(0, listen(server, 2));
    pid_t child = checked_fork();
    if (child == 0) {
        one = socket(AF_UNIX, SOCK_STREAM, 0);
        EQUAL(0, connect(one, (struct sockaddr *)&name, sizeof name));
        EQUAL(4, write(one, "unix", 4));
        EQUAL(4, read(one, text, sizeof text));
        _exit(0);
    }
    one = accept(server, NULL, NULL);
    EQUAL(4, read(one, text, sizeof text));
    struct ucred credentials;
    length = sizeof credentials;
    EQUAL(0, getsockopt(one, SOL_SOCKET, SO_PEERCRED, &credentials, &length));
    EQUAL(child, credentials.pid);
    EQUAL(4, write(one, "back", 4));
    expect_success(child);
    close(one), close(server), unlink(name.sun_path);

    unsigned long value = 5;
    int event = eventfd(0, EFD_NONBLOCK);
    FAILS(EAGAIN, read(event, &value, sizeof value));
    EQUAL(8, write(event, &value, sizeof value));
    EQUAL(8, write(event, &value, sizeof value));
    EQUAL(8, read(event, &value, sizeof value));
    EQUAL(10, value);
    close(event);
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec time = { { 0, 5000000 }, { 0, 5000000 } };
    long start = now_ms(); /* before the timer starts: a slow machine may stop between the two */
    EQUAL(0, timerfd_settime(timer, 0, &time, NULL));
    unsigned long sum = 0;
    while (sum < 10) {
        EQUAL(8, read(timer, &value, sizeof value));
        sum += value;
    }
    CHECK(now_ms() - start >= 48);
    close(timer);
}

int main(void)
{
    time_limit(150);
    STEP("others");
    others();
    STEP("select");
    run(serve_select, 0);
    STEP("poll");
    run(serve_poll, 0);
    STEP("epoll");
    run(serve_epoll, 0);
    STEP("threads");
    run(serve_threads, 0);
    STEP("forks");
    run(serve_forks, CLIENTS);
    return 0;
}
