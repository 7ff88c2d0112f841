#include "support/faulty_vfs.h"

#include <glib.h>
#include <signal.h>
#include <sqlite3.h>

/* A VFS is a process-wide thing, so its state is too. */
static struct {
    sqlite3_vfs vfs, *real_vfs;
    /* Database and log have two sets of methods; their write is the same. */
    struct {
        const sqlite3_io_methods *real;
        sqlite3_io_methods faulty;
    } methods[2];
    int (*real_write)(sqlite3_file *, const void *, int, sqlite3_int64);
    enum fault fault;
    int64_t i_write, n_writes;
} faulty;

static int faulty_write(sqlite3_file *file, const void *bytes, int n_bytes, sqlite3_int64 offset)
{
    int64_t i = faulty.n_writes++;
    if (i < faulty.i_write)
        return faulty.real_write(file, bytes, n_bytes, offset);
    if (i == faulty.i_write)
        faulty.real_write(file, bytes, n_bytes / 2, offset);
    if (faulty.fault == FAULT_KILL)
        raise(SIGKILL);
    return SQLITE_FULL;
}

static int faulty_open(sqlite3_vfs *vfs G_GNUC_UNUSED, const char *name, sqlite3_file *file,
                       int flags, int *out_flags)
{
    int code = faulty.real_vfs->xOpen(faulty.real_vfs, name, file, flags, out_flags);
    if (code != SQLITE_OK)
        return code;
    int i = 0;
    while (faulty.methods[i].real && faulty.methods[i].real != file->pMethods)
        g_assert_cmpint(++i, <, (int)G_N_ELEMENTS(faulty.methods));
    faulty.methods[i].real = file->pMethods;
    faulty.methods[i].faulty = *file->pMethods;
    faulty.methods[i].faulty.xWrite = faulty_write;
    faulty.real_write = file->pMethods->xWrite;
    file->pMethods = &faulty.methods[i].faulty;
    return code;
}

void faulty_vfs_install(enum fault fault, int64_t i_write)
{
    faulty.real_vfs = sqlite3_vfs_find(NULL);
    faulty.vfs = *faulty.real_vfs;
    faulty.vfs.zName = "faulty";
    faulty.vfs.xOpen = faulty_open;
    faulty.fault = fault;
    faulty.i_write = i_write;
    g_assert_cmpint(sqlite3_vfs_register(&faulty.vfs, 1), ==, SQLITE_OK);
}

int64_t faulty_vfs_count(void)
{
    return faulty.n_writes;
}
