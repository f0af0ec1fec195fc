// Files: every way to read and write, mappings, big transfers, names, directories, several processes on one open file.
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include "check.h"

enum { PAGE = 4096, LARGE = 3000000 };
static unsigned char *large, *other;

static int make(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    return fd;
}

static void reap(int count)
{
    int status;
    for (int i = 0; i < count; i++) {
        CHECK(wait(&status) > 0);
        EQUAL(0, status);
    }
}

static void transfers(void)
{
    int fd = make("one");
    EQUAL(LARGE, write(fd, large, LARGE));   // Far more than any buffer on the way.
    EQUAL(LARGE, lseek(fd, 0, SEEK_CUR));
    EQUAL(0, lseek(fd, 0, SEEK_SET));
    EQUAL(LARGE, read(fd, other, LARGE + 5000));
    CHECK(memcmp(large, other, LARGE) == 0);
    EQUAL(0, read(fd, other, 10));
    EQUAL(1000, pread(fd, other, 1000, 1234567));
    CHECK(memcmp(large + 1234567, other, 1000) == 0);
    EQUAL(3, pwrite(fd, "abc", 3, 1000000));
    EQUAL(3, pread(fd, other, 3, 1000000));
    CHECK(memcmp(other, "abc", 3) == 0);
    EQUAL(3, pwrite(fd, large + 1000000, 3, 1000000));

    struct iovec parts[40];
    size_t at = 0;
    for (int i = 0; i < 40; i++) {
        size_t length = (size_t)(i % 7) * 9000 + (i % 3 ? 1 : 0);
        parts[i] = (struct iovec){ large + at, length };
        at += length;
    }
    EQUAL(0, ftruncate(fd, 0));
    EQUAL(0, lseek(fd, 0, SEEK_SET));
    EQUAL(at, writev(fd, parts, 40));
    memset(other, 0, at);
    size_t to = 0;
    for (int i = 0; i < 40; i++) {
        parts[i] = (struct iovec){ other + to, (size_t)((i + 3) % 7) * 9000 + 5 };
        to += parts[i].iov_len;
    }
    EQUAL(at < to ? at : to, preadv(fd, parts, 40, 0));
    CHECK(memcmp(large, other, at < to ? at : to) == 0);
    FAILS(EINVAL, readv(fd, parts, -1));
    FAILS(EFAULT, pread(fd, (void *)16, 100, 0));
    FAILS(EINVAL, pread(fd, other, 100, -1));
    FAILS(EBADF, write(open("one", O_RDONLY), "x", 1));

    // Append by several processes: nothing is lost.
    close(make("log"));
    for (int i = 0; i < 4; i++)
        if (checked_fork() == 0) {
            int log = open("log", O_WRONLY | O_APPEND);
            char line[32];
            for (int j = 0; j < 100; j++) {
                int length = snprintf(line, sizeof line, "process %d line %3d\n", i, j);
                EQUAL(length, write(log, line, length));
            }
            _exit(0);
        }
    reap(4);
    struct stat status;
    EQUAL(0, stat("log", &status));
    EQUAL(4 * 100 * 19, status.st_size + 0);
    close(fd);
}

static void mappings(void)
{
    int fd = make("mapped");
    EQUAL(100000, write(fd, large, 100000));
    unsigned char *shared = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    unsigned char *private = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    unsigned char *tail = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 8 * PAGE);
    CHECK(shared != MAP_FAILED && private != MAP_FAILED && tail != MAP_FAILED);
    CHECK(memcmp(shared, large, 100000) == 0);
    CHECK(memcmp(private, large, 100000) == 0);
    CHECK(memcmp(tail, large + 8 * PAGE, PAGE) == 0);
    memcpy(shared + 5000, "shared", 6);
    memcpy(private + 5000, "privat", 6);
    EQUAL(0, msync(shared, 100000, MS_SYNC));
    EQUAL(6, pread(fd, other, 6, 5000));
    CHECK(memcmp(other, "shared", 6) == 0);
    EQUAL(7, pwrite(fd, "written", 7, 8 * PAGE + 10));
    CHECK(memcmp(shared + 8 * PAGE + 10, "written", 7) == 0);
    CHECK(memcmp(tail + 10, "written", 7) == 0);
    CHECK(memcmp(private + 5000, "privat", 6) == 0);
    EQUAL(0, shared[100000]);   // The rest of the last page.
    pid_t child = checked_fork();
    if (child == 0) {
        memcpy(shared + 60000, "by the child", 12);
        memcpy(private + 60000, "by the child", 12);
        _exit(0);
    }
    expect_success(child);
    CHECK(memcmp(shared + 60000, "by the child", 12) == 0);
    munmap(shared, 100000);
    close(fd);
    fd = open("mapped", O_RDONLY);
    EQUAL(12, pread(fd, other, 12, 60000));
    CHECK(memcmp(other, "by the child", 12) == 0);
    CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EACCES);
    munmap(private, 100000), munmap(tail, PAGE), close(fd);
}

