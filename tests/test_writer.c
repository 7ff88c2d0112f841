/* writer: official -> ours -> official loses nothing; training files; the LLaVA layout. */
#include "base/rng.h"
#include "data/reader.h"
#include "data/writer.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

static struct protocol paper;
static char *folder;

static json_t *load(const char *path)
{
    json_error_t cause;
    json_t *value = json_load_file(path, 0, &cause);
    if (!value)
        g_error("%s: %s", path, cause.text);
    return value;
}

/* The dialogues of a file, all of which must be usable. */
static GArray *read_all(const char *path, enum reader_need need)
{
    GArray *dialogues = g_array_new(FALSE, FALSE, sizeof(struct dialogue));
    g_array_set_clear_func(dialogues, (GDestroyNotify)dialogue_clear);
    g_autoptr(GError) error = NULL;
    struct reader *reader = reader_open(path, need, &paper, &error);
    g_assert_no_error(error);
    struct record *record;
    enum reader_status status;
    while ((status = reader_next(reader, &record, &error)) <= READER_BAD) {
        g_assert_cmpstr(record->detail, ==, NULL);
        g_array_append_val(dialogues, record->dialogue);
        record->dialogue = (struct dialogue){0};
    }
    g_assert_no_error(error);
    reader_close(reader);
    return dialogues;
}

static char *write_all(const char *name, GArray *dialogues, const struct writer_options *options)
{
    char *path = g_build_filename(folder, name, NULL);
    g_autoptr(GError) error = NULL;
    struct writer *writer = writer_open(path, options, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < dialogues->len; i++) {
        struct flaw flaw = {0};
        writer_add(writer, &g_array_index(dialogues, struct dialogue, i), &flaw);
        g_assert_cmpstr(flaw.detail, ==, NULL);
    }
    writer_commit(writer, &error);
    g_assert_no_error(error);
    return path;
}

/* Any file -> our lines -> `layout`: the path of the result. */
static char *through_lines(const char *path, enum reader_need need, const char *name,
                           const struct writer_options *options)
{
    static const struct writer_options lines = {.layout = LAYOUT_JSONL, .protocol = &paper};
    GArray *first = read_all(path, need);
    g_autofree char *between = write_all("between.jsonl", first, &lines);
    GArray *second = read_all(between, need);
    g_assert_cmpuint(second->len, ==, first->len);
    char *result = write_all(name, second, options);
    g_array_unref(first);
    g_array_unref(second);
    return result;
}

/* Equal to the last byte of the printed form: values, types and order of keys. */
static void assert_same(const json_t *a, const json_t *b)
{
    g_autofree char *text_a = json_print(a);
    g_autofree char *text_b = json_print(b);
    size_t n = 0;
    while (text_a[n] && text_a[n] == text_b[n])
        n++;
    if (text_a[n] != text_b[n])
        g_error("from byte %zu on: %.60s / %.60s", n, text_a + n, text_b + n);
}

static void assert_round_trip(const char *path)
{
    static const struct writer_options fire = {.layout = LAYOUT_FIRE, .protocol = &paper};
    g_autofree char *back = through_lines(path, NEED_DIALOGUE, "back.json", &fire);
    g_autoptr(json_t) before = load(path);
    g_autoptr(json_t) after = load(back);
    g_assert_cmpuint(json_array_size(before), ==, json_array_size(after));
    for (size_t i = 0; i < json_array_size(before); i++)
        assert_same(json_array_get(before, i), json_array_get(after, i));
}

static void test_round_trip(void)
{
    static const char *const files[] = {"data/fire-official/records.json",
                                        "data/fire/records.json"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = support_shared(files[i]);
        if (!path)
            return;
        assert_round_trip(path);
    }
}

