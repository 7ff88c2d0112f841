#include "report/run_view.h"

#include "base/error.h"
#include "base/json.h"
#include "data/parse.h"
#include "data/picture.h"
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

bool run_view_played_under(struct store *store, const struct protocol *protocol,
                           struct protocol *played, char **difference, GError **error)
{
    g_autoptr(json_t) run = store_describe(store, error);
    if (!run || !protocol_from_json(played, json_object_get(run, "settings"), error))
        return false;
    bool is_fixed = g_strcmp0(json_get_string(run, "command"), "bench fixed") == 0;
    *difference = protocol_play_difference(played, protocol, is_fixed ? PLAYS_FIXED : PLAYS_FREE);
    return true;
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

struct reply {
    enum chat_outcome outcome;
    char *text;
};

static void reply_free(void *data)
{
    struct reply *reply = data;
    g_free(reply->text);
    g_free(reply);
}

struct fixed_gather {
    const struct protocol *protocol;
    enum fixed_role role;
    GHashTable *replies; /* "NUMBER ROUND" -> struct reply */
    struct fixed_set *set;
};

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
    struct reply *reply = g_new(struct reply, 1);
    *reply = (struct reply){outcome, g_strdup(text)};
    g_hash_table_insert(gather->replies, reply_key(number, round), reply);
    return true;
}

/* What is said in refusing is no answer: the prediction is empty. */
static void add_turn(struct fixed_gather *gather, const struct dialogue *dialogue, size_t i_turn,
                     const struct reply *reply)
{
    bool is_teacher = gather->role == FIXED_TEACHER;
    bool failed = reply->outcome == CHAT_FAILED, refused = reply->outcome == CHAT_REFUSED;
    g_autofree char *picture = picture_name(dialogue->sample.image);
    struct fixed_prediction prediction;
    fixed_predict(&prediction, gather->protocol, dialogue, gather->role, i_turn,
                  failed || refused || !reply->text ? "" : reply->text);
    const struct fixed_item item = {
        .source = dialogue->sample.source,
        .image = picture,
        .id = dialogue->sample.id,
        .is_first = !is_teacher && i_turn == 0,
        .failed = failed,
        .refused = refused,
        .prediction = failed ? NULL : prediction.text,
        .label = prediction.label,
        .has_score = is_teacher,
        .score = prediction.score,
        .label_score = prediction.label_score,
    };
    fixed_set_add(gather->set, &item);
    fixed_prediction_clear(&prediction);
}

static bool gather_predictions(size_t number, const struct dialogue *dialogue,
                               const char *failure G_GNUC_UNUSED, void *user)
{
    struct fixed_gather *gather = user;
    for (size_t i = 0; i < dialogue->n_turns; i++) {
        g_autofree char *key = reply_key(number, (int)i + 1);
        const struct reply *reply = g_hash_table_lookup(gather->replies, key);
        if (reply && fixed_has_item(dialogue, gather->role, i))
            add_turn(gather, dialogue, i, reply);
    }
    return true;
}

bool run_view_fixed(struct store *store, const struct protocol *protocol, enum tokenizer tokenizer,
                    bool is_teacher, int n_resamples, uint64_t seed, struct fixed_result *result,
                    GError **error)
{
    struct fixed_gather gather = {
        .protocol = protocol,
        .role = is_teacher ? FIXED_TEACHER : FIXED_STUDENT,
        .replies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, reply_free),
        .set = fixed_set_new(protocol, tokenizer),
    };
    bool ok = store_foreach_reply(store, is_teacher ? "teacher" : "student", gather_reply, &gather,
                                  error) &&
              store_foreach_dialogue(store, gather_predictions, &gather, error) &&
              fixed_compute(result, gather.set, n_resamples, seed, error);
    fixed_set_free(gather.set);
    g_hash_table_unref(gather.replies);
    return ok;
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