static void names(void)
{
    struct stat one, two;
    char text[200];
    EQUAL(0, mkdir("folder", 0755));
    FAILS(EEXIST, mkdir("folder", 0755));
    close(make("folder/a"));
    int fd = make("folder/b");
    EQUAL(3, write(fd, "bbb", 3));
    EQUAL(0, rename("folder/b", "folder/a"));
    EQUAL(0, stat("folder/a", &one));
    EQUAL(0, fstat(fd, &two));
    EQUAL(one.st_ino, two.st_ino);
    EQUAL(3, one.st_size);
    FAILS(ENOENT, stat("folder/b", &one));
    EQUAL(0, link("folder/a", "folder/c"));
    EQUAL(0, fstat(fd, &two));
    EQUAL(2, two.st_nlink);
    EQUAL(0, symlink("a", "folder/l"));
    EQUAL(1, readlink("folder/l", text, sizeof text));
    EQUAL(0, unlink("folder/a"));
    FAILS(ENOENT, open("folder/l", O_RDONLY));
    EQUAL(3, pread(fd, text, 10, 0));
    close(fd);
    int folder = open("folder", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "file-with-a-rather-long-name-%03d", i);
        fd = openat(folder, text, O_CREAT | O_WRONLY | O_EXCL, 0600);
        CHECK(fd >= 0);
        close(fd);
    }
    DIR *directory = fdopendir(folder);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] == 'f';
    EQUAL(300, count);
    EQUAL(0, chdir("folder"));
    CHECK(getcwd(text, sizeof text) && strcmp(text, "/tmp/files/folder") == 0);
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "../folder/./file-with-a-rather-long-name-%03d", i);
        EQUAL(0, unlink(text));
    }
    EQUAL(0, chdir(".."));
    FAILS(ENOTEMPTY, rmdir("folder"));
    EQUAL(0, unlinkat(folder, "c", 0));
    EQUAL(0, unlinkat(folder, "l", 0));
    closedir(directory);
    EQUAL(0, rmdir("folder"));
    EQUAL(0, chmod("one", 0600));
    EQUAL(0, stat("one", &one));
    EQUAL(0600, one.st_mode & 07777);
    struct timespec times[2] = { { 1000, 5 }, { 2000, 6 } };
    EQUAL(0, utimensat(AT_FDCWD, "one", times, 0));
    EQUAL(0, stat("one", &one));
    EQUAL(2000, one.st_mtim.tv_sec);
    EQUAL(6, one.st_mtim.tv_nsec);
    EQUAL(0, access("one", R_OK | W_OK));
    EQUAL(0, mkfifo("fifo", 0600));
    pid_t child = checked_fork();
    if (child == 0) {
        int to = open("fifo", O_WRONLY);
        CHECK(to >= 0 && write(to, "through", 7) == 7);
        _exit(0);
    }
    int from = open("fifo", O_RDONLY);
    CHECK(from >= 0);
    EQUAL(7, read(from, text, sizeof text));
    EQUAL(0, read(from, text, sizeof text));
    expect_success(child);
    close(from);
    unlink("fifo");
}

