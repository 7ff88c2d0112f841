#include "data/writer.h"

#include "base/atomic_file.h"
#include "data/forms.h"
#include "data/leftover.h"
#include "data/parse.h"

#include <string.h>

struct writer {
    struct atomic_file *file;
    struct writer_options options;
    size_t n_records;
};

/* ---- the released layout ---- */

/* `meta` holds the leftover and the order of an object under `key`; NULL: there is none. */
static json_t *join(const json_t *meta, const char *key, const json_t *leftover,
                    const char *const *core, json_t **values)
{
    const json_t *order = json_object_get(json_object_get(meta, FIRE_ORDER), key);
    return leftover_join(leftover, order, core, values);
}

/* `meta`: the sample's where the record was official, else NULL. */
static json_t *fire_text(const json_t *meta, const char *key, const char *value)
{
    const json_t *leftover = json_object_get(json_object_get(meta, "fire"), key);
    json_t *values[] = {json_string("user"), json_string(value)};
    return join(meta, key, leftover, fire_text_keys, values);
}

static json_t *fire_entry(const json_t *meta, const char *role, const char *type, const char *text)
{
    json_t *values[] = {json_string(role), json_string(type), json_string(text)};
    return join(meta, type, json_object_get(meta, type), fire_turn_keys, values);
}

static json_t *fire_conversations(const struct dialogue *dialogue, bool is_official)
{
    json_t *list = json_array();
    for (size_t i = 0; i < dialogue->n_turns; i++) {
        const struct turn *turn = &dialogue->turns[i];
        const json_t *meta = is_official ? turn->meta : NULL;
        json_array_append_new(list, fire_entry(meta, "student", "response", turn->response));
        if (turn->feedback)
            json_array_append_new(list, fire_entry(meta, "teacher", "feedback", turn->feedback));
    }
    return list;
}

static json_t *fire_scores(const struct dialogue *dialogue)
{
    json_t *list = json_array();
    for (size_t i = 0; i < dialogue->n_turns; i++)
        json_array_append_new(list, score_to_json(dialogue->turns[i].score));
    return list;
}

static json_t *to_fire(const struct writer_options *options G_GNUC_UNUSED,
                       const struct dialogue *dialogue, struct flaw *flaw)
{
    if (dialogue->n_turns == 0) {
        flaw_set(flaw, "no-target", "the dialogue has no turns");
        return NULL;
    }
    const struct sample *sample = &dialogue->sample;
    const json_t *fire = json_object_get(sample->meta, "fire");
    bool is_official = json_is_object(fire);
    const json_t *meta = is_official ? sample->meta : NULL;
    json_t *values[] = {
        [FIRE_IMAGE] = sample->image ? json_string(sample->image) : json_null(),
        [FIRE_QUESTION] = fire_text(meta, "question", sample->question),
        [FIRE_CONVERSATIONS] = fire_conversations(dialogue, is_official),
        [FIRE_GROUNDTRUTH] = fire_text(meta, "groundtruth", sample->answer),
        [FIRE_SOURCE] = json_string(sample->source),
        [FIRE_ROUND] = json_integer((json_int_t)dialogue->n_turns),
        [FIRE_SCORE] = fire_scores(dialogue),
    };
    /* Under these keys stands what the texts hold beyond their values, not the texts. */
    g_autoptr(json_t) leftover = is_official ? json_copy((json_t *)fire) : NULL;
    json_object_del(leftover, "question");
    json_object_del(leftover, "groundtruth");
    json_t *record = join(meta, "fire", leftover, fire_record_keys, values);
    /* An official record has the id that it had, or none; any other gets its own where the reader
     * would make another. */
    g_autofree char *made = sample_make_id(sample);
    if (!is_official && strcmp(made, sample->id) != 0)
        json_object_set_new(record, "id", json_string(sample->id));
    return record;
}

/* ---- the LLaVA layout and the training rows in it ---- */

static void say(json_t *list, bool is_human, const char *text)
{
    json_array_append_new(
        list, json_pack("{s:s, s:s}", "from", is_human ? "human" : "gpt", "value", text));
}

static void say_trimmed(json_t *list, bool is_human, const char *text)
{
    g_autofree char *trimmed = g_strstrip(g_strdup(text));
    say(list, is_human, trimmed);
}

/* The question with the mark of its picture, in front where it has none. */
static char *question_with_image(const struct sample *sample)
{
    bool add = sample->image && !strstr(sample->question, "<image>");
    return g_strconcat(add ? "<image>\n" : "", sample->question, NULL);
}

/* {id, image, conversations}; takes `conversations`. */
static json_t *llava_record(const struct sample *sample, json_t *conversations)
{
    json_t *record = json_object();
    json_object_set_new(record, "id", json_string(sample->id));
    if (sample->image)
        json_object_set_new(record, "image", json_string(sample->image));
    json_object_set_new(record, "conversations", conversations);
    return record;
}

/* The same with `raw`, where the released evaluation looks for question and ground truth. */
static json_t *training_row(const struct sample *sample, json_t *conversations)
{
    json_t *record = llava_record(sample, conversations);
    json_t *raw = json_object();
    json_object_set_new(raw, "question", fire_text(NULL, "question", sample->question));
    json_object_set_new(raw, "groundtruth", fire_text(NULL, "groundtruth", sample->answer));
    json_object_set_new(record, "raw", raw);
    return record;
}

