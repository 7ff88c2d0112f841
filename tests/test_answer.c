/* answer, vqa_text: each rule, how it is found, and the normalisations. */
#include "data/answer.h"
#include "data/vqa_text.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *text, *normal;
} vqa_cases[] = {
    {"red,white", "red white"},
    {"woman's", "woman's"},
    {"a/b", "b"},
    {"the", ""},
    {"10.", "10"},
    {"u.s.a.", "usa"},
    {"2.5", "2.5"},
    {"1,000 (total)", "1000 total"},
    {"black-white", "black white"},
    {"black - white", "black white"},
    {"None", "0"},
    {"Two Dogs", "2 dogs"},
    {"eleven", "eleven"},
    {"dont", "don't"},
    {"Couldnt've", "couldn't've"},
    {"couldn'tve", "couldn't've"},
    {"couldntve", "couldntve"},
    {"twas", "'twas"},
    {"ow's'at", "'ow's'at"},
    {"wed", "wed"},
    {"somebody'd", "somebodyd"},
    {"yall'll", "y'all'll"},
    {"10:30", "10:30"},
    {"", ""},
    {" \xe2\x80\x83 x\xc2\xa0y ", "x y"},
    {"........................................x", "........x"}, /* 32 of 40 periods go */
};

static void test_vqa_text(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(vqa_cases); i++) {
        g_autofree char *normal = vqa_text_normalize(vqa_cases[i].text);
        g_assert_cmpstr(normal, ==, vqa_cases[i].normal);
    }
}

static const struct {
    const char *text, *normal;
} normal_cases[] = {
    {"  The Dog. ", "dog"},
    {"A", "a"},
    {"(A)", "a"},
    {"the", "the"},
    {"-3", "-3"},
    {"(-3)", "-3"},
    {"\xe2\x88\x92"
     "3.50",
     "-3.50"},
    {"x = .5", "x = .5"},
    {"1,000", "1000"},
    {"$12,345,678.90", "$12345678.90"},
    {"1,00", "1,00"},
    {"1,2,3", "1,2,3"},
    {"Three horses", "3 horses"},
    {"Stra\xc3\x9f"
     "e",
     "strasse"},
    {"\xef\xbc\xa1\xef\xbc\xa2", "ab"},
    {"\xe2\x80\x9cYes\xe2\x80\x9d!", "yes"},
    {"half-full", "half-full"},
    {"don't", "don't"},
    {"...", ""},
    {"", ""},
};

static void test_normalize(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(normal_cases); i++) {
        g_autofree char *normal = answer_normalize(normal_cases[i].text);
        g_assert_cmpstr(normal, ==, normal_cases[i].normal);
    }
}