static void shared_offsets(void)
{
    int fd = make("offsets"), copy = dup(fd), far = fcntl(fd, F_DUPFD_CLOEXEC, 700);
    EQUAL(700, far);
    pid_t child = checked_fork();
    if (child == 0) {
        EQUAL(5, write(copy, "child", 5));
        close(fd), close(copy);
        _exit(0);
    }
    expect_success(child);
    EQUAL(6, write(far, "parent", 6));
    EQUAL(11, lseek(fd, 0, SEEK_CUR));
    char text[20];
    EQUAL(11, pread(fd, text, 20, 0));
    CHECK(memcmp(text, "childparent", 11) == 0);
    EQUAL(fd, dup2(copy, fd));
    EQUAL(90, dup3(fd, 90, O_CLOEXEC));
    EQUAL(FD_CLOEXEC, fcntl(90, F_GETFD));
    EQUAL(0, flock(fd, LOCK_EX));
    int second = open("offsets", O_RDWR);
    FAILS(EWOULDBLOCK, flock(second, LOCK_EX | LOCK_NB));
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 4 };
    EQUAL(0, fcntl(fd, F_SETLK, &lock));
    if ((child = checked_fork()) == 0) {
        EQUAL(0, fcntl(fd, F_GETLK, &lock));
        EQUAL(F_WRLCK, lock.l_type);
        EQUAL(getppid(), lock.l_pid);
        _exit(0);
    }
    expect_success(child);
    int source = open("one", O_RDONLY);
    off_t start = 0;
    EQUAL(0, lseek(fd, 0, SEEK_SET));
    EQUAL(50000, sendfile(fd, source, &start, 50000));
    EQUAL(50000, start);
    EQUAL(50000, pread(fd, other, 60000, 0));
    CHECK(memcmp(other, large, 50000) == 0);
    close(90), close(source), close(second), close(far), close(copy), close(fd);
    FAILS(EBADF, close(fd));
}

static void *own_part(void *argument)
{
    long self = (long)argument;
    int fd = open("parts", O_RDWR);
    unsigned char bytes[3000], back[3000];
    for (int i = 0; i < 60; i++) {
        memset(bytes, (int)(self * 60 + i), sizeof bytes);
        EQUAL(sizeof bytes, pwrite(fd, bytes, sizeof bytes, self * (long)sizeof bytes));
        EQUAL(sizeof back, pread(fd, back, sizeof back, self * (long)sizeof bytes));
        CHECK(memcmp(bytes, back, sizeof bytes) == 0);
    }
    close(fd);
    return NULL;
}

/// /proc/self/exe: the name of this program, its bytes, and itself once more.
static void own_program(void)
{
    char path[4096], own[64], head[4];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    CHECK(length > 0);
    path[length] = 0;
    EQUAL(0, access(path, X_OK));
    CHECK(strcmp(strrchr(path, '/'), "/files") == 0);
    EQUAL(3, readlink("/proc/self/exe", own, 3));
    snprintf(own, sizeof own, "/proc/%d/exe", getpid());
    EQUAL(length, readlink(own, path, sizeof path));
    FAILS(EINVAL, readlink("/proc/self/exe", own, 0));
    int fd = open("/proc/self/exe", O_RDONLY);
    CHECK(fd >= 0);
    EQUAL(4, read(fd, head, 4));
    CHECK(memcmp(head, "\177ELF", 4) == 0);
    close(fd);
    pid_t child = checked_fork();
    if (child == 0) {
        char *const again[] = { "files", "again", NULL };
        execv("/proc/self/exe", again);
        _exit(99);
    }
    int status;
    EQUAL(child, waitpid(child, &status, 0));
    EQUAL(77 << 8, status);
}

int main(int count, char **arguments)
{
    if (count > 1)
        return strcmp(arguments[1], "again") == 0 ? 77 : 1;
    time_limit(150);
    STEP("own program");
    own_program();
    mkdir("/tmp/files", 0755);
    EQUAL(0, chdir("/tmp/files"));
    large = malloc(LARGE);
    other = malloc(LARGE + 5000);
    unsigned int random = 4;
    for (int i = 0; i < LARGE; i++)
        large[i] = (unsigned char)next_random(&random);
    STEP("transfers");
    transfers();
    STEP("mappings");
    mappings();
    STEP("names");
    names();
    STEP("shared offsets");
    shared_offsets();
    STEP("threads");
    pthread_t threads[4];
    close(make("parts"));
    for (long i = 0; i < 4; i++)
        EQUAL(0, pthread_create(&threads[i], NULL, own_part, (void *)i));
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    EQUAL(0, chdir("/"));
    EQUAL(0, unlink("/tmp/files/one"));
    EQUAL(0, unlink("/tmp/files/log"));
    EQUAL(0, unlink("/tmp/files/mapped"));
    EQUAL(0, unlink("/tmp/files/offsets"));
    EQUAL(0, unlink("/tmp/files/parts"));
    EQUAL(0, rmdir("/tmp/files"));
    return 0;
}
