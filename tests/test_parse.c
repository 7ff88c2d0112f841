/* parse: scores, comments, thoughts, answers, in both readings. */
#include "data/parse.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

static struct protocol paper, official;

static const struct {
    const char *text;
    double tolerant, official;
} score_cases[] = {
    {"Score: 5.\nFeedback: Look again.", 5, 5},
    {"Score: 10/10.\nFeedback: Right.", 10, 10},
    {"Score: 7/10", 7, 7},
    {"Score: 7 / 10", 7, 7},
    {"Score: 7 out of 10", 7, 7},
    {"Score: 7.5", 7.5, 7},
    {"score: 3", 3, NAN},
    {"**Score:** 6\n**Feedback:** x", 6, 6},
    {"**Score**: 6", 6, NAN},
    {"SCORE : 4", 4, NAN},
    {"Overall score (1-10): 8", 8, NAN},
    {"Score: [9]", 9, 9},
    {"{\"score\": 2, \"feedback\": \"x\"}", 2, NAN},
    {"Score\xef\xbc\x9a"
     "5",
     5, NAN},
    {"\nScore: 5", 5, NAN},
    {"Here is my judgement.\nScore: 5", 5, NAN},
    {"1. Score: 8", 8, 1},
    {"Score: -3", NAN, 3},
    {"Score: \xe2\x88\x92"
     "3",
     NAN, 3},
    {"Score: 6-7", NAN, 6},
    {"Score: 6 \xe2\x80\x93 7", NAN, 6},
    {"Score: 6 to 7", NAN, 6},
    {"Score: 7 - good", 7, 7},
    {"Score: 4/5", NAN, 4},
    {"Score: 8/100", NAN, 8},
    {"Score: 8/10.5", NAN, 8},
    {"Score: 8 out of 20", NAN, 8},
    {"Score: 70%", NAN, 70},
    {"Score: 7,5", NAN, 7},
    {"Score: 1.2.3", NAN, 1},
    {"Score: 12", NAN, 12},
    {"Score: 0", 0, 0},
    {"Score: 99999999999999999999999", NAN, 99999999999999999999999.0},
    /* Marks around the number do not hide what follows it. */
    {"Score: **4**/5", NAN, 4},
    {"Score: **4** / **5**", NAN, 4},
    {"Score: [4]/5", NAN, 4},
    {"Score: (4) / 5", NAN, 4},
    {"Score: \"3\"/5", NAN, 3},
    {"Score: `4`/5", NAN, 4},
    {"Score: **3** out of 5", NAN, 3},
    {"Score: 3 Out Of **5**", NAN, 3},
    {"Score: *6*-7", NAN, 6},
    {"Score: **6** to **7**", NAN, 6},
    {"Score: **70**%", NAN, 70},
    {"Score: 4 of 5", NAN, 4},
    {"Score: 4 (out of 5)", NAN, 4},
    {"Score: 4 (/5)", NAN, 4},
    {"Score: **4** (of 5)", NAN, 4},
    {"Score: 4\xe2\x81\x84"
     "5",
     NAN, 4}, /* fraction slash */
    {"Score: 4\xc2\xa0/\xe2\x80\xaf"
     "5",
     NAN, 4}, /* blanks that do not break */
    {"Score: **7**/10", 7, 7},
    {"Score: **7**/**10**.", 7, 7},
    {"Score: [7] / 10", 7, 7},
    {"Score: **7** out of 10", 7, 7},
    {"Score: 4 of 10", 4, 4},
    {"Score: 4 (out of 10)", 4, 4},
    {"Score: 4 (/10)", 4, 4},
    {"Score: **4** of **10** points", 4, 4},
    {"Score: 4 often", 4, 4},
    {"Score: 4 of the cows are missed", 4, 4},
    {"Score: 7 (-2 for the colour)", 7, 7},
    {"Score: **7**.\nFeedback: 4/5 of it", 7, 7},
    {"<b>Score: 7</b>", 7, 7},
    {"Score: N/A\nscore: 3", 3, NAN},
    {"Score: -3\nScore: 4", NAN, 3},
    {"Score: seven", NAN, NAN},
    {"underscore: 7", NAN, NAN},
    {"Feedback: none", NAN, NAN},
    {"Score 7", NAN, NAN},
    {"", NAN, NAN},
    {NULL, NAN, NAN},
};

static void test_score(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(score_cases); i++) {
        g_test_message("%s", score_cases[i].text ? score_cases[i].text : "(null)");
        support_assert_near(parse_score(&paper, score_cases[i].text), score_cases[i].tolerant, 0);
        support_assert_near(parse_score(&official, score_cases[i].text), score_cases[i].official,
                            0);
    }
}

static void test_range(void)
{
    struct protocol protocol = paper;
    g_assert_true(protocol_set(&protocol, "score-range=1-10", NULL));
    support_assert_near(parse_score(&protocol, "Score: 0"), NAN, 0);
    support_assert_near(parse_score(&protocol, "Score: 1"), 1, 0);
    g_assert_true(protocol_set(&protocol, "score-range=any", NULL));
    support_assert_near(parse_score(&protocol, "Score: 12"), 12, 0);
}