/* `object` with unknown keys at random places and its own keys in random order. Takes `object`. */
static json_t *disturb(json_t *object, struct rng *rng)
{
    static const char *const extras[] = {"id_", "extra", "round_", "texts", "\xc3\xa9", ""};
    size_t n = json_object_size(object), n_keys = 0;
    g_autofree const char **keys = g_new(const char *, n + G_N_ELEMENTS(extras));
    const char *key;
    json_t *value;
    json_object_foreach (object, key, value)
        keys[n_keys++] = key;
    if (rng_below(rng, 2)) {
        for (size_t i = n_keys; i > 1; i--) {
            size_t k = rng_below(rng, i);
            const char *swap = keys[i - 1];
            keys[i - 1] = keys[k];
            keys[k] = swap;
        }
    }
    json_t *result = json_object();
    for (size_t i = 0; i <= n_keys; i++) {
        for (size_t k = 0; k < G_N_ELEMENTS(extras); k++)
            if (rng_below(rng, 20) == 0)
                json_object_set_new(result, extras[k],
                                    json_pack("{s:[i, f, n], s:s}", "a", (int)i, 0.1, "b", "x"));
        if (i < n_keys)
            json_object_set(result, keys[i], json_object_get(object, keys[i]));
    }
    json_decref(object);
    return result;
}

/* Defects of the outer keys that do not make a dialogue unusable. */
static void spoil(json_t *record, uint64_t kind)
{
    switch (kind) {
    case 0:
        json_object_del(record, "image");
        break;
    case 1:
        json_object_set_new(record, "image", json_null());
        break;
    case 2:
        json_object_set_new(record, "image", json_string(""));
        break;
    case 3:
        json_object_set_new(record, "source", json_string("a/b/c.png"));
        break;
    case 4:
        json_object_del(record, "round");
        break;
    case 5:
        json_object_del(record, "round");
        json_object_del(record, "score");
        break;
    case 6:
        json_object_set_new(record, "score", json_pack("[s, n]", "9"));
        break;
    case 7:
        json_object_set_new(record, "score", json_null());
        break;
    case 8:
        json_object_set_new(record, "id", json_integer(7));
        break;
    case 9:
        json_object_set_new(record, "id", json_null());
        break;
    case 10:
        json_object_del(json_object_get(record, "question"), "role");
        break;
    case 11:
        json_object_set_new(json_object_get(record, "groundtruth"), "role", json_string("expert"));
        break;
    case 12:
        json_array_remove(json_object_get(record, "conversations"),
                          json_array_size(json_object_get(record, "conversations")) - 1);
        break;
    case 13:
        json_object_del(json_array_get(json_object_get(record, "conversations"), 1), "type");
        break;
    /* Values that a writer could take for marks of its own. */
    case 14:
        json_object_set_new(record, "round", json_false());
        json_object_set_new(record, "score", json_false());
        break;
    case 15:
        json_object_set_new(json_object_get(record, "question"), "role", json_null());
        json_object_set_new(json_array_get(json_object_get(record, "conversations"), 0), "type",
                            json_null());
        break;
    case 16:
        json_object_set_new(record, "round", json_null());
        json_object_set_new(record, "fire_order", json_pack("{s:[s]}", "fire", "image"));
        json_object_set_new(record, "meta", json_pack("{s:{s:n}}", "fire", "image"));
        break;
    case 17: {
        json_t *said = json_array_get(json_object_get(record, "conversations"), 1);
        json_object_set_new(said, "score_from", json_true());
        json_object_set_new(said, "fire_order", json_null());
        json_object_set_new(said, "feedback", json_false());
        break;
    }
    default:
        break;
    }
}

static void test_disturbed(void)
{
    g_autofree char *path = support_shared("data/fire-official/records.json");
    if (!path)
        return;
    struct rng rng;
    rng_init(&rng, 3, 0);
    json_t *records = load(path), *disturbed = json_array();
    for (size_t i = 0; i < 660; i++) {
        json_t *record = json_deep_copy(json_array_get(records, i % json_array_size(records)));
        spoil(record, i % 22);
        static const char *const texts[] = {"question", "groundtruth"};
        for (size_t k = 0; k < 2; k++)
            json_object_set_new(record, texts[k],
                                disturb(json_incref(json_object_get(record, texts[k])), &rng));
        json_t *turns = json_object_get(record, "conversations");
        for (size_t k = 0; k < json_array_size(turns); k++)
            json_array_set_new(turns, k, disturb(json_incref(json_array_get(turns, k)), &rng));
        json_array_append_new(disturbed, disturb(record, &rng));
    }
    g_autofree char *text = json_print(disturbed);
    g_autofree char *input = support_write(folder, "disturbed.json", text);
    assert_round_trip(input);
    json_decref(records);
    json_decref(disturbed);
}

