#include "report/run_view.h"

#include "base/error.h"
#include "base/json.h"
#include "data/parse.h"
#include "dialogue/fixed.h"

#include <math.h>
#include <string.h>

bool run_view_check(struct store *store, const char *path, const char *command, GError **error)
{
    g_autoptr(json_t) run = store_describe(store, error);
    if (!run)
        return false;
    const char *stored = json_get_string(run, "command");
    if (g_strcmp0(stored, command) == 0)
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "'%s' is a run of 'fire %s', not of 'fire %s'",
                path, stored, command);
    return false;
}

bool run_view_protocol(struct store *store, struct protocol *protocol, GError **error)
{
    g_autoptr(json_t) run = store_describe(store, error);
    return run && protocol_from_json(protocol, json_object_get(run, "settings"), error);
}

/* --- free --- */

struct gather {
    struct free_set *set;
    const struct protocol *protocol;
    size_t n_unfinished;
};

/* The stored scores are the run's reading of the texts; the tables' protocol may read them otherwise. The last turn of a
 * refused dialogue holds a refusal, whatever it says. */
static bool gather_dialogue(size_t number G_GNUC_UNUSED, const struct dialogue *dialogue,
                            const char *failure G_GNUC_UNUSED, void *user)
{
    struct gather *gather = user;
    if (dialogue->stop == STOP_NONE) {
        gather->n_unfinished++;
        return true;
    }
    for (size_t i = 0; i < dialogue->n_turns; i++) {
        bool refused = dialogue->stop == STOP_REFUSED && i + 1 == dialogue->n_turns;
        dialogue->turns[i].score =
            refused ? NAN : parse_score(gather->protocol, dialogue->turns[i].feedback);
    }
    free_set_add(gather->set, dialogue);
    return true;
}

bool run_view_free_set(struct store *store, const struct protocol *protocol, struct free_set *set,
                       size_t *n_unfinished, GError **error)
{
    struct gather gather = {.set = set, .protocol = protocol};
    if (!store_foreach_dialogue(store, gather_dialogue, &gather, error))
        return false;
    if (n_unfinished)
        *n_unfinished = gather.n_unfinished;
    return true;
}

/* --- fixed --- */

/* One list of turns over which BLEU and CIDEr are taken. */
struct turn_list {
    char *source; /* NULL: all */
    struct text_metric *headline, *first;
    struct mae mae;
    int failed;
};

struct fixed_gather {
    const struct protocol *protocol;
    enum tokenizer tokenizer;
    bool is_teacher;
    GHashTable *replies; /* "NUMBER ROUND" -> text, or NULL where the call failed */
    GPtrArray *lists;    /* [0] is all */
    GHashTable *by_source;
    size_t n_predictions;
};

static struct turn_list *list_new(const struct fixed_gather *gather, const char *source)
{
    struct turn_list *list = g_new0(struct turn_list, 1);
    enum cider_length cider = (enum cider_length)gather->protocol->cider;
    list->source = g_strdup(source);
    list->headline = text_metric_new(gather->tokenizer, cider);
    list->first = text_metric_new(gather->tokenizer, cider);
    return list;
}

static void list_free(void *data)
{
    struct turn_list *list = data;
    g_free(list->source);
    text_metric_free(list->headline);
    text_metric_free(list->first);
    g_free(list);
}

static struct turn_list *list_of(struct fixed_gather *gather, const char *source)
{
    struct turn_list *list = g_hash_table_lookup(gather->by_source, source);
    if (!list) {
        list = list_new(gather, source);
        g_ptr_array_add(gather->lists, list);
        g_hash_table_insert(gather->by_source, list->source, list);
    }
    return list;
}

static char *reply_key(size_t number, int round)
{
    return g_strdup_printf("%zu %d", number, round);
}

/* Later attempts replace earlier ones. */
static bool gather_reply(size_t number, const char *id G_GNUC_UNUSED, int round,
                         int attempt G_GNUC_UNUSED, enum chat_outcome outcome, const char *text,
                         void *user)
{
    struct fixed_gather *gather = user;
    g_hash_table_insert(gather->replies, reply_key(number, round),
                        outcome == CHAT_FAILED ? NULL : g_strdup(text));
    return true;
}

static void list_add(struct turn_list *list, const struct protocol *protocol,
                     const struct fixed_prediction *prediction)
{
    const char *label = prediction->label;
    bool first = prediction->role == FIXED_STUDENT && prediction->i_turn == 0;
    text_metric_add(first ? list->first : list->headline, prediction->text, &label, 1);
    if (prediction->role == FIXED_TEACHER)
        mae_add(&list->mae, protocol, prediction->label_score, prediction->score);
}

static bool gather_predictions(size_t number, const struct dialogue *dialogue,
                               const char *failure G_GNUC_UNUSED, void *user)
{
    struct fixed_gather *gather = user;
    enum fixed_role role = gather->is_teacher ? FIXED_TEACHER : FIXED_STUDENT;
    struct turn_list *lists[] = {gather->lists->pdata[0], list_of(gather, dialogue->sample.source)};
    for (size_t i = 0; i < dialogue->n_turns; i++) {
        g_autofree char *key = reply_key(number, (int)i + 1);
        const char *text = g_hash_table_lookup(gather->replies, key);
        if (!text) {
            bool failed = g_hash_table_contains(gather->replies, key);
            for (size_t k = 0; k < G_N_ELEMENTS(lists); k++)
                lists[k]->failed += failed;
            continue;
        }
        struct fixed_prediction prediction;
        fixed_predict(&prediction, gather->protocol, dialogue, role, i, text);
        for (size_t k = 0; k < G_N_ELEMENTS(lists); k++)
            list_add(lists[k], gather->protocol, &prediction);
        fixed_prediction_clear(&prediction);
        gather->n_predictions++;
    }
    return true;
}

