/* store.h -- the run database: one SQLite file that holds everything a result came from. SQL lives
 * in this folder only.
 *
 * One thread owns it. WAL; a turn is committed when complete, a reply when it has come; `kill -9`
 * loses what was in flight and nothing else; a power cut may lose the last seconds too, but never
 * damages the file. A second process on the same run is refused by a lock of the system's (flock),
 * which dies with its holder; readers (runs, report, export) need no lock. Runs belong on a local
 * disk: WAL does not work over a network file system. Closed, a run is one plain file again.
 *
 * The first write that fails (a full disk) breaks the store: what was committed stays, every later
 * write fails with the same line, and nothing more is sent to a model. */
#ifndef FIRE_STORE_STORE_H
#define FIRE_STORE_STORE_H

#include "chat/chat.h"
#include "data/dialogue.h"
#include "data/protocol.h"

struct store;

/* What a run is. Everything here but `volatile_options` must be equal when a run goes on. */
struct run_identity {
    const char *command; /* "bench free" */
    json_t *settings;    /* protocol, sampling, models, control: flat object of strings, borrowed */
    const char *prompt_hash;
    const char *data_hash;
    json_t *volatile_options; /* addresses, jobs, retries, time limits: may differ; borrowed */
};

/* Opens or makes a run and takes its lock; a run of an older version is brought up to date.
 * FIRE_ERROR_IO where it is locked by another process; FIRE_ERROR_USAGE where it holds another run,
 * naming each setting that differs with both values; FIRE_ERROR_FORMAT where it is no run database
 * or of a newer version. The user part of URLs in options ("//user:password@host") is not stored. A
 * process must not open a run that it has open for writing (see store.c). */
struct store *store_open(const char *path, const struct run_identity *identity, GError **error);

/* Opens a finished or running run for reading; also where file or folder cannot be written, unless
 * the run's writer was killed and left a log that must be brought in first. */
struct store *store_open_readonly(const char *path, GError **error);
void store_close(struct store *store); /* accepts NULL */

/* Does the file at `path` begin as a SQLite database does? False also where it cannot be read. */
bool store_is_run(const char *path);

/* False, with FIRE_ERROR_USAGE, where `path` is a run database, which no command writes over. */
bool store_check_output(const char *path, GError **error);

/* Before the dialogues: all samples in order, each with the turns that the run starts from: the
 * recorded ones in the fixed setting, none where the run makes its own. `number` is 1-based, `i_file` the index of its data
 * file, `image_digest` that of its picture (NULL: none). Idempotent: a sample that
 * is there stays as it is; FIRE_ERROR_USAGE where its number or id belongs to another one. */
bool store_add_sample(struct store *store, size_t number, int i_file, const char *image_digest,
                      const struct dialogue *dialogue, GError **error);
/* One transaction around many store_add_sample. */
bool store_begin(struct store *store, GError **error);
bool store_commit(struct store *store, GError **error);
void store_rollback(struct store *store); /* nothing where no transaction is open */

/* A record of the data that the run cannot use; a zeroed id is not known. */
struct store_reject {
    int i_file;    /* index of its data file */
    size_t record; /* its number there, 1-based */
    const char *id, *cause, *detail;
    const char *raw; /* verbatim, n_raw bytes of any kind */
    size_t n_raw;
};
bool store_add_reject(struct store *store, const struct store_reject *reject, GError **error);
/* In the order of adding; stops where `each` returns false (and returns true). */
bool store_foreach_reject(struct store *store,
                          bool (*each)(const struct store_reject *reject, void *user), void *user,
                          GError **error);

/* Are all samples of the data in the run? Set with the last of them, in one transaction. */
bool store_is_loaded(struct store *store, bool *loaded, GError **error);
bool store_set_loaded(struct store *store, GError **error);

/* Appends the numbers (size_t) of all samples that have not ended, in order, then of those that ended as failed: who goes on
 * tries what is new before what failed. */
