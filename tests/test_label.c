/* label: the score of a recorded turn by any rules, as a reader with those rules gives it; what our
 * lines hold of it. */
#include "data/label.h"
#include "data/reader.h"
#include "data/writer.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

static char *folder;

#define FIRE(texts, rest)                                                                          \
    "[{\"image\":\"s/i.png\",\"question\":{\"role\":\"user\",\"value\":\"q\"},\"conversations\":[" \
    "{\"role\":\"student\",\"type\":\"response\",\"value\":\"r\"},"                                \
    "{\"role\":\"teacher\",\"type\":\"feedback\",\"value\":\"" texts "\"}],"                       \
    "\"groundtruth\":{\"role\":\"user\",\"value\":\"x\"},\"source\":\"s\"" rest "}]"
#define LINE(turn)                                                                                 \
    "{\"id\":\"d\",\"source\":\"s\",\"image\":null,\"question\":\"q\",\"answer\":\"x\",\"turns\":" \
    "[{"                                                                                           \
    "\"response\":\"r\"," turn "}]}"
#define LOOP(last, scores)                                                                         \
    "[{\"id\":\"l\",\"image\":\"s/"                                                                \
    "i.png\",\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},"                             \
    "{\"from\":\"gpt\",\"value\":\"x\"}],\"student_history\":[{\"from\":\"human\",\"value\":"      \
    "\"q\"},"                                                                                      \
    "{\"from\":\"gpt\",\"value\":\"r\"}],\"teacher_history\":[{\"from\":\"gpt\",\"value\":\"" last \
    "\"}],\"scores\":" scores "}]"

/* What the first turn's score is under: paper; label-score=field; field and score-range=any;
 * score-parse=official. */
static const struct {
    const char *text;
    double paper, field, any, official_parse;
} cases[] = {
    {FIRE("Score: 10/10.", ",\"score\":[1]"), 10, 1, 1, 10},
    {FIRE("Score: 7.5.", ",\"score\":[7]"), 7.5, 7, 7, 7},
    {FIRE("Score: 95.", ",\"score\":[95]"), NAN, NAN, 95, NAN},
    {FIRE("Score: 4.", ",\"score\":[-3]"), 4, NAN, -3, 4},
    {FIRE("Score: 4.", ",\"score\":[null]"), 4, NAN, NAN, 4},
    {FIRE("Score: 4.", ",\"score\":[\"9\"]"), 4, NAN, NAN, 4},
    {FIRE("Score: 4.", ",\"score\":[]"), 4, NAN, NAN, 4},
    {FIRE("Score: 4.", ""), 4, NAN, NAN, 4}, /* no list to take it from */
    {FIRE("no", ",\"score\":[5]"), NAN, 5, 5, NAN},
    {LINE("\"feedback\":\"Score: 7.5.\",\"score\":6"), 6, 6, 6, 6},
    {LINE("\"feedback\":\"Score: 7.5.\",\"score\":null"), NAN, NAN, NAN, NAN},
    {LINE("\"feedback\":\"Score: 7.5.\""), 7.5, 7.5, 7.5, 7},
    {LINE("\"feedback\":\"Score: 12.\""), NAN, NAN, 12, NAN},
    {LINE("\"feedback\":\"f\",\"score\":3,\"meta\":{\"score_from\":{\"list\":9},\"fire_score\":1}"),
     3, 3, 3, 3},
    {LOOP("Score: 8/10.", "[1]"), 8, 1, 1, 8},
    {LOOP("Score: 8.", "[95]"), 8, NAN, 95, 8},
    {LOOP("Look again.", "[6]"), 6, 6, 6, 6},
    {LOOP("Look again.", "[-6]"), NAN, NAN, -6, NAN},
};
static const char *const rules[] = {"", "label-score=field", "label-score=field score-range=any",
                                    "score-parse=official"};