/* Without the keys that hold our own words: ids, the instruction. */
static void assert_same_rows(const char *path, const char *expected_path, bool is_teacher)
{
    g_autoptr(json_t) rows = load(path);
    g_autoptr(json_t) expected = load(expected_path);
    g_assert_cmpuint(json_array_size(rows), ==, json_array_size(expected));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i), *other = json_array_get(expected, i);
        g_assert_nonnull(json_get_string(row, "id"));
        json_object_set(row, "id", json_object_get(other, "id"));
        if (is_teacher) {
            json_t *said = json_array_get(json_object_get(row, "conversations"), 1);
            g_assert_cmpstr(json_get_string(said, "value"), ==, "Judge.");
            json_object_set(
                said, "value",
                json_object_get(json_array_get(json_object_get(other, "conversations"), 1),
                                "value"));
        }
        assert_same(row, other);
    }
}

static void test_training_files(void)
{
    g_autofree char *path = support_shared("data/fire/records.json");
    g_autofree char *student = support_shared("data/fire/student.json");
    g_autofree char *teacher = support_shared("data/fire/teacher.json");
    if (!path || !student || !teacher)
        return;
    struct protocol released = paper;
    g_assert_true(protocol_set(&released, "r1-role=user", NULL));
    struct writer_options options = {LAYOUT_FIRE_STUDENT, &released, "Judge.\n"};
    g_autofree char *rows = through_lines(path, NEED_DIALOGUE, "student.json", &options);
    assert_same_rows(rows, student, false);
    options.layout = LAYOUT_FIRE_TEACHER;
    g_autofree char *teacher_rows = through_lines(path, NEED_DIALOGUE, "teacher.json", &options);
    assert_same_rows(teacher_rows, teacher, true);
}

static struct dialogue make_dialogue(size_t n_turns)
{
    struct dialogue dialogue = {.sample = {.id = g_strdup("mine"),
                                           .source = g_strdup("s"),
                                           .image = g_strdup("i.png"),
                                           .question = g_strdup("q"),
                                           .answer = g_strdup("x")}};
    for (size_t i = 0; i < n_turns; i++) {
        struct turn turn = {.response = g_strdup_printf(" r%zu\n", i + 1),
                            .feedback = g_strdup_printf("Score: %zu.\nFeedback: f%zu \n", i, i + 1),
                            .score = (double)i};
        dialogue_add_turn(&dialogue, &turn);
    }
    return dialogue;
}

/* Who says what, as "human: q | gpt: x". */
static char *spoken(const json_t *row)
{
    GString *text = g_string_new(NULL);
    size_t i;
    json_t *said;
    json_array_foreach (json_object_get(row, "conversations"), i, said)
        g_string_append_printf(text, "%s%s: %s", i ? " | " : "", json_get_string(said, "from"),
                               json_get_string(said, "value"));
    return g_string_free(text, FALSE);
}