static bool list_compute(struct turn_list *list, struct fixed_scores *scores, GError **error)
{
    *scores = (struct fixed_scores){.mae = list->mae, .failed = list->failed};
    return text_metric_compute(list->headline, &scores->text, NULL, error) &&
           text_metric_compute(list->first, &scores->first, NULL, error);
}

static int compare_lists(const void *a, const void *b)
{
    const struct turn_list *const *x = a, *const *y = b;
    return g_strcmp0((*x)->source, (*y)->source); /* NULL, the list of all, is first */
}

static bool compute_lists(struct fixed_gather *gather, struct fixed_view *view, GError **error)
{
    g_ptr_array_sort(gather->lists, compare_lists);
    view->n_predictions = gather->n_predictions;
    view->rows = g_new0(struct fixed_row, gather->lists->len);
    if (!list_compute(gather->lists->pdata[0], &view->micro, error))
        return false;
    for (guint i = 1; i < gather->lists->len; i++) {
        struct turn_list *list = gather->lists->pdata[i];
        struct fixed_row *row = &view->rows[view->n_rows++];
        row->source = g_strdup(list->source);
        if (!list_compute(list, &row->scores, error))
            return false;
    }
    return true;
}

bool run_view_fixed(struct store *store, const struct protocol *protocol, enum tokenizer tokenizer,
                    bool is_teacher, struct fixed_view *view, GError **error)
{
    struct fixed_gather gather = {
        .protocol = protocol,
        .tokenizer = tokenizer,
        .is_teacher = is_teacher,
        .replies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .lists = g_ptr_array_new_with_free_func(list_free),
        .by_source = g_hash_table_new(g_str_hash, g_str_equal),
    };
    *view = (struct fixed_view){0};
    g_ptr_array_add(gather.lists, list_new(&gather, NULL));
    bool ok = store_foreach_reply(store, is_teacher ? "teacher" : "student", gather_reply, &gather,
                                  error) &&
              store_foreach_dialogue(store, gather_predictions, &gather, error) &&
              compute_lists(&gather, view, error);
    g_hash_table_unref(gather.by_source);
    g_ptr_array_unref(gather.lists);
    g_hash_table_unref(gather.replies);
    if (!ok)
        fixed_view_clear(view);
    return ok;
}

void fixed_view_clear(struct fixed_view *view)
{
    for (size_t i = 0; i < view->n_rows; i++)
        g_free((char *)(uintptr_t)view->rows[i].source);
    g_free(view->rows);
    *view = (struct fixed_view){0};
}

/* --- where the numbers come from --- */

static void note_role(GString *note, const json_t *run, const char *role)
{
    g_autofree char *model = g_strdup_printf("%s model", role),
                    *address = g_strdup_printf("%s address", role);
    const char *name = json_get_string(json_object_get(run, "settings"), model);
    const char *where = json_get_string(json_object_get(run, "options"), address);
    if (name)
        g_string_append_printf(note, "%s %s%s%s%s; ", role, name, where ? " (" : "",
                               where ? where : "", where ? ")" : "");
}

char *run_view_note(struct store *store, GError **error)
{
    g_autoptr(json_t) run = store_describe(store, error);
    if (!run)
        return NULL;
    GString *note = g_string_new(NULL);
    note_role(note, run, "student");
    note_role(note, run, "teacher");
    g_string_append_printf(note, "prompts %.12s, data %.12s; fire %s (%s)",
                           json_get_string(run, "prompt_hash"), json_get_string(run, "data_hash"),
                           json_get_string(run, "fire"), json_get_string(run, "commit"));
    return g_string_free(note, FALSE);
}

json_t *run_view_to_json(struct store *store, const char *path, GError **error)
{
    struct store_usage usage;
    struct store_counts counts;
    json_t *run = store_describe(store, error);
    if (!run || !store_usage(store, &usage, error) || !store_count(store, &counts, error)) {
        json_decref(run);
        return NULL;
    }
    json_object_set_new(run, "path", json_string(path));
    return json_pack("{s:o, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:I, s:I, s:I}", "run", run,
                     "usage", "requests", (json_int_t)usage.n_requests, "failed",
                     (json_int_t)usage.n_failed, "refused", (json_int_t)usage.n_refused,
                     "truncated", (json_int_t)usage.n_truncated, "retries",
                     (json_int_t)usage.n_retries, "prompt_tokens", (json_int_t)usage.prompt_tokens,
                     "completion_tokens", (json_int_t)usage.completion_tokens, "without_usage",
                     (json_int_t)usage.n_without_usage, "failures", (json_int_t)counts.n_failed,
                     "rejected", (json_int_t)counts.n_rejected, "unfinished",
                     (json_int_t)(counts.n_samples - counts.n_ended));
}
