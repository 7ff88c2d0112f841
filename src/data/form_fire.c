/* form_fire.c -- the released layout (PAPER.md 2.2).
 *
 * The score is read from the text or from the `score` list, which is wrong where the text says N/10:
 * label-score decides (label.h). Whatever else a record holds is kept there and in the turns'
 * meta, so that writer.c gives the same record again. */
#include "data/forms.h"
#include "data/leftover.h"

#include <math.h>
#include <string.h>

const char *const fire_record_keys[] = {"image",  "question", "conversations", "groundtruth",
                                        "source", "round",    "score",         NULL};
const char *const fire_text_keys[] = {"role", "value", NULL};
const char *const fire_turn_keys[] = {"role", "type", "value", NULL};

/* Keeps under `key` of `*meta` what `object` holds beyond `core`, and its order under the same key
 * of FIRE_ORDER. True where there was something to keep. */
static bool keep_rest(json_t **meta, const char *key, const json_t *object, const char *const *core,
                      unsigned keep)
{
    json_t *order, *rest = leftover_take(object, core, keep, &order);
    if (order) {
        if (!json_object_get(*meta, FIRE_ORDER))
            form_set_meta(meta, FIRE_ORDER, json_object());
        json_object_set_new(json_object_get(*meta, FIRE_ORDER), key, order);
    }
    if (rest)
        form_set_meta(meta, key, rest);
    return rest != NULL;
}

/* `question` or `groundtruth`: {role: "user", value}. Returns the value; what else it holds goes
 * under `key` of `*rest`. */
static const char *read_text(const struct form_rules *rules, const json_t *record, const char *key,
                             json_t **rest, struct flaw *flaw)
{
    const json_t *object = json_object_get(record, key);
    const char *role, *value;
    char where[40];
    g_snprintf(where, sizeof where, "'%s': ", key);
    if (!json_is_object(object)) {
        if (object)
            flaw_set(flaw, "wrong-type", "'%s' is no object", key);
        else
            flaw_set(flaw, "missing-key", "'%s' is missing", key);
        return NULL;
    }
    if (!(value = form_need_string(object, "value", where, flaw)) ||
        !form_get_string(object, "role", where, &role, flaw) ||
        (rules->need == NEED_ALL && !form_need_string(object, "role", where, flaw)))
        return NULL;
    bool is_usual = role && strcmp(role, "user") == 0;
    keep_rest(rest, key, object, fire_text_keys, is_usual ? 0 : 1u << FIRE_ROLE);
    return value;
}

/* Lint: an official record names its picture. */
static bool check_image(const json_t *object, const struct sample *sample, struct flaw *flaw)
{
    if (sample->image)
        return true;
    if (!json_object_get(object, "image"))
        return flaw_set(flaw, "missing-key", "'image' is missing");
    return flaw_set(flaw, "missing-image", "'image' is empty");
}

/* meta.fire: what the record holds beyond what we understand; `texts`: the same of question and
 * ground truth, which stands there under their keys. */
static void keep_record(const struct form_rules *rules, const json_t *object, json_t *texts,
                        json_t **meta)
{
    const char *source = json_get_string(object, "source");
    const json_t *image = json_object_get(object, "image");
    /* The counts tell of turns; where those are not read, the writer counts anew. */
    unsigned keep = rules->need == NEED_SAMPLE ? 0 : 1u << FIRE_ROUND | 1u << FIRE_SCORE;
    keep |= image && json_string_length(image) == 0 ? 1u << FIRE_IMAGE : 0;
    keep |= strchr(source, '/') ? 1u << FIRE_SOURCE : 0;
    json_t *order = json_object_get(texts, FIRE_ORDER);
    if (order)
        form_set_meta(meta, FIRE_ORDER, json_incref(order));
    if (!keep_rest(meta, "fire", object, fire_record_keys, keep))
        form_set_meta(meta, "fire", json_object());
    json_t *rest = json_object_get(*meta, "fire");
    static const char *const keys[] = {"question", "groundtruth"};
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (json_object_get(texts, keys[i]))
            json_object_set(rest, keys[i], json_object_get(texts, keys[i]));
}