static const struct {
    enum layout layout;
    const char *set;
    size_t n_turns;
    const char *spoken; /* NULL: flaw no-target */
} row_cases[] = {
    {LAYOUT_FIRE_STUDENT, "r1-role=user", 3,
     "human: <image>\nq | human: r1 | human: f1 | gpt: r2 | human: f2 | gpt: r3"},
    {LAYOUT_FIRE_STUDENT, "r1-role=assistant", 2,
     "human: <image>\nq | gpt: r1 | human: f1 | gpt: r2"},
    {LAYOUT_FIRE_STUDENT, "feedback=full", 2,
     "human: <image>\nq | gpt: r1 | human: Score: 0.\nFeedback: f1 | gpt: r2"},
    {LAYOUT_FIRE_STUDENT, "r1-role=assistant", 1, "human: <image>\nq | gpt: r1"},
    {LAYOUT_FIRE_STUDENT, "r1-role=user", 1, NULL},
    {LAYOUT_FIRE_STUDENT, "r1-role=assistant", 0, NULL},
    {LAYOUT_FIRE_TEACHER, "r1-role=user", 2,
     "human: Question: <image>\nq\nGroundtruth: x | human: Judge. | human: r1 | gpt: Score: "
     "0.\nFeedback: f1 | human: r2 | gpt: Score: 1.\nFeedback: f2"},
    {LAYOUT_FIRE_TEACHER, "r1-role=user", 0, NULL},
    {LAYOUT_LLAVA, "r1-role=user", 2, "human: <image>\nq | gpt: x"},
    {LAYOUT_LLAVA, "r1-role=user", 0, "human: <image>\nq | gpt: x"},
    {LAYOUT_FIRE, "r1-role=user", 0, NULL},
};

static void test_rows(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(row_cases); i++) {
        struct protocol protocol = paper;
        g_assert_true(protocol_set(&protocol, row_cases[i].set, NULL));
        struct writer_options options = {row_cases[i].layout, &protocol, "Judge."};
        struct dialogue dialogue = make_dialogue(row_cases[i].n_turns);
        struct flaw flaw = {0};
        json_t *row = writer_convert(&options, &dialogue, &flaw);
        if (row_cases[i].spoken) {
            g_autofree char *text = spoken(row);
            g_assert_cmpstr(text, ==, row_cases[i].spoken);
            g_assert_cmpstr(json_get_string(row, "image"), ==, "i.png");
        } else {
            g_assert_null(row);
            g_assert_cmpstr(flaw.cause, ==, "no-target");
        }
        json_decref(row);
        flaw_clear(&flaw);
        dialogue_clear(&dialogue);
    }
}

/* A question that says where its picture stands keeps the place; one without a picture gets none.
 */
static void test_image_token(void)
{
    struct writer_options options = {LAYOUT_LLAVA, &paper, ""};
    struct dialogue dialogue = make_dialogue(1);
    struct flaw flaw = {0};
    g_free(dialogue.sample.question);
    dialogue.sample.question = g_strdup("What is <image> this?");
    json_t *row = writer_convert(&options, &dialogue, &flaw);
    g_autofree char *text = spoken(row);
    g_assert_cmpstr(text, ==, "human: What is <image> this? | gpt: x");
    json_decref(row);
    g_free(dialogue.sample.question);
    dialogue.sample.question = g_strdup("q");
    g_clear_pointer(&dialogue.sample.image, g_free);
    row = writer_convert(&options, &dialogue, &flaw);
    g_autofree char *bare = spoken(row);
    g_assert_cmpstr(bare, ==, "human: q | gpt: x");
    g_assert_null(json_object_get(row, "image"));
    json_decref(row);
    dialogue_clear(&dialogue);
}

/* Our own dialogue in the released layout and back: id, texts and scores stay. */
static void test_own_to_fire(void)
{
    struct writer_options options = {LAYOUT_FIRE, &paper, ""};
    GArray *dialogues = g_array_new(FALSE, FALSE, sizeof(struct dialogue));
    g_array_set_clear_func(dialogues, (GDestroyNotify)dialogue_clear);
    struct dialogue dialogue = make_dialogue(3);
    dialogue.turns[1].score = NAN;
    dialogue.turns[2].score = 7.5;
    g_array_append_val(dialogues, dialogue);
    g_autofree char *path = write_all("own.json", dialogues, &options);
    g_autoptr(json_t) records = load(path);
    const json_t *record = json_array_get(records, 0);
    g_assert_cmpint(json_integer_value(json_object_get(record, "round")), ==, 3);
    g_autofree char *scores = json_print(json_object_get(record, "score"));
    g_assert_cmpstr(scores, ==, "[0,null,7.5]");
    GArray *again = read_all(path, NEED_DIALOGUE);
    const struct dialogue *read = &g_array_index(again, struct dialogue, 0);
    g_assert_cmpstr(read->sample.id, ==, "mine");
    g_assert_cmpuint(read->n_turns, ==, 3);
    g_assert_cmpstr(read->turns[2].response, ==, " r3\n");
    g_assert_cmpstr(read->turns[2].feedback, ==, "Score: 2.\nFeedback: f3 \n");
    g_array_unref(dialogues);
    g_array_unref(again);
}

