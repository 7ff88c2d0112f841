/* forms.c -- recognises the form of a record, and reads our own lines. */
#include "data/forms.h"

#include "data/label.h"
#include "data/parse.h"

#include <math.h>
#include <string.h>

static const char *const type_names[] = {
    [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",  [JSON_STRING] = "a string",
    [JSON_INTEGER] = "a number", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
    [JSON_FALSE] = "false",      [JSON_NULL] = "null",
};

bool form_get_string(const json_t *object, const char *key, const char *where, const char **text,
                     struct flaw *flaw)
{
    const json_t *value = json_object_get(object, key);
    *text = json_string_value(value);
    if (!value || *text || json_is_null(value))
        return true;
    return flaw_set(flaw, "wrong-type", "%s'%s' is %s, not a string", where, key,
                    type_names[json_typeof(value)]);
}

const char *form_need_string(const json_t *object, const char *key, const char *where,
                             struct flaw *flaw)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        flaw_set(flaw, "missing-key", "%s'%s' is missing", where, key);
    else if (!json_is_string(value))
        flaw_set(flaw, "wrong-type", "%s'%s' is %s, not a string", where, key,
                 type_names[json_typeof(value)]);
    return json_string_value(value);
}

void form_set_meta(json_t **meta, const char *key, json_t *value)
{
    if (!*meta)
        *meta = json_object();
    json_object_set_new(*meta, key, value);
}

bool form_set_score(const struct form_rules *rules, const json_t *list, size_t i, bool has_text,
                    struct turn *turn)
{
    const json_t *listed = json_array_get(list, i);
    label_keep(turn, has_text, true, listed);
    turn->score = label_score(turn, rules->protocol);
    struct protocol any = *rules->protocol;
    any.score_range = SCORE_RANGE_ANY;
    double text = parse_score(&any, turn->feedback);
    double field = json_is_number(listed) ? json_number_value(listed) : NAN;
    bool is_same = isnan(text) ? isnan(field) : text == field;
    if (!has_text || !json_is_array(list) || is_same)
        return false;
    if (listed)
        form_set_meta(&turn->meta, "fire_score", json_incref((json_t *)listed));
    return true;
}

/* Why `turn`, whose score is NAN, has none. */
static bool complain_about_score(const struct form_rules *rules, const struct turn *turn, size_t i,
                                 struct flaw *flaw)
{
    struct protocol any = *rules->protocol;
    any.score_range = SCORE_RANGE_ANY;
    double score = label_score(turn, &any);
    if (!isnan(score))
        return flaw_set(flaw, "score-range", "turn %zu: score %g is out of range", i + 1, score);
    bool is_given = !json_object_get(turn->meta, LABEL_KEY);
    return flaw_set(flaw, "no-score", "turn %zu: %s", i + 1,
                    is_given ? "'score' is null" : "the feedback has no score");
}

bool form_check_turns(const struct form_rules *rules, const struct dialogue *dialogue,
                      struct flaw *flaw)
{
    bool need_all = rules->need == NEED_ALL;
    /* A dialogue that ended before its first turn (a failed call) is one; but lint names it. */
    if (dialogue->n_turns == 0 && (need_all || dialogue->stop == STOP_NONE))
        return flaw_set(flaw, "no-turns", "the dialogue has no turns");
    for (size_t i = 0; i < dialogue->n_turns; i++) {
        const struct turn *turn = &dialogue->turns[i];
        if (!turn->feedback && (need_all || i + 1 < dialogue->n_turns))
            return flaw_set(flaw, "turn-order", "turn %zu: the response has no feedback", i + 1);
        if (need_all && isnan(turn->score))
            return complain_about_score(rules, turn, i, flaw);
    }
    return true;
}

/* `score` is what counts where the key is there; the text is compared with it, or read instead of
 * it. */
static bool read_score(const struct form_rules *rules, const json_t *object, const char *where,
                       struct turn *turn, int *n_disagree, struct flaw *flaw)
{
    const json_t *score = json_object_get(object, "score");
    if (!score) {
        label_keep(turn, true, false, NULL);
        turn->score = label_score(turn, rules->protocol);
        return true;
    }
    if (!json_is_null(score) && !json_is_number(score))
        return flaw_set(flaw, "wrong-type", "%s'score' is %s, not a number", where,
                        type_names[json_typeof(score)]);
    turn->score = json_is_null(score) ? NAN : json_number_value(score);
    if (turn->score < 0 || turn->score > 10)
        return flaw_set(flaw, "score-range", "%sscore %g is out of range", where, turn->score);
    double parsed = parse_score(rules->protocol, turn->feedback);
    bool same = isnan(parsed) ? isnan(turn->score) : parsed == turn->score;
    if (turn->feedback && !same)
        ++*n_disagree;
    return true;
}

