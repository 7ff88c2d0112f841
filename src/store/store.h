/* store.h -- the run database: one SQLite file that holds everything a result came from. SQL lives
 * in this folder only.
 *
 * One thread owns it. WAL; a turn is committed when complete, a reply when it has come; `kill -9`
 * loses what was in flight and nothing else. A second process on the same run is refused by a lock
 * of the system's (flock), which dies with its holder; readers (runs, report, export) need no lock.
 */
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

/* Opens or makes a run and takes its lock. FIRE_ERROR_IO where it is locked by another process;
 * FIRE_ERROR_USAGE where it holds another run, naming each setting that differs with both values;
 * FIRE_ERROR_FORMAT where it is no run database or of a newer version. */
struct store *store_open(const char *path, const struct run_identity *identity, GError **error);

/* Opens a finished or running run for reading. */
struct store *store_open_readonly(const char *path, GError **error);
void store_close(struct store *store); /* accepts NULL */

/* Before the dialogues: all samples (and recorded turns, for the fixed setting) in order.
 * Idempotent. */
bool store_add_sample(struct store *store, size_t number, const struct dialogue *dialogue,
                      GError **error);
bool store_begin(struct store *store,
                 GError **error); /* one transaction around many store_add_sample */
bool store_commit(struct store *store, GError **error);

/* A turn that is complete; the same turn again replaces it. */
bool store_put_turn(struct store *store, const char *sample_id, size_t i_turn,
                    const struct turn *turn, GError **error);

/* How a dialogue ended; turns over `n_turns` (left by an earlier try) are removed. */
bool store_end_dialogue(struct store *store, const char *sample_id, enum stop stop, size_t n_turns,
                        const char *failure, GError **error);

/* STOP_NONE where it has not ended. */
enum stop store_dialogue_stop(struct store *store, const char *sample_id);

/* A chat that records every request and reply of one role ("student", "teacher") in `store`, and
 * answers from it what was answered before (same sample, role, round, attempt and the same request
 * bytes). Failures are recorded but never replayed. Owns `inner`; borrows `store`. */
struct chat *store_record_chat(struct store *store, const char *role, struct chat *inner);

/* Calls `each` for every sample of the run in order, with its turns and stop. `failure` is NULL or
 * the failed call's message. Stops where `each` returns false. */
bool store_foreach_dialogue(struct store *store,
                            bool (*each)(size_t number, const struct dialogue *dialogue,
                                         const char *failure, void *user),
                            void *user, GError **error);

/* What the run is, as stored:
 * {"fire","commit","command","started","settings":{},"prompt_hash","data_hash",...}. New reference.
 */
json_t *store_describe(struct store *store, GError **error);

struct store_usage {
    int64_t n_requests, n_failed, n_refused, n_truncated, n_retries;
    int64_t prompt_tokens, completion_tokens; /* sums of what servers said */
    int64_t n_without_usage;
};
bool store_usage(struct store *store, struct store_usage *usage, GError **error);

#endif