static struct protocol protocol_of(size_t i_rule)
{
    struct protocol protocol;
    g_assert_true(protocol_init(&protocol, "paper", NULL));
    g_auto(GStrv) list = g_strsplit(rules[i_rule], " ", -1);
    g_assert_true(!*rules[i_rule] || protocol_set_all(&protocol, list, NULL));
    return protocol;
}

static struct dialogue read_case(size_t i, const struct protocol *protocol)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = support_write(folder, "case", cases[i].text);
    struct reader *reader = reader_open(path, NEED_DIALOGUE, protocol, &error);
    g_assert_no_error(error);
    struct record *record;
    g_assert_cmpint(reader_next(reader, &record, &error), ==, READER_RECORD);
    struct dialogue dialogue = record->dialogue;
    record->dialogue = (struct dialogue){0};
    reader_close(reader);
    g_assert_cmpuint(dialogue.n_turns, ==, 1);
    return dialogue;
}

/* Read by one protocol and then by another: the same as read by the other at once. */
static void test_any_rules(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const double expected[] = {cases[i].paper, cases[i].field, cases[i].any,
                                   cases[i].official_parse};
        for (size_t first = 0; first < G_N_ELEMENTS(rules); first++) {
            struct protocol protocol = protocol_of(first);
            struct dialogue dialogue = read_case(i, &protocol);
            g_test_message("case %zu, read by '%s'", i, rules[first]);
            support_assert_near(dialogue.turns[0].score, expected[first], 0);
            for (size_t then = 0; then < G_N_ELEMENTS(rules); then++) {
                struct protocol other = protocol_of(then);
                support_assert_near(label_score(&dialogue.turns[0], &other), expected[then], 0);
            }
            dialogue_clear(&dialogue);
        }
    }
}

/* Our lines give the score that counted, and nothing of where it came from. */
static void test_lines(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct protocol field = protocol_of(1);
        struct dialogue dialogue = read_case(i, &field);
        g_autoptr(json_t) line = dialogue_to_json(&dialogue);
        const json_t *turn = json_array_get(json_object_get(line, "turns"), 0);
        g_autofree char *text = json_print(line);
        g_assert_null(strstr(text, LABEL_KEY));
        support_assert_near(json_get_number(turn, "score", NAN), cases[i].field, 0);
        g_assert_true(!json_object_get(turn, "meta") ||
                      json_object_size(json_object_get(turn, "meta")) > 0);
        dialogue_clear(&dialogue);
    }
}

/* Whole numbers are written as such as long as they are exact. */
static void test_numbers(void)
{
    static const struct {
        double score;
        const char *text;
    } numbers[] = {
        {0, "0"},        {-3, "-3"},         {7.5, "7.5"}, {NAN, "null"}, {1e14, "100000000000000"},
        {1e30, "1e+30"}, {-1e300, "-1e+300"}};
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_autoptr(json_t) value = score_to_json(numbers[i].score);
        g_autofree char *text = json_print(value);
        g_assert_cmpstr(text, ==, numbers[i].text);
        struct protocol paper = protocol_of(0);
        struct turn turn = {.response = (char *)"r", .feedback = (char *)"f"};
        struct dialogue dialogue = {.sample = {.id = (char *)"a",
                                               .source = (char *)"s",
                                               .question = (char *)"q",
                                               .answer = (char *)"x"},
                                    .turns = &turn,
                                    .n_turns = 1};
        turn.score = numbers[i].score;
        const struct writer_options options = {.layout = LAYOUT_FIRE, .protocol = &paper};
        struct flaw flaw = {0};
        g_autoptr(json_t) record = writer_convert(&options, &dialogue, &flaw);
        g_autofree char *list = json_print(json_object_get(record, "score"));
        g_autofree char *expected = g_strdup_printf("[%s]", numbers[i].text);
        g_assert_cmpstr(list, ==, expected);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = support_folder();
    g_test_add_func("/label/any-rules", test_any_rules);
    g_test_add_func("/label/lines", test_lines);
    g_test_add_func("/label/numbers", test_numbers);
    int code = g_test_run();
    g_free(folder);
    return code;
}
