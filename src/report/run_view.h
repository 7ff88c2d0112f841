/* run_view.h -- a run database as the metrics see it: texts are parsed anew by the protocol of the
 * tables. */
#ifndef FIRE_REPORT_RUN_VIEW_H
#define FIRE_REPORT_RUN_VIEW_H

#include "metric/fixed_scores.h"
#include "metric/free_set.h"
#include "store/store.h"

/* Is the run one of this command? FIRE_ERROR_USAGE otherwise. */
bool run_view_check(struct store *store, const char *path, const char *command, GError **error);

/* The protocol that the run was made with. */
bool run_view_protocol(struct store *store, struct protocol *protocol, GError **error);

/* The same, and by which options a run under `protocol` would have been another one ("threshold,
 * turns", free with g_free); NULL: by none. */
bool run_view_played_under(struct store *store, const struct protocol *protocol,
                           struct protocol *played, char **difference, GError **error);

/* The dialogues of a free run that have ended. `n_unfinished` (may be NULL) counts the others. */
bool run_view_free_set(struct store *store, const struct protocol *protocol, struct free_set *set,
                       size_t *n_unfinished, GError **error);

/* The predictions of one role of a fixed run, scored; n_items is 0 where the run did not ask it. */
bool run_view_fixed(struct store *store, const struct protocol *protocol, enum tokenizer tokenizer,
                    bool is_teacher, int n_resamples, uint64_t seed, struct fixed_result *result,
                    GError **error);

/* "student llava (http://h/v1#llava), teacher ...; prompts 1234abcd, data 5678abcd; fire 0.1.0
 * (commit)". Free with g_free. */
char *run_view_note(struct store *store, GError **error);

/* {"run": {...}, "usage": {...}, "failures": n, "rejected": n, "unfinished": n}: what joins the JSON
 * of a run's tables. New reference. */
json_t *run_view_to_json(struct store *store, const char *path, GError **error);

#endif
