/* form_llava.c -- the LLaVA layout, and the files that the released loops write in place.
 *
 * A LLaVA record is a sample: its first pair is question and ground truth, as FIRE-1M took it; the
 * training files carry both in `raw` instead. Source is the first component of the picture's path
 * (SOURCES.md 4). The loops add `student_history` (question, response, comment, response, ...),
 * `teacher_history` (its last entry is the newest feedback in full) and `scores`. */
#include "data/forms.h"

#include "data/parse.h"

#include <math.h>
#include <string.h>

#define IMAGE_TOKEN "<image>"

/* Keys that are read; the others are kept in meta.llava. */
static const char *const read_keys[] = {
    "id",     "image", "source", "conversations", "raw", "student_history", "teacher_history",
    "scores", NULL};

/* Entry `i` of a list of {from, value}: its text, and in `*is_human` who speaks. NULL with a flaw.
 */
static const char *read_entry(const json_t *list, const char *name, size_t i, bool *is_human,
                              struct flaw *flaw)
{
    char where[60];
    g_snprintf(where, sizeof where, "%s %zu: ", name, i + 1);
    const json_t *entry = json_array_get(list, i);
    if (!json_is_object(entry)) {
        flaw_set(flaw, "wrong-type", "%sit is no object", where);
        return NULL;
    }
    const char *from = form_need_string(entry, "from", where, flaw);
    if (!from)
        return NULL;
    *is_human = strcmp(from, "human") == 0;
    if (!*is_human && strcmp(from, "gpt") != 0) {
        flaw_set(flaw, "turn-order", "%s'from' is '%s', neither human nor gpt", where, from);
        return NULL;
    }
    return form_need_string(entry, "value", where, flaw);
}

/* The question without the mark of the picture's place before or after it. Where the picture stands
 * is the prompt's business. */
static char *without_image_token(const char *question)
{
    size_t n = strlen(question), n_token = strlen(IMAGE_TOKEN);
    if (g_str_has_prefix(question, IMAGE_TOKEN)) {
        question += n_token;
        question += strspn(question, " \n");
    } else if (g_str_has_suffix(question, IMAGE_TOKEN)) {
        n -= n_token;
        while (n > 0 && strchr(" \n", question[n - 1]))
            n--;
        return g_strndup(question, n);
    }
    return g_strdup(question);
}

/* The first component of the picture's path; "llava" where that tells nothing: no picture, a bare
 * name, a numbered folder (LLaVA-Pretrain). */
static char *make_source(const char *image)
{
    size_t n = image ? strcspn(image, "/") : 0;
    if (n == 0 || image[n] == '\0' || strspn(image, "0123456789") == n ||
        g_str_has_prefix(image, "data:"))
        return g_strdup("llava");
    return g_strndup(image, n);
}

/* Question and ground truth where they stand apart: `raw` of the training files. */
static bool read_raw(const json_t *raw, const char **question, const char **answer)
{
    *question = json_get_string(json_object_get(raw, "question"), "value");
    *answer = json_get_string(json_object_get(raw, "groundtruth"), "value");
    return *question && *answer;
}

static bool read_pair(const json_t *object, const char **question, const char **answer,
                      struct flaw *flaw)
{
    const json_t *list = json_object_get(object, "conversations");
    bool is_human;
    if (!list)
        return flaw_set(flaw, "missing-key", "'conversations' is missing");
    if (!json_is_array(list))
        return flaw_set(flaw, "wrong-type", "'conversations' is no list");
    if (json_array_size(list) == 0)
        return flaw_set(flaw, "no-turns", "'conversations' is empty");
    size_t i = 0;
    if (!(*question = read_entry(list, "conversations", i, &is_human, flaw)))
        return false;
    if (!is_human && !(*question = read_entry(list, "conversations", ++i, &is_human, flaw)))
        return false; /* some ShareGPT rows begin with a stray answer */
    if (!is_human || i + 1 >= json_array_size(list))
        return flaw_set(flaw, "turn-order", "'conversations' has no question with an answer");
    if (!(*answer = read_entry(list, "conversations", i + 1, &is_human, flaw)))
        return false;
    if (is_human)
        return flaw_set(flaw, "turn-order", "'conversations': the first question has no answer");
    return true;
}

static json_t *keep_rest(const json_t *object)
{
    json_t *rest = NULL;
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)object, key, value)
        if (!g_strv_contains(read_keys, key))
            form_set_meta(&rest, key, json_incref(value));
    return rest;
}