static const struct {
    const char *text, *tolerant, *official;
} comment_cases[] = {
    {"Score: 5.\nFeedback: Look again.\n", "Look again.", "Look again."},
    {"Score: 5. Feedback: Look.", "Look.", "Look."},
    {"**Score:** 5\n**Feedback:** Look.", "Look.", "** Look."},
    {"Score: 5\nfeedback : Look.", "Look.", NULL},
    {"Score: 5\nLook at the left.\nThen count.", "Look at the left.\nThen count.", NULL},
    {"Score: 5/10. Look.", "Look.", NULL},
    {"Score: **5** (out of **10**). Look.", "Look.", NULL},
    {"Score: 5 of the cows.", "of the cows.", NULL},
    {"Hm.\nScore: 5\nLook.", "Hm.\n\nLook.", NULL},
    {"My feedback: x\nFeedback: y", "y", NULL},
    {"Feedback: y Feedback: z", "y Feedback: z", "y Feedback: z"},
    {"", "", NULL},
};

static void test_comment(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(comment_cases); i++) {
        g_autofree char *tolerant = parse_comment(&paper, comment_cases[i].text);
        g_autofree char *strict = parse_comment(&official, comment_cases[i].text);
        g_assert_cmpstr(tolerant, ==, comment_cases[i].tolerant);
        if (i != 9) /* there the capital F decides: see below */
            g_assert_cmpstr(strict, ==, comment_cases[i].official);
        else
            g_assert_cmpstr(strict, ==, "y");
    }
}

static const struct {
    const char *text, *thought, *answer;
} response_cases[] = {
    {"Thought: I see cows.\nAnswer: 3 cows.\n\n", "I see cows.", "3 cows."},
    {"**Thought:** a\n**Answer:** b", "a", "b"},
    {"thought: the answer: unknown\nanswer: b", "the answer: unknown", "b"},
    {"Just 5", NULL, "Just 5"},
    {"Answer: 5", NULL, "5"},
    {"Thought: only", "only", "Thought: only"},
    {"Answer: a\nThought: b", "b", "a\nThought: b"},
    {"\xe2\x80\x83 Answer:\xc2\xa0 x \xe2\x80\x83", NULL, "x"},
};

static void test_response(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(response_cases); i++) {
        g_autofree char *thought = parse_thought(response_cases[i].text);
        g_autofree char *answer = parse_answer(response_cases[i].text);
        g_assert_cmpstr(thought, ==, response_cases[i].thought);
        g_assert_cmpstr(answer, ==, response_cases[i].answer);
    }
}

/* Every text of the published records: all have a thought, an answer, a comment, and the score that
 * their text names. */
static void test_records(void)
{
    g_autofree char *path = support_shared("data/fire-official/records.json");
    if (!path)
        return;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    gsize n_bytes;
    g_assert_true(g_file_get_contents(path, &text, &n_bytes, NULL));
    g_autoptr(json_t) records = json_parse(text, n_bytes, &error);
    g_assert_no_error(error);
    size_t i, k, n_turns = 0, n_tenths = 0;
    json_t *record, *turn;
    json_array_foreach (records, i, record) {
        json_array_foreach (json_object_get(record, "conversations"), k, turn) {
            const char *value = json_get_string(turn, "value");
            if (k % 2 == 0) {
                g_autofree char *thought = parse_thought(value);
                g_assert_nonnull(thought);
                continue;
            }
            double listed =
                json_number_value(json_array_get(json_object_get(record, "score"), k / 2));
            double score = parse_score(&paper, value);
            n_turns++;
            if (strstr(value, "/10."))
                n_tenths++;
            else
                g_assert_cmpfloat(score, ==, listed);
            g_assert_cmpfloat(score, >=, 0);
        }
    }
    g_assert_cmpuint(json_array_size(records), ==, 121);
    g_assert_cmpuint(n_turns, >, 242);
    g_assert_cmpuint(n_tenths, >, 0);
}

/* Random bytes of the alphabet that matters: no crash, no read past the end (under asan), and
 * tolerant agrees with itself when the text is cut behind the score's line. */
static void test_random(void)
{
    static const char alphabet[] = "Score: 710/-\n*.()of%\xc3\xa9 Feedback:";
    for (int i = 0; i < 20000; i++) {
        char text[24];
        int n = g_test_rand_int_range(0, 23);
        for (int k = 0; k < n; k++)
            text[k] = alphabet[g_test_rand_int_range(0, (int)sizeof alphabet - 1)];
        text[n] = '\0';
        if (!g_utf8_validate(text, -1, NULL))
            continue;
        g_autofree char *exact = g_strdup(text);
        double score = parse_score(&paper, exact);
        g_assert_true(isnan(score) || (score >= 0 && score <= 10));
        g_free(parse_comment(&paper, exact));
        g_free(parse_comment(&official, exact));
        g_free(parse_answer(exact));
        g_free(parse_thought(exact));
    }
}

/* A megabyte of anything that a reader could begin on again and again: seconds would be minutes
 * if it did. */
static void test_linear(void)
{
    static const char *const pieces[] = {"score: ",      "score:*", "score: 4 **", "**",
                                         "score: 4 of ", "(",       "score: 1-",   "\xc2\xa0"};
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        GString *text = g_string_new("Score:");
        while (text->len < 1 << 20)
            g_string_append(text, pieces[i]);
        parse_score(&paper, text->str);
        g_free(parse_comment(&paper, text->str));
        g_string_free(text, TRUE);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(protocol_init(&paper, "paper", NULL));
    g_assert_true(protocol_init(&official, "official", NULL));
    g_test_add_func("/parse/score", test_score);
    g_test_add_func("/parse/range", test_range);
    g_test_add_func("/parse/comment", test_comment);
    g_test_add_func("/parse/response", test_response);
    g_test_add_func("/parse/records", test_records);
    g_test_add_func("/parse/random", test_random);
    g_test_add_func("/parse/linear", test_linear);
    return g_test_run();
}