/* question, r1, f1, r2, f2, ...; ends with a response. */
static json_t *to_student(const struct writer_options *options, const struct dialogue *dialogue,
                          struct flaw *flaw)
{
    bool first_is_human = options->protocol->r1_role == R1_ROLE_USER;
    if (dialogue->n_turns < (first_is_human ? 2 : 1)) {
        flaw_set(flaw, "no-target", "there is no answer to learn");
        return NULL;
    }
    json_t *list = json_array();
    g_autofree char *question = question_with_image(&dialogue->sample);
    say(list, true, question);
    for (size_t i = 0; i < dialogue->n_turns; i++) {
        if (i > 0) {
            const char *feedback = dialogue->turns[i - 1].feedback;
            g_autofree char *seen = parse_shown(options->protocol, feedback);
            say_trimmed(list, true, seen);
        }
        say_trimmed(list, i == 0 && first_is_human, dialogue->turns[i].response);
    }
    return training_row(&dialogue->sample, list);
}

/* question with ground truth, instruction, r1, f1, r2, f2, ...; ends with a feedback. */
static json_t *to_teacher(const struct writer_options *options, const struct dialogue *dialogue,
                          struct flaw *flaw)
{
    if (dialogue->n_turns == 0 || !dialogue->turns[0].feedback) {
        flaw_set(flaw, "no-target", "there is no feedback to learn");
        return NULL;
    }
    json_t *list = json_array();
    g_autofree char *question = question_with_image(&dialogue->sample);
    g_autofree char *task =
        g_strdup_printf("Question: %s\nGroundtruth: %s", question, dialogue->sample.answer);
    say(list, true, task);
    say_trimmed(list, true, options->teacher_instruction);
    for (size_t i = 0; i < dialogue->n_turns && dialogue->turns[i].feedback; i++) {
        say_trimmed(list, true, dialogue->turns[i].response);
        say_trimmed(list, false, dialogue->turns[i].feedback);
    }
    return training_row(&dialogue->sample, list);
}

static json_t *to_llava(const struct writer_options *options G_GNUC_UNUSED,
                        const struct dialogue *dialogue, struct flaw *flaw G_GNUC_UNUSED)
{
    const struct sample *sample = &dialogue->sample;
    json_t *list = json_array();
    g_autofree char *question = question_with_image(sample);
    say(list, true, question);
    say(list, false, sample->answer);
    json_t *record = llava_record(sample, list);
    json_object_set_new(record, "source", json_string(sample->source));
    json_object_update_missing(record, json_object_get(sample->meta, "llava"));
    return record;
}

static json_t *to_line(const struct writer_options *options G_GNUC_UNUSED,
                       const struct dialogue *dialogue, struct flaw *flaw G_GNUC_UNUSED)
{
    return dialogue_to_json(dialogue);
}

/* ---- the file ---- */

static const struct {
    const char *name;
    bool is_array, has_turns;
    json_t *(*convert)(const struct writer_options *options, const struct dialogue *dialogue,
                       struct flaw *flaw);
} layouts[] = {
    [LAYOUT_JSONL] = {"jsonl", false, true, to_line},
    [LAYOUT_FIRE] = {"fire", true, true, to_fire},
    [LAYOUT_FIRE_STUDENT] = {"fire-student", true, true, to_student},
    [LAYOUT_FIRE_TEACHER] = {"fire-teacher", true, true, to_teacher},
    [LAYOUT_LLAVA] = {"llava", true, false, to_llava},
};

bool layout_from_name(const char *name, enum layout *layout)
{
    for (size_t i = 0; i < G_N_ELEMENTS(layouts); i++) {
        if (strcmp(layouts[i].name, name) == 0) {
            *layout = (enum layout)i;
            return true;
        }
    }
    return false;
}

bool layout_has_turns(enum layout layout)
{
    return layouts[layout].has_turns;
}

json_t *writer_convert(const struct writer_options *options, const struct dialogue *dialogue,
                       struct flaw *flaw)
{
    return layouts[options->layout].convert(options, dialogue, flaw);
}

struct writer *writer_open(const char *path, const struct writer_options *options, GError **error)
{
    struct atomic_file *file = atomic_file_open(path, error);
    if (!file)
        return NULL;
    struct writer *writer = g_new0(struct writer, 1);
    writer->file = file;
    writer->options = *options;
    return writer;
}

bool writer_add(struct writer *writer, const struct dialogue *dialogue, struct flaw *flaw)
{
    g_autoptr(json_t) record = writer_convert(&writer->options, dialogue, flaw);
    if (!record)
        return false;
    FILE *stream = atomic_file_stream(writer->file);
    g_autofree char *text = json_print(record);
    if (layouts[writer->options.layout].is_array)
        fputs(writer->n_records == 0 ? "[\n" : ",\n", stream);
    fputs(text, stream);
    if (!layouts[writer->options.layout].is_array)
        putc('\n', stream);
    writer->n_records++;
    return true;
}

bool writer_commit(struct writer *writer, GError **error)
{
    FILE *stream = atomic_file_stream(writer->file);
    if (layouts[writer->options.layout].is_array)
        fputs(writer->n_records == 0 ? "[]\n" : "\n]\n", stream);
    bool ok = atomic_file_commit(writer->file, error);
    g_free(writer);
    return ok;
}

void writer_discard(struct writer *writer)
{
    if (!writer)
        return;
    atomic_file_discard(writer->file);
    g_free(writer);
}