static bool read_sample(const struct form_rules *rules, const json_t *object, struct sample *sample,
                        struct flaw *flaw)
{
    g_autoptr(json_t) texts = NULL;
    const char *image, *source, *question, *answer;
    sample->id = sample_read_id(object);
    if (!(question = read_text(rules, object, "question", &texts, flaw)) ||
        !(answer = read_text(rules, object, "groundtruth", &texts, flaw)) ||
        !(source = form_need_string(object, "source", "", flaw)) ||
        !form_get_string(object, "image", "", &image, flaw))
        return false;
    sample->image = image && *image ? g_strdup(image) : NULL;
    /* At least one released record names a picture's path as its source. */
    sample->source = g_strndup(source, strcspn(source, "/"));
    sample->question = g_strdup(question);
    sample->answer = g_strdup(answer);
    keep_record(rules, object, texts, &sample->meta);
    return rules->need != NEED_ALL || check_image(object, sample, flaw);
}

/* Entry `i` of `conversations`: a response where `i` is even, a feedback where it is odd. Returns
 * its text; what else it holds goes under its type of `*meta`. */
static const char *read_entry(const struct form_rules *rules, const json_t *object, size_t i,
                              json_t **meta, struct flaw *flaw)
{
    static const char *const roles[] = {"student", "teacher"};
    static const char *const types[] = {"response", "feedback"};
    char where[40];
    g_snprintf(where, sizeof where, "turn %zu, %s: ", i / 2 + 1, types[i % 2]);
    if (!json_is_object(object)) {
        flaw_set(flaw, "wrong-type", "%sit is no object", where);
        return NULL;
    }
    const char *role = form_need_string(object, "role", where, flaw), *type, *value;
    if (!role || !form_get_string(object, "type", where, &type, flaw) ||
        (rules->need == NEED_ALL && !form_need_string(object, "type", where, flaw)) ||
        !(value = form_need_string(object, "value", where, flaw)))
        return NULL;
    if (strcmp(role, roles[i % 2]) != 0 || (type && strcmp(type, types[i % 2]) != 0)) {
        flaw_set(flaw, "turn-order", "%srole '%s' and type '%s' stand there", where, role,
                 type ? type : "");
        return NULL;
    }
    bool is_null = !type && json_object_get(object, "type");
    keep_rest(meta, types[i % 2], object, fire_turn_keys, is_null ? 1u << FIRE_TYPE : 0);
    return value;
}

static bool read_turns(const struct form_rules *rules, const json_t *object, struct record *record,
                       struct flaw *flaw)
{
    const json_t *conversations = json_object_get(object, "conversations");
    const json_t *scores = json_object_get(object, "score");
    if (!conversations)
        return flaw_set(flaw, "missing-key", "'conversations' is missing");
    if (!json_is_array(conversations))
        return flaw_set(flaw, "wrong-type", "'conversations' is no list");
    size_t n = json_array_size(conversations);
    for (size_t i = 0; i < n; i += 2) {
        struct turn turn = {.score = NAN};
        const char *response =
            read_entry(rules, json_array_get(conversations, i), i, &turn.meta, flaw);
        const char *feedback = NULL;
        if (response && i + 1 < n)
            feedback =
                read_entry(rules, json_array_get(conversations, i + 1), i + 1, &turn.meta, flaw);
        turn.response = g_strdup(response);
        turn.feedback = g_strdup(feedback);
        if (!flaw->cause && form_set_score(rules, scores, i / 2, true, &turn))
            record->n_disagree++;
        dialogue_add_turn(&record->dialogue, &turn);
        if (flaw->cause)
            return false;
    }
    return form_check_turns(rules, &record->dialogue, flaw);
}

/* Only lint asks for these: the texts say all that they say. */
static bool check_counts(const json_t *object, struct flaw *flaw)
{
    const json_t *scores = json_object_get(object, "score"), *score;
    size_t i;
    if (!json_object_get(object, "round") || !scores)
        return flaw_set(flaw, "missing-key", "'%s' is missing", scores ? "round" : "score");
    if (!json_is_integer(json_object_get(object, "round")))
        return flaw_set(flaw, "wrong-type", "'round' is no whole number");
    if (!json_is_array(scores))
        return flaw_set(flaw, "wrong-type", "'score' is no list");
    json_array_foreach ((json_t *)scores, i, score)
        if (!json_is_number(score))
            return flaw_set(flaw, "wrong-type", "'score' holds something that is no number");
    return true;
}

bool form_read_fire(const struct form_rules *rules, const json_t *object, struct record *record,
                    struct flaw *flaw)
{
    if (!read_sample(rules, object, &record->dialogue.sample, flaw))
        return false;
    if (rules->need == NEED_SAMPLE)
        return true;
    return read_turns(rules, object, record, flaw) &&
           (rules->need != NEED_ALL || check_counts(object, flaw));
}
