/* driver.h -- samples to the loop, results to the store: what all settings of a run share.
 *
 * A setting (free, fixed, later simulate, generate and the controls) is a const struct: what it does with one sample. The
 * driver loads the data into the store once, then keeps `n_jobs` samples at work until all have ended. Since a sample has
 * at most one request in flight, that bounds requests too.
 *
 * Resume: samples that have ended are skipped; one that was cut off, or whose request failed, is started again from its
 * first round, and the store's recorder answers whatever was answered before. */
#ifndef FIRE_RUN_DRIVER_H
#define FIRE_RUN_DRIVER_H

#include "base/progress.h"
#include "chat/chat.h"
#include "data/dialogue.h"
#include "data/protocol.h"
#include "data/reader.h"
#include "dialogue/prompt.h"
#include "store/store.h"

struct driver;

/* One sample at work. */
struct unit {
    struct driver *driver;
    struct dialogue dialogue; /* the sample; the recorded turns too, where the setting needs them */
    const struct chat_image *image; /* NULL: it has no picture */
    void *task;                     /* the setting's own */
};

/* What a setting does with one sample; every function runs in the driver's thread. */
struct setting {
    const char *name; /* as the command is called: "bench free" */
    enum reader_need need;
    /* Begins work. The end is told by unit_ended, from the main loop, never from inside. */
    void (*start)(struct unit *unit);
    /* Stops work at once; unit_ended follows. */
    void (*cancel)(struct unit *unit);
    /* Frees unit->task; called once, after unit_ended. */
    void (*free)(struct unit *unit);
};

/* Borrowed for the driver's lifetime. */
struct driver_options {
    const struct setting *setting;
    const struct protocol *protocol;
    const struct prompts *prompts;
    struct store *store;
    struct chat *student, *teacher; /* NULL where the setting has no such role */
    struct chat_sampling student_sampling, teacher_sampling;
    int n_jobs;
    int n_repairs;
    int dialogue_timeout_ms; /* 0: none */
    char *const *files;      /* the data, as it was loaded (load.h); NULL-terminated */
    const char *images;      /* --images; NULL: each data file's own folder */
};

/* What became of the samples of this and earlier calls. */
struct driver_result {
    uint64_t n_samples, n_rejected;
    uint64_t n_failed;     /* ended as failed: no answer came */
    uint64_t n_unfinished; /* not ended: interrupted */
    bool interrupted;      /* by SIGINT or SIGTERM */
    bool never_answered;   /* every dialogue failed, and from a model nothing at all came back */
};

/* Runs everything that has not ended. Returns when all is done, when the user has interrupted it (`result->interrupted`),
 * or false where it cannot go on: the store cannot be written, or a model never answers. */
bool driver_run(const struct driver_options *options, struct driver_result *result, GError **error);

/* For settings: the options, and whether the user has asked to stop (then nothing new is sent). */
const struct driver_options *driver_get_options(const struct driver *driver);
const bool *driver_get_stopping(const struct driver *driver);

/* For settings: the unit's work has ended; the unit is freed. `finished`: false where it was stopped before its end.
 * `failure`: the failed call's message, or NULL. */
void unit_ended(struct unit *unit, bool finished, const char *failure);

#endif
