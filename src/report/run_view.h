/* run_view.h -- a run database as the metrics see it: texts are parsed anew by the protocol of the tables. */
#ifndef FIRE_REPORT_RUN_VIEW_H
#define FIRE_REPORT_RUN_VIEW_H

#include "metric/free_set.h"
#include "report/fixed_report.h"
#include "store/store.h"

/* Is the run one of this command? FIRE_ERROR_USAGE otherwise. */
bool run_view_check(struct store *store, const char *path, const char *command, GError **error);

/* The dialogues of a free run that have ended. `n_unfinished` (may be NULL) counts the others. */
bool run_view_free_set(struct store *store, const struct protocol *protocol, struct free_set *set,
                       size_t *n_unfinished, GError **error);

/* The predictions of one role of a fixed run, scored. */
struct fixed_view {
    struct fixed_scores micro;
    struct fixed_row *rows; /* (n_rows) by source; sources are owned */
    size_t n_rows;
    size_t n_predictions; /* 0: the run did not ask this role */
};
bool run_view_fixed(struct store *store, const struct protocol *protocol, enum tokenizer tokenizer,
                    bool is_teacher, struct fixed_view *view, GError **error);
void fixed_view_clear(struct fixed_view *view);

/* The protocol that the run was made with. */
bool run_view_protocol(struct store *store, struct protocol *protocol, GError **error);

/* "student llava (http://h/v1#llava), teacher ...; prompts 1234abcd, data 5678abcd; fire 0.1.0 (commit)". */
char *run_view_note(struct store *store, GError **error);

/* {"run": {...}, "usage": {...}, "failures": n, "rejected": n, "unfinished": n}: what joins the JSON of a run's tables. New
 * reference. */
json_t *run_view_to_json(struct store *store, const char *path, GError **error);

#endif
