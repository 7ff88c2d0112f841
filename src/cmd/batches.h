/* batches.h -- the records of a file, worked on in batches by all cores; what came of them is taken
 * in the order of the file, so that results do not depend on the number of threads. */
#ifndef FIRE_CMD_BATCHES_H
#define FIRE_CMD_BATCHES_H

#include "base/json.h"
#include "cmd/input.h"
#include "data/complaint.h"
#include "data/flaw.h"

/* Records are gathered to this many batches of about this size, then worked on together. */
enum { BATCHES_AT_ONCE = 16, BATCH_BYTES = 256 << 10 };

struct batches_job {
    /* Works on one record, an object, on any thread. Adds what comes of it to `part`, its batch's
     * own, or returns false with a flaw. */
    bool (*work)(void *part, const json_t *record, struct flaw *flaw);
    /* Called for each part after its batch, on the caller's thread; leaves it empty. */
    bool (*take)(void *part, void *user, GError **error);
    void *parts[BATCHES_AT_ONCE]; /* the caller's */
    bool allow_nul;               /* strings may hold NUL; else such a record is bad */
    void *user;
};

enum batches_status {
    BATCHES_DONE,
    BATCHES_BROKEN,  /* the file cannot be read on; what came before stands. `error` is set */
    BATCHES_STOPPED, /* nothing is to be reported: not opened, --strict, a failed write; likewise */
};

enum batches_status batches_run(const char *path, struct complaints *complaints,
                                const struct batches_job *job, GError **error);

/* A whole command that prints a line for each record of `path`: `add` makes a JSON object of one, on any thread, or returns
 * NULL with a flaw. `what` names the lines in an error. Returns the exit code. */
int batches_print(const char *path, const struct input_options *input, const char *what,
                  bool allow_nul,
                  json_t *(*add)(const json_t *record, const void *user, struct flaw *flaw),
                  const void *user, GError **error);

/* For `work`: the string under `key`, or NULL with a flaw. */
const char *batches_get_string(const json_t *record, const char *key, struct flaw *flaw);

#endif
