/* store_private.h -- inside of a store, for the files of this folder. */
#ifndef FIRE_STORE_STORE_PRIVATE_H
#define FIRE_STORE_STORE_PRIVATE_H

#include "store/sql.h"
#include "store/store.h"

struct store {
    struct sql *sql;
    int lock_fd;    /* holds the flock; -1: opened for reading */
    bool is_wal;    /* this store has switched the file to WAL */
    int64_t tokens; /* of the replies recorded by this process */
    GError *broken; /* the first error of the database; nothing is written after it */
};

/* Marks the store as broken by `cause`, which it takes, and passes that on. What was not committed
 * is rolled back. Returns false. */
bool store_break(struct store *store, GError *cause, GError **error);

/* One row of a query for `number, samples.sample, stop, failure, i_turn, response, feedback, score, meta`: reads the dialogue that
 * begins there and goes to the first row of the next one. `*result` is as sql_step gave it; `*dialogue` must be zeroed. */
bool store_read_dialogue(struct sql *sql, sqlite3_stmt *rows, struct dialogue *dialogue,
                         char **failure, enum sql_result *result, GError **error);

/* FIRE_ERROR_USAGE where the run has no such sample. */
bool store_find_sample(struct store *store, const char *id, gint64 *number, GError **error);

#endif