/* An official sample that got other turns: its own keys stay, the counts are of the new turns. */
static void test_new_turns(void)
{
    g_autofree char *path = support_shared("data/fire-official/records.json");
    if (!path)
        return;
    struct writer_options options = {LAYOUT_FIRE, &paper, ""};
    GArray *samples = read_all(path, NEED_SAMPLE);
    struct dialogue *dialogue = &g_array_index(samples, struct dialogue, 0);
    g_assert_cmpuint(dialogue->n_turns, ==, 0);
    struct turn turn = {.response = g_strdup("r"), .feedback = g_strdup("Score: 9"), .score = 9};
    dialogue_add_turn(dialogue, &turn);
    struct flaw flaw = {0};
    g_autoptr(json_t) record = writer_convert(&options, dialogue, &flaw);
    g_assert_cmpint(json_integer_value(json_object_get(record, "round")), ==, 1);
    g_autofree char *scores = json_print(json_object_get(record, "score"));
    g_assert_cmpstr(scores, ==, "[9]");
    g_assert_cmpstr(json_get_string(record, "split"), ==, "fire_test");
    g_array_unref(samples);
}

/* LLaVA -> ours -> LLaVA keeps the pair, the picture, the source and unknown keys. */
static void test_llava_round_trip(void)
{
    struct writer_options options = {LAYOUT_LLAVA, &paper, ""};
    g_autofree char *path = support_write(
        folder, "llava.json",
        "[{\"id\":\"1\",\"image\":\"coco/1.jpg\",\"conversations\":[{\"from\":\"human\",\"value\":"
        "\"<image>\\nq\"},{\"from\":\"gpt\",\"value\":\"x\"}],\"source\":\"vqav2\",\"url\":\"u\"}"
        "]");
    g_autofree char *back = through_lines(path, NEED_SAMPLE, "back.json", &options);
    g_autoptr(json_t) before = load(path);
    g_autoptr(json_t) after = load(back);
    assert_same(before, after);
}

static void test_file(void)
{
    struct writer_options options = {LAYOUT_FIRE, &paper, ""};
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(folder, "empty.json", NULL);
    struct writer *writer = writer_open(path, &options, &error);
    g_assert_no_error(error);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    writer_discard(writer);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    writer = writer_open(path, &options, &error);
    g_assert_true(writer_commit(writer, &error));
    g_autoptr(json_t) array = load(path);
    g_assert_true(json_is_array(array) && json_array_size(array) == 0);
    g_assert_null(writer_open("/nowhere/x", &options, &error));
    g_assert_nonnull(error);
    enum layout layout;
    g_assert_true(layout_from_name("fire-teacher", &layout) && layout == LAYOUT_FIRE_TEACHER);
    g_assert_false(layout_from_name("sharegpt", &layout));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(protocol_init(&paper, "paper", NULL));
    folder = support_folder();
    g_test_add_func("/writer/round-trip", test_round_trip);
    g_test_add_func("/writer/disturbed", test_disturbed);
    g_test_add_func("/writer/training-files", test_training_files);
    g_test_add_func("/writer/rows", test_rows);
    g_test_add_func("/writer/image-token", test_image_token);
    g_test_add_func("/writer/own-to-fire", test_own_to_fire);
    g_test_add_func("/writer/new-turns", test_new_turns);
    g_test_add_func("/writer/llava-round-trip", test_llava_round_trip);
    g_test_add_func("/writer/file", test_file);
    int code = g_test_run();
    g_free(folder);
    return code;
}
