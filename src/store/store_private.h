/* store_private.h -- inside of a store, for the files of this folder. */
#ifndef FIRE_STORE_STORE_PRIVATE_H
#define FIRE_STORE_STORE_PRIVATE_H

#include "store/sql.h"
#include "store/store.h"

struct store {
    struct sql *sql;
    int lock_fd;    /* holds the flock; -1: opened for reading */
    bool is_wal;    /* this store has switched the file to WAL */
    GError *broken; /* the first error of the database; nothing is written after it */
};

/* False, with the first error again, where the store is broken. */
bool store_is_usable(const struct store *store, GError **error);

/* Marks the store as broken by `cause`, which it takes, and passes that on. What was not committed
 * is rolled back. Returns false. */
bool store_break(struct store *store, GError *cause, GError **error);

/* FIRE_ERROR_USAGE where the run has no such sample. */
bool store_find_sample(struct store *store, const char *id, gint64 *number, GError **error);

#endif