/* Lists are written with "|" between. */
static const struct answer_case {
    const char *source, *rule_named; /* meta "answer-match", or NULL */
    const char *truth;
    const char *choices, *answers;
    const char *rule; /* the one that must apply */
    const char *answer;
    double match;
} cases[] = {
    /* Ten answers: matches count; the leave-one-out mean. */
    {"v", NULL, "x", NULL, "2|two|3|3|3|3|3|3|3|3", "vqa", "2.", 0.6},
    {"v", NULL, "x", NULL, "2|3|3|3|3|3|3|3|3|3", "vqa", "the two", 0.3},
    {"v", NULL, "x", NULL, "2|2|2|3|3|3|3|3|3|3", "vqa", "2", 0.9},
    {"v", NULL, "x", NULL, "2|2|2|2|3|3|3|3|3|3", "vqa", "2", 1},
    {"v", NULL, "x", NULL, "2|2|2|2|3|3|3|3|3|3", "vqa", "x", 0},
    /* All ten equal: compared as they are, but for the blanks around them. */
    {"v", NULL, "x", NULL, "Dog|Dog|Dog|Dog|Dog|Dog|Dog|Dog|Dog|Dog", "vqa", " Dog\n", 1},
    {"v", NULL, "x", NULL, "Dog|Dog|Dog|Dog|Dog|Dog|Dog|Dog|Dog|Dog", "vqa", "dog", 0},
    /* Choices. */
    {"s", NULL, "B", "cat|dog", NULL, "choice", "b", 1},
    {"s", NULL, "B", "cat|dog", NULL, "choice", "(B)", 1},
    {"s", NULL, "B", "cat|dog", NULL, "choice", "B. the dog", 1},
    {"s", NULL, "B", "cat|dog", NULL, "choice", "The Dog!", 1},
    {"s", NULL, "dog", "cat|dog", NULL, "choice", "**B**", 1},
    {"s", NULL, "dog", "cat|dog", NULL, "choice", "The answer is B.", 1},
    {"s", NULL, "dog", "cat|dog", NULL, "choice", "The answer is: (A) or the answer is B", 0},
    {"s", NULL, "dog", "cat|dog", NULL, "choice", "The answer is Big", 0},
    {"s", NULL, "A", "cat|dog", NULL, "choice", "A dog", 0},
    {"s", NULL, "A", "cat|dog", NULL, "choice", "A", 1},
    {"s", NULL, "A", "cat|dog", NULL, "choice", "C", 0},
    {"s", NULL, "A", "cat|dog", NULL, "choice", "", 0},
    {"s", NULL, "A", "B|A", NULL, "choice", "A", 1},
    {"s", NULL, "bird", "cat|dog", NULL, "exact", "Bird", 1},
    /* Yes and no. */
    {"g", NULL, "Yes.", NULL, NULL, "yes-no", "Yes, there is no dog.", 1},
    {"g", NULL, "no", NULL, NULL, "yes-no", "There is no dog.", 1},
    {"g", NULL, "no", NULL, NULL, "yes-no", "None", 0},
    {"g", NULL, "no", NULL, NULL, "yes-no", "Not sure", 0},
    {"g", NULL, "yes", NULL, NULL, "yes-no", "The answer is yes", 1},
    {"g", NULL, "yes", NULL, NULL, "yes-no", "Is it yes or no?", 0},
    {"g", NULL, "No, it is brown.", NULL, NULL, "exact", "No", 0},
    /* Charts. */
    {"ChartQA", NULL, "100", NULL, NULL, "relaxed", "105", 1},
    {"chartqa", NULL, "100", NULL, NULL, "relaxed", "106", 0},
    {"chartqa", NULL, "-2.0", NULL, NULL, "relaxed", "-2.1", 1},
    {"chartqa", NULL, "-2.0", NULL, NULL, "relaxed", "2", 0},
    {"chartqa", NULL, "0", NULL, NULL, "relaxed", "0.0", 1},
    {"chartqa", NULL, "0", NULL, NULL, "relaxed", "0.01", 0},
    {"chartqa", NULL, "1,200", NULL, NULL, "relaxed", "$1250", 1},
    {"chartqa", NULL, "45%", NULL, NULL, "relaxed", "46", 1},
    {"chartqa", NULL, "Japan", NULL, NULL, "relaxed", "japan.", 1},
    {"chartqa", NULL, "3", NULL, NULL, "relaxed", "There are 3 bars", 0},
    {"chartqa", NULL, "yes", NULL, NULL, "yes-no", "Yes", 1},
    {"docvqa", "relaxed", "100", NULL, NULL, "relaxed", "96", 1},
    {"docvqa", NULL, "100", NULL, NULL, "exact", "96", 0},
    /* Equality. */
    {"d", NULL, "3", NULL, NULL, "exact", "three", 1},
    {"d", NULL, "3", NULL, NULL, "exact", "3.0", 1},
    {"d", NULL, "3", NULL, NULL, "exact", "-3", 0},
    {"d", NULL, "3", NULL, NULL, "exact", "There are 3 horses.", 0},
    {"d", NULL, "1e3", NULL, NULL, "exact", "1000", 0},
    {"d", NULL, "nan", NULL, NULL, "exact", "nan", 1},
    {"d", NULL, "Main St.", NULL, "main street|Main St.", "exact", "the main street", 1},
    {"d", NULL, "Main St.", NULL, "main street", "exact", "main", 0},
    {"d", NULL, "the", NULL, NULL, "exact", "", 0},
    {"d", NULL, "...", NULL, NULL, "exact", "", 0},
    /* Named rules. */
    {"chartqa", "exact", "100", NULL, NULL, "exact", "101", 0},
    {"d", "vqa", "x", NULL, "x", "exact", "X", 1},
    {"d", "choice", "x", NULL, NULL, "exact", "X", 1},
    {"d", "yes-no", "maybe", NULL, NULL, "exact", "maybe", 1},
    {"d", "none", "x", NULL, NULL, "none", "x", NAN},
    {"d", "fuzzy", "x", NULL, NULL, "none", "x", NAN},
    {"d", NULL, " ", NULL, NULL, "none", "x", NAN},
};

static const char *const rule_names[] = {
    [ANSWER_NONE] = "none",     [ANSWER_VQA] = "vqa",         [ANSWER_CHOICE] = "choice",
    [ANSWER_YES_NO] = "yes-no", [ANSWER_RELAXED] = "relaxed", [ANSWER_EXACT] = "exact",
};

static void test_match(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct answer_case *c = &cases[i];
        g_test_message("%zu: '%s' against '%s'", i, c->answer, c->truth);
        struct sample sample = {
            .source = (char *)c->source,
            .question = (char *)"?",
            .answer = (char *)c->truth,
            .choices = c->choices ? g_strsplit(c->choices, "|", -1) : NULL,
            .answers = c->answers ? g_strsplit(c->answers, "|", -1) : NULL,
        };
        if (c->rule_named)
            sample.meta = json_pack("{s:s}", "answer-match", c->rule_named);
        g_assert_cmpstr(rule_names[answer_rule_of(&sample)], ==, c->rule);
        support_assert_near(answer_match(&sample, c->answer), c->match, 1e-12);
        g_strfreev(sample.choices);
        g_strfreev(sample.answers);
        json_decref(sample.meta);
    }
}

/* Random texts of the characters that matter: no read past the end (under asan), and every text
 * matches itself unless nothing of it is left. */
static void test_random(void)
{
    static const char *const parts[] = {
        "a",           "The ",         "-",  ".",   "1", ",000", " ", "\n", "\xc3\xa9", "(B)",
        "answer is B", "\xe2\x88\x92", "no", "yes", "$", "`"};
    g_auto(GStrv) choices = g_strsplit("a|b", "|", -1);
    for (int i = 0; i < 20000; i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (int k = g_test_rand_int_range(0, 6); k > 0; k--)
            g_string_append(text, parts[g_test_rand_int_range(0, G_N_ELEMENTS(parts))]);
        struct sample sample = {
            .source = (char *)"x", .answer = text->str, .choices = i % 2 ? choices : NULL};
        g_autofree char *normal = answer_normalize(text->str);
        double match = answer_match(&sample, text->str);
        if (answer_rule_of(&sample) != ANSWER_NONE && *normal)
            g_assert_cmpfloat(match, ==, 1);
        g_free(vqa_text_normalize(text->str));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/answer/vqa_text", test_vqa_text);
    g_test_add_func("/answer/normalize", test_normalize);
    g_test_add_func("/answer/match", test_match);
    g_test_add_func("/answer/random", test_random);
    return g_test_run();
}