bool store_list_pending(struct store *store, GArray *numbers, GError **error);

/* A sample with its recorded turns (clear with dialogue_clear), the index of its data file and the digest of its picture as
 * a model is shown it; NULL: it has none. Free that with g_free. */
bool store_get_sample(struct store *store, size_t number, struct dialogue *dialogue, int *i_file,
                      char **image_digest, GError **error);

struct store_counts {
    uint64_t n_samples, n_ended, n_failed, n_rejected; /* n_failed of n_ended */
    uint64_t n_silent; /* roles that were asked and never answered, not even with an HTTP error */
};
bool store_count(struct store *store, struct store_counts *counts, GError **error);

/* False, with the first error of the database again, where the store is broken. */
bool store_check(const struct store *store, GError **error);

/* Tokens of the replies that this process recorded, as servers counted them. */
int64_t store_get_tokens(const struct store *store);

/* A turn that is complete; the same turn again replaces it. Here and below FIRE_ERROR_USAGE where
 * the run has no such sample. */
bool store_put_turn(struct store *store, const char *sample_id, size_t i_turn,
                    const struct turn *turn, GError **error);

/* How a dialogue ended; turns over `n_turns` (left by an earlier try) are removed. STOP_NONE: it
 * has not (it was cancelled). `failure`: the failed call's message or NULL. */
bool store_end_dialogue(struct store *store, const char *sample_id, enum stop stop, size_t n_turns,
                        const char *failure, GError **error);

/* STOP_NONE where it has not ended. Whether a dialogue that ended with STOP_FAILED is tried again
 * is the caller's affair. */
enum stop store_dialogue_stop(struct store *store, const char *sample_id);

/* A chat that records every request and reply of one role ("student", "teacher") in `store`, and
 * answers from it what was answered before (same sample, role, round, attempt and the same request
 * bytes: messages, picture digest, model, sampling) with `tries` 0. Failures are recorded but never
 * replayed; cancelled calls leave nothing. Where the store is broken or has no such sample, the
 * reply is CHAT_FAILED with that line. Owns `inner`; borrows `store`. */
struct chat *store_record_chat(struct store *store, const char *role, struct chat *inner);

/* Calls `each` for every sample of the run in order, with its turns and stop. `failure` is NULL or
 * the failed call's message. Stops where `each` returns false (and returns true). `each` may use
 * the store, but not walk it the same way. */
bool store_foreach_dialogue(struct store *store,
                            bool (*each)(size_t number, const struct dialogue *dialogue,
                                         const char *failure, void *user),
                            void *user, GError **error);

/* Calls `each` for the last reply of every call of `role`, ordered by sample, round and attempt,
 * failed ones included. Stops as above. */
typedef bool store_reply_each(size_t number, const char *sample_id, int round, int attempt,
                              enum chat_outcome outcome, const char *text, void *user);
bool store_foreach_reply(struct store *store, const char *role, store_reply_each *each, void *user,
                         GError **error);

/* What the run is, as stored: {"fire","commit","command","started","settings":{},"prompt_hash",
 * "data_hash","options":{},"sessions":[{"started","fire","commit","sqlite","options":{}}],
 * "n_samples","n_ended","n_failed"}. A session is one time that the run was opened for writing;
 * "started", "fire" and "commit" are the first one's, "options" (the volatile ones) the last one's.
 * New reference. */
json_t *store_describe(struct store *store, GError **error);

/* Over all sessions. */
struct store_usage {
    int64_t n_requests; /* that came to a reply, failed ones included */
    int64_t n_failed;   /* of these; also where a later request for the same call was answered */
    int64_t n_refused, n_truncated;
    int64_t n_retries;                        /* tries beyond the first of a request */
    int64_t prompt_tokens, completion_tokens; /* sums of what servers said */
    int64_t n_without_usage;                  /* answers for which they did not say both */
};
bool store_usage(struct store *store, struct store_usage *usage, GError **error);

#endif