static bool read_turn(const struct form_rules *rules, const json_t *object, size_t i,
                      struct turn *turn, int *n_disagree, struct flaw *flaw)
{
    char where[40];
    g_snprintf(where, sizeof where, "turn %zu: ", i + 1);
    if (!json_is_object(object))
        return flaw_set(flaw, "wrong-type", "%sit is no object", where);
    const char *response = form_need_string(object, "response", where, flaw), *feedback;
    if (!response || !form_get_string(object, "feedback", where, &feedback, flaw))
        return false;
    if (rules->need == NEED_ALL && !json_object_get(object, "feedback"))
        return flaw_set(flaw, "missing-key", "%s'feedback' is missing", where);
    json_t *meta = json_object_get(object, "meta");
    if (meta && !json_is_null(meta) && !json_is_object(meta))
        return flaw_set(flaw, "wrong-type", "%s'meta' is no object", where);
    turn->response = g_strdup(response);
    turn->feedback = g_strdup(feedback);
    turn->meta = json_is_object(meta) ? json_copy(meta) : NULL;
    json_object_del(turn->meta, LABEL_KEY);
    return read_score(rules, object, where, turn, n_disagree, flaw);
}

static bool read_turns(const struct form_rules *rules, const json_t *object, struct record *record,
                       struct flaw *flaw)
{
    const json_t *turns = json_object_get(object, "turns"), *turn;
    size_t i;
    const char *stop;
    if (!json_is_array(turns))
        return flaw_set(flaw, "wrong-type", "'turns' is no list");
    if (!form_get_string(object, "stop", "", &stop, flaw))
        return false;
    if (stop && !stop_from_name(stop, &record->dialogue.stop))
        return flaw_set(flaw, "wrong-value", "'stop' is '%s', which names no end", stop);
    json_array_foreach ((json_t *)turns, i, turn) {
        struct turn read = {0};
        bool ok = read_turn(rules, turn, i, &read, &record->n_disagree, flaw);
        dialogue_add_turn(&record->dialogue, &read);
        if (!ok)
            return false;
    }
    return form_check_turns(rules, &record->dialogue, flaw);
}

static bool read_own(const struct form_rules *rules, const json_t *object, struct record *record,
                     struct flaw *flaw)
{
    static const char *const keys[] = {"source", "question", "answer"};
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (!form_need_string(object, keys[i], "", flaw))
            return false;
    g_autoptr(GError) cause = NULL;
    if (!sample_from_json(&record->dialogue.sample, object, &cause))
        return flaw_set(flaw, "wrong-type", "%s", cause->message);
    if (rules->need == NEED_ALL && !json_object_get(object, "image"))
        return flaw_set(flaw, "missing-key", "'image' is missing (null: no picture)");
    if (rules->need == NEED_SAMPLE)
        return true;
    if (record->form == FORM_DIALOGUE)
        return read_turns(rules, object, record, flaw);
    return rules->need == NEED_ALL || form_check_turns(rules, &record->dialogue, flaw);
}

static enum record_form recognise(const json_t *object)
{
    const json_t *conversations = json_object_get(object, "conversations");
    const json_t *first = json_array_get(conversations, 0);
    if (json_is_object(json_object_get(object, "question")) ||
        json_object_get(object, "groundtruth") || json_object_get(first, "role"))
        return FORM_FIRE;
    if (json_object_get(object, "student_history") || json_object_get(object, "teacher_history"))
        return FORM_LOOP;
    if (conversations)
        return FORM_LLAVA;
    return json_object_get(object, "turns") ? FORM_DIALOGUE : FORM_SAMPLE;
}

bool form_read(const struct form_rules *rules, const json_t *object, struct record *record,
               struct flaw *flaw)
{
    if (!json_is_object(object))
        return flaw_set(flaw, "wrong-type", "the record is %s, not an object",
                        type_names[json_typeof(object)]);
    record->form = recognise(object);
    switch (record->form) {
    case FORM_FIRE:
        return form_read_fire(rules, object, record, flaw);
    case FORM_LLAVA:
        return form_read_llava(rules, object, record, flaw);
    case FORM_LOOP:
        return form_read_loop(rules, object, record, flaw);
    default:
        return read_own(rules, object, record, flaw);
    }
}
