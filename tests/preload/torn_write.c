/* torn_write.c -- to be preloaded: kills its process in the midst of a write to a run database.
 *
 * Once the file $TORN_WRITE_ORDER exists, which holds a number N, the N-th write from then on to a file whose path begins
 * with $TORN_WRITE_PATH (the database, its log) is done by half, the order is removed, and the process kills itself. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_of_run(int fd)
{
    char link[64], path[PATH_MAX];
    const char *prefix = getenv("TORN_WRITE_PATH");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path);
    return prefix && n >= (ssize_t)strlen(prefix) && strncmp(path, prefix, strlen(prefix)) == 0;
}

/* Is this write the one to die in? */
static int is_the_one(int fd)
{
    static int n_left = 0; /* 0: no order was seen */
    const char *order = getenv("TORN_WRITE_ORDER");
    char text[16];
    if (!order || !is_of_run(fd))
        return 0;
    if (n_left == 0) {
        int file = open(order, O_RDONLY | O_CLOEXEC);
        ssize_t n = file >= 0 ? read(file, text, sizeof text - 1) : 0;
        if (file >= 0)
            close(file);
        if (n <= 0)
            return 0;
        text[n] = '\0';
        n_left = (int)strtol(text, NULL, 10);
    }
    if (--n_left > 0)
        return 0;
    unlink(order);
    return 1;
}

#define NEXT(name, type) ((type)(uintptr_t)dlsym(RTLD_NEXT, name))

typedef ssize_t pwrite_function(int fd, const void *bytes, size_t n, off64_t at);
typedef ssize_t write_function(int fd, const void *bytes, size_t n);

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    pwrite_function *next = NEXT("pwrite64", pwrite_function *);
    if (is_the_one(fd)) {
        next(fd, bytes, n / 2, at);
        kill(getpid(), SIGKILL);
    }
    return next(fd, bytes, n, at);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    write_function *next = NEXT("write", write_function *);
    if (is_the_one(fd)) {
        next(fd, bytes, n / 2);
        kill(getpid(), SIGKILL);
    }
    return next(fd, bytes, n);
}
