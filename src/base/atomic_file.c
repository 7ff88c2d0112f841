#include "base/atomic_file.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct atomic_file {
    char *path;
    char *temporary; /* NULL where the target is written to directly */
    FILE *stream;
};

static void free_file(struct atomic_file *file)
{
    g_free(file->path);
    g_free(file->temporary);
    g_free(file);
}

struct atomic_file *atomic_file_open(const char *path, GError **error)
{
    struct atomic_file *file = g_new0(struct atomic_file, 1);
    file->path = g_strdup(path);
    if (strcmp(path, "-") == 0) {
        file->stream = stdout;
        return file;
    }
    struct stat status;
    bool exists = stat(path, &status) == 0;
    int fd;
    if (exists && !S_ISREG(status.st_mode)) {
        fd = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        file->temporary = g_strdup_printf("%s.XXXXXX.tmp", path);
        fd = g_mkstemp_full(file->temporary, O_WRONLY | O_CLOEXEC,
                            exists ? status.st_mode & 0777 : 0666);
    }
    if (fd >= 0)
        file->stream = fdopen(fd, "w");
    if (!file->stream) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot write '%s': %s", path,
                    g_strerror(errno));
        if (fd >= 0)
            close(fd);
        free_file(file);
        return NULL;
    }
    return file;
}

FILE *atomic_file_stream(struct atomic_file *file)
{
    return file->stream;
}

void atomic_file_discard(struct atomic_file *file)
{
    if (!file)
        return;
    if (file->stream != stdout)
        fclose(file->stream);
    if (file->temporary)
        unlink(file->temporary);
    free_file(file);
}

bool atomic_file_commit(struct atomic_file *file, GError **error)
{
    errno = 0;
    bool ok = fflush(file->stream) == 0 && !ferror(file->stream);
    if (ok && file->temporary)
        ok = fsync(fileno(file->stream)) == 0 && rename(file->temporary, file->path) == 0;
    if (!ok) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot write '%s': %s", file->path,
                    errno ? g_strerror(errno) : "write error");
        atomic_file_discard(file);
        return false;
    }
    g_clear_pointer(&file->temporary, g_free);
    atomic_file_discard(file);
    return true;
}