bool form_read_llava_sample(const json_t *object, struct sample *sample, struct flaw *flaw)
{
    const char *image, *source, *question, *answer;
    sample->id = sample_read_id(object);
    if (!form_get_string(object, "image", "", &image, flaw) ||
        !form_get_string(object, "source", "", &source, flaw))
        return false;
    if (!read_raw(json_object_get(object, "raw"), &question, &answer) &&
        !read_pair(object, &question, &answer, flaw))
        return false;
    sample->image = image && *image ? g_strdup(image) : NULL;
    sample->source = source ? g_strndup(source, strcspn(source, "/")) : make_source(sample->image);
    sample->question = without_image_token(question);
    sample->answer = g_strdup(answer);
    json_t *rest = keep_rest(object);
    if (rest)
        form_set_meta(&sample->meta, "llava", rest);
    return true;
}

/* Lint: every entry is readable; without `raw` (training files have human turns in a row) human and
 * gpt alternate. */
static bool check_entries(const json_t *object, struct flaw *flaw)
{
    const json_t *list = json_object_get(object, "conversations");
    const char *question, *answer;
    bool is_training = read_raw(json_object_get(object, "raw"), &question, &answer), is_human;
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n; i++) {
        if (!read_entry(list, "conversations", i, &is_human, flaw))
            return false;
        if (!is_training && is_human != (i % 2 == 0))
            return flaw_set(flaw, "turn-order", "conversations %zu: human and gpt do not alternate",
                            i + 1);
    }
    if (!json_object_get(object, "id"))
        return flaw_set(flaw, "missing-key", "'id' is missing");
    if (n == 0)
        return flaw_set(flaw, "no-turns", "'conversations' is empty");
    if (!is_training && n % 2 != 0)
        return flaw_set(flaw, "turn-order", "'conversations' has an odd number of entries");
    return true;
}

bool form_read_llava(const struct form_rules *rules, const json_t *object, struct record *record,
                     struct flaw *flaw)
{
    if (!form_read_llava_sample(object, &record->dialogue.sample, flaw))
        return false;
    if (rules->need == NEED_ALL)
        return check_entries(object, flaw);
    return rules->need == NEED_SAMPLE || form_check_turns(rules, &record->dialogue, flaw);
}

/* The newest feedback, where the loop stopped before the student saw it. NULL: there is none. */
static const char *newest_feedback(const json_t *object)
{
    const json_t *history = json_object_get(object, "teacher_history");
    size_t n = json_array_size(history);
    const json_t *last = n > 0 ? json_array_get(history, n - 1) : NULL;
    const char *from = json_get_string(last, "from");
    return from && strcmp(from, "gpt") == 0 ? json_get_string(last, "value") : NULL;
}

/* Does the feedback still have its score line? The comments in student_history have lost theirs. */
static bool has_score(const struct form_rules *rules, const char *feedback)
{
    struct protocol any = *rules->protocol;
    any.score_range = SCORE_RANGE_ANY;
    return !isnan(parse_score(&any, feedback));
}

bool form_read_loop(const struct form_rules *rules, const json_t *object, struct record *record,
                    struct flaw *flaw)
{
    if (!form_read_llava_sample(object, &record->dialogue.sample, flaw))
        return false;
    if (rules->need == NEED_SAMPLE)
        return true;
    const json_t *history = json_object_get(object, "student_history");
    const json_t *scores = json_object_get(object, "scores");
    if (history && !json_is_array(history))
        return flaw_set(flaw, "wrong-type", "'student_history' is no list");
    if (scores && !json_is_array(scores))
        return flaw_set(flaw, "wrong-type", "'scores' is no list");
    size_t n = json_array_size(history);
    for (size_t i = 1; i < n; i += 2) {
        struct turn turn = {.score = NAN};
        bool is_human = false;
        const char *feedback = NULL;
        const char *response = read_entry(history, "student_history", i, &is_human, flaw);
        if (response && is_human)
            flaw_set(flaw, "turn-order", "student_history %zu is not the student's", i + 1);
        else if (response && i + 1 < n)
            feedback = read_entry(history, "student_history", i + 1, &is_human, flaw);
        else if (response && json_array_size(scores) > i / 2)
            feedback = newest_feedback(object);
        if (feedback && i + 1 < n && !is_human)
            flaw_set(flaw, "turn-order", "student_history %zu is not the teacher's", i + 2);
        turn.response = g_strdup(response);
        turn.feedback = g_strdup(feedback);
        if (!flaw->cause && form_set_score(rules, scores, i / 2, has_score(rules, feedback), &turn))
            record->n_disagree++;
        dialogue_add_turn(&record->dialogue, &turn);
        if (flaw->cause)
            return false;
    }
    return form_check_turns(rules, &record->dialogue, flaw);
}
