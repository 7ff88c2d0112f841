/* faulty_vfs.h -- SQLite's file layer with a fault at the n-th write. */
#ifndef FIRE_TESTS_FAULTY_VFS_H
#define FIRE_TESTS_FAULTY_VFS_H

#include <stdint.h>

enum fault {
    FAULT_KILL, /* half of the bytes are written, then the process kills itself */
    FAULT_FULL, /* half of the bytes are written, then this and every later write finds no room */
};

/* Makes it the default of this process: once, in a child of its own. Writes (to database and log)
 * count from 0 on. */
void faulty_vfs_install(enum fault fault, int64_t i_write);
int64_t faulty_vfs_count(void);

#endif
