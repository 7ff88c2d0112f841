/* constrain: toy vocabularies against the list of all texts that the form allows. */
#include "base/error.h"
#include "base/rng.h"
#include "model/constrain.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

/* Bytes that spell the form, and tokens over every border of it. NULL: a special token. */
static const char *const words[] = {
    "S",
    "c",
    "o",
    "r",
    "e",
    ":",
    " ",
    "F",
    "d",
    "b",
    "a",
    "k",
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    ".",
    "\n",
    NULL,
    "",
    "Score",
    " Score",
    "Score: ",
    "Score: 1",
    ": ",
    " 1",
    "10",
    "0.",
    "0.\n",
    ".\n",
    ".\nFeed",
    "\nFeedback",
    "back: ",
    "Feedback:",
    "Feedback: The boat",
    "x",
    "11",
    "01",
    "1.5",
    "-1",
    "\n\n",
    "..",
    " .",
    "Score: 10.\nFeedback: Good",
    "Score: 10.\nFeedback; Good",
    "  Score",
    "score",
    "\xe2\x82",
};

static const char *word_text(int id, size_t *n_bytes, void *user)
{
    const char *const *vocabulary = user;
    *n_bytes = vocabulary[id] ? strlen(vocabulary[id]) : 0;
    return vocabulary[id];
}

static struct constrain *make(const char *const *vocabulary, size_t n)
{
    g_autoptr(GError) error = NULL;
    struct constrain *constrain =
        constrain_new_score((int)n, word_text, (void *)(uintptr_t)vocabulary, &error);
    g_assert_no_error(error);
    return constrain;
}

/* Every way to the end of the form. Free with g_ptr_array_unref. */
static GPtrArray *all_forms(void)
{
    GPtrArray *forms = g_ptr_array_new_with_free_func(g_free);
    for (int blank = 0; blank < 2; blank++)
        for (int score = 0; score <= 10; score++)
            for (int point = 0; point < 2; point++)
                g_ptr_array_add(forms, g_strdup_printf("%sScore: %d%s\nFeedback:", blank ? " " : "",
                                                       score, point ? "." : ""));
    return forms;
}

/* Is `text` the beginning of an answer of the form? *whole: does it hold all of the form? */
static bool is_allowed(const GPtrArray *forms, const char *text, bool *whole)
{
    bool begins = false;
    *whole = false;
    for (guint i = 0; i < forms->len; i++) {
        begins |= g_str_has_prefix(forms->pdata[i], text);
        *whole |= g_str_has_prefix(text, forms->pdata[i]);
    }
    return begins || *whole;
}

/* Goes one step from `text` with each token and compares; returns a random token of those allowed.
 */
static int check_state(const struct constrain *constrain, const GPtrArray *forms, int state,
                       const char *text, struct rng *rng)
{
    enum { N = G_N_ELEMENTS(words) };
    float logits[N + 3];
    int allowed[N], n_allowed = 0;
    for (size_t i = 0; i < N + 3; i++)
        logits[i] = (float)i;
    constrain_mask(constrain, state, logits, N + 3);
    for (size_t i = N; i < N + 3; i++)
        g_assert_true(logits[i] == -INFINITY);
    for (int id = 0; id < N; id++) {
        g_autofree char *longer = g_strconcat(text, words[id] ? words[id] : "", NULL);
        bool whole, expected = is_allowed(forms, longer, &whole) && words[id] && *words[id];
        int next = constrain_next(constrain, state, id);
        g_assert_true((next >= 0) == expected);
        g_assert_true(logits[id] == (expected ? (float)id : -INFINITY));
        if (expected) {
            g_assert_true(constrain_is_free(constrain, next) == whole);
            allowed[n_allowed++] = id;
        }
    }
    g_assert_cmpint(n_allowed, >, 0);
    return allowed[rng_below(rng, (uint64_t)n_allowed)];
}

/* Random walks to the end. */
static void test_walks(void)
{
    struct constrain *constrain = make(words, G_N_ELEMENTS(words));
    g_autoptr(GPtrArray) forms = all_forms();
    g_autoptr(GHashTable) ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct rng rng;
    rng_init(&rng, 5, 0);
    for (int i = 0; i < 700; i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        int state = CONSTRAIN_START;
        while (!constrain_is_free(constrain, state)) {
            int id = check_state(constrain, forms, state, text->str, &rng);
            state = constrain_next(constrain, state, id);
            g_string_append(text, words[id]);
        }
        *strstr(text->str, "Feedback:") = '\0';
        g_hash_table_add(ends, g_strdup(text->str));
    }
    g_assert_cmpuint(g_hash_table_size(ends), ==, forms->len); /* each of them can be had */
    constrain_free(constrain);
}

static void test_free(void)
{
    enum { N = G_N_ELEMENTS(words) };
    struct constrain *constrain = make(words, N);
    int state = CONSTRAIN_START;
    for (size_t id = 0; id < N; id++)
        if (words[id] && strcmp(words[id], "Score: 10.\nFeedback: Good") == 0)
            state = constrain_next(constrain, state, (int)id);
    g_assert_true(constrain_is_free(constrain, state));
    float logits[N + 2] = {0};
    constrain_mask(constrain, state, logits, N + 2);
    for (size_t id = 0; id < N + 2; id++) {
        g_assert_true(logits[id] == 0);
        g_assert_cmpint(constrain_next(constrain, state, (int)id), ==, state);
    }
    constrain_free(constrain);
}

/* "0." leads to a place from which these tokens cannot go on, and so does "Score: " with "1". */
static void test_dead_ends(void)
{
    static const char *const few[] = {"Score: ", "Score: 1", "7", "0.",
                                      ".\nFeed", "back: ",   "1", "\nFeeb"};
    static const struct {
        int path[2], n_path;
        const char *allowed; /* one letter an id: y or n */
    } cases[] = {
        {{0}, 0, "yynnnnnn"},    {{0}, 1, "nnynnnyn"},    {{1}, 1, "nnnnynnn"},
        {{0, 2}, 2, "nnnnynnn"}, {{0, 6}, 2, "nnnnynnn"},
    };
    struct constrain *constrain = make(few, G_N_ELEMENTS(few));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int state = CONSTRAIN_START;
        for (int j = 0; j < cases[i].n_path; j++)
            state = constrain_next(constrain, state, cases[i].path[j]);
        for (size_t id = 0; id < G_N_ELEMENTS(few); id++)
            g_assert_true((constrain_next(constrain, state, (int)id) >= 0) ==
                          (cases[i].allowed[id] == 'y'));
    }
    constrain_free(constrain);
}

static void test_cannot_spell(void)
{
    static const char *const lame[] = {"Score: ", "1", "0", ".", "Feedback:", NULL};
    for (size_t n = 0; n <= G_N_ELEMENTS(lame); n++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(constrain_new_score((int)n, word_text, (void *)(uintptr_t)lame, &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
        g_assert_nonnull(strstr(error->message, "Score"));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/constrain/walks", test_walks);
    g_test_add_func("/constrain/free", test_free);
    g_test_add_func("/constrain/dead-ends", test_dead_ends);
    g_test_add_func("/constrain/cannot-spell", test_cannot_spell);
    return g_test_run();
}
