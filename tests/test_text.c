/* BLEU and CIDEr against the values of programs that are not ours ($FIRE_SHARED/reference/metrics),
 * and the rules that METRICS.md states in words. */
#include "base/json.h"
#include "base/rng.h"
#include "metric/text.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

static const double tolerance = 1e-9;

/* Relative also for values near 0, where BLEU-4 without a common 4-gram lives. */
static void assert_equal(double ours, double expected, const char *what)
{
    if (!(fabs(ours - expected) <= tolerance * fabs(expected)))
        g_error("%s: %.17g, expected %.17g", what, ours, expected);
}

static void add_items(struct text_metric *metric, const json_t *predictions,
                      const json_t *references)
{
    for (size_t i = 0; i < json_array_size(predictions); i++) {
        const json_t *texts = json_array_get(references, i);
        size_t n = json_array_size(texts);
        g_autofree const char **list = g_new(const char *, n + 1);
        for (size_t j = 0; j < n; j++)
            list[j] = json_string_value(json_array_get(texts, j));
        text_metric_add(metric, json_string_value(json_array_get(predictions, i)), list, n);
    }
}

/* The two length terms of CIDEr differ only where a text is empty, and there nothing is similar. */
static void check_case(const json_t *input, const json_t *expected, enum tokenizer tokenizer,
                       enum cider_length cider, const char *name)
{
    struct text_metric *metric = text_metric_new(tokenizer, cider);
    add_items(metric, json_object_get(input, "predictions"), json_object_get(input, "references"));
    size_t n = text_metric_n_items(metric);
    g_autofree struct text_item_scores *items = g_new(struct text_item_scores, n);
    struct text_scores scores;
    g_assert_true(text_metric_compute(metric, &scores, items, NULL));
    text_metric_free(metric);
    g_assert_cmpuint(scores.n, ==, n);
    assert_equal(scores.cider, json_get_number(expected, "cider_mean", NAN), name);
    const json_t *bleu_items = json_object_get(expected, "bleu_items");
    const json_t *cider_items = json_object_get(expected, "cider_items");
    for (size_t k = 0; k < 4; k++) {
        const json_t *corpus = json_array_get(json_object_get(expected, "bleu_corpus"), k);
        const json_t *mean = json_array_get(json_object_get(expected, "bleu_mean"), k);
        assert_equal(scores.bleu_corpus[k], json_number_value(corpus), name);
        assert_equal(scores.bleu_mean[k], json_number_value(mean), name);
        for (size_t i = 0; i < json_array_size(bleu_items); i++) {
            const json_t *value = json_array_get(json_array_get(bleu_items, i), k);
            assert_equal(items[i].bleu[k], json_number_value(value), name);
        }
    }
    for (size_t i = 0; i < json_array_size(cider_items); i++)
        assert_equal(items[i].cider, json_number_value(json_array_get(cider_items, i)), name);
}

/* `inputs`: the file to score; `variant`: which of the expected values it must give. */
static void check_reference(const char *inputs, const char *variant, enum tokenizer tokenizer)
{
    g_autofree char *input_path = support_shared(inputs);
    g_autofree char *expected_path =
        input_path ? support_shared("reference/metrics/expected.jsonl") : NULL;
    if (!expected_path)
        return;
    g_autoptr(json_t) cases = support_json_lines(input_path);
    g_autoptr(json_t) expected = support_json_lines(expected_path);
    size_t n_checked = 0, j = 0;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *input = json_array_get(cases, i), *values;
        do
            values = json_array_get(expected, j++);
        while (!json_equal(json_object_get(values, "id"), json_object_get(input, "id")));
        if (!json_is_object(json_object_get(values, variant)))
            continue;
        g_autofree char *name = json_print(json_object_get(values, "id"));
        check_case(input, json_object_get(values, variant), tokenizer, CIDER_OFFICIAL, name);
        check_case(input, json_object_get(values, variant), tokenizer, CIDER_WORDS, name);
        n_checked++;
    }
    g_assert_cmpuint(n_checked, >=, 50);
}

static void test_reference_raw(void)
{
    check_reference("reference/metrics/cases.jsonl", "raw", TOKENIZER_WHITESPACE);
}

static void test_reference_ptb(void)
{
    check_reference("reference/metrics/cases.jsonl", "ptb", TOKENIZER_PTB);
}

/* The scorer apart from our PTB tokeniser. */
static void test_reference_ptb_tokens(void)
{
    check_reference("reference/metrics/ptb_tokens.jsonl", "ptb", TOKENIZER_WHITESPACE);
}

struct pair {
    const char *prediction, *reference;
};

static struct text_scores score_pairs(const struct pair *pairs, size_t n,
                                      struct text_item_scores *items)
{
    struct text_metric *metric = text_metric_new(TOKENIZER_WHITESPACE, CIDER_OFFICIAL);
    for (size_t i = 0; i < n; i++)
        text_metric_add(metric, pairs[i].prediction, &pairs[i].reference, 1);
    struct text_scores scores;
    g_assert_true(text_metric_compute(metric, &scores, items, NULL));
    text_metric_free(metric);
    return scores;
}

static void test_no_items(void)
{
    struct text_scores scores = score_pairs(NULL, 0, NULL);
    g_assert_cmpuint(scores.n, ==, 0);
    support_assert_near(scores.cider, NAN, 0);
    for (int k = 0; k < 4; k++) {
        support_assert_near(scores.bleu_corpus[k], NAN, 0);
        support_assert_near(scores.bleu_mean[k], NAN, 0);
    }
}

/* What METRICS.md 3 and 4 say of texts without tokens. */
static void test_empty_texts(void)
{
    static const struct pair pairs[] = {
        {"", "the red bar"}, {" \n", "\t"}, {"the red bar", ""}, {"the red bar", "the red bar"}};
    struct text_item_scores items[4];
    score_pairs(pairs, 4, items);
    for (int i = 0; i < 3; i++)
        g_assert_cmpfloat(items[i].cider, ==, 0);
    for (int k = 0; k < 4; k++) {
        g_assert_cmpfloat(items[0].bleu[k], ==, 0);
        g_assert_cmpfloat(items[1].bleu[k], ==, 0);
    }
    support_assert_near(items[3].cider, 7.5, 1e-12); /* three words have no 4-gram */
    struct text_scores none = score_pairs(&pairs[2], 1, NULL);
    g_assert_cmpfloat(none.cider, ==, 0); /* no reference has a token */
}

/* One item: every weight is ln 1. An n-gram in all items: ln 1 too. */
static void test_weightless(void)
{
    static const struct pair same[] = {{"a b c d", "a b c d"}, {"a b c d", "a b c d"}};
    g_assert_cmpfloat(score_pairs(same, 1, NULL).cider, ==, 0);
    g_assert_cmpfloat(score_pairs(same, 2, NULL).cider, ==, 0);
}

/* 10/4 of the unigram cosine alone, as the bigrams differ. Each word stands in one item's reference
 * and weighs ln 2, which cancels; the lengths differ by one. */
static void test_by_hand(void)
{
    static const struct pair pairs[] = {{"p x p", "p q"}, {"x", "x"}};
    struct text_item_scores items[2];
    score_pairs(pairs, 2, items);
    double cosine = 1 / (sqrt(5) * sqrt(2)); /* min(2, 1) * 1 over |p p x| |p q| */
    support_assert_near(items[0].cider, 10.0 / 4 * cosine * exp(-1.0 / 72), 1e-12);
    support_assert_near(items[0].bleu[0], 1.0 / 3, 1e-8);
}

/* Texts over few words, so that n-grams of every order stand in several items. */
static char *random_text(struct rng *rng)
{
    GString *text = g_string_new(NULL);
    for (uint64_t n = rng_below(rng, 30); n > 0; n--)
        g_string_append_printf(text, "w%d ", (int)(rng_below(rng, 6) * rng_below(rng, 6)));
    return g_string_free(text, FALSE);
}

enum { N_RANDOM = 500 };

static void score_random(int batches, const char *threads, struct text_scores *scores,
                         struct text_item_scores *items)
{
    g_setenv("FIRE_THREADS", threads, TRUE);
    struct text_metric *metric = text_metric_new(TOKENIZER_WHITESPACE, CIDER_OFFICIAL);
    struct text_batch *batch = text_batch_new(TOKENIZER_WHITESPACE);
    struct rng rng;
    rng_init(&rng, 5, 0);
    for (int i = 0; i < N_RANDOM; i++) {
        char *texts[4];
        for (int j = 0; j < 4; j++)
            texts[j] = random_text(&rng);
        text_batch_add(batch, texts[0], (const char *const *)texts + 1, 1 + (size_t)i % 3);
        if (batches && i % batches == 0)
            text_metric_take(metric, batch);
        for (int j = 0; j < 4; j++)
            g_free(texts[j]);
    }
    text_metric_take(metric, batch);
    text_batch_free(batch);
    g_assert_true(text_metric_compute(metric, scores, items, NULL));
    text_metric_free(metric);
    g_unsetenv("FIRE_THREADS");
}

/* Equal bit for bit, whatever the threads, the batches and so the numbers of words. */
static void test_threads(void)
{
    static struct text_item_scores first_items[N_RANDOM], items[N_RANDOM];
    struct text_scores first, scores;
    score_random(0, "1", &first, first_items);
    g_assert_cmpfloat(first.cider, >, 0.01);
    g_assert_cmpfloat(first.bleu_mean[3], >, 1e-5);
    for (int round = 0; round < 6; round++) {
        score_random(round * 7, round % 2 ? "8" : "3", &scores, items);
        g_assert_cmpmem(&scores, sizeof scores, &first, sizeof first);
        g_assert_cmpmem(items, sizeof items, first_items, sizeof first_items);
    }
}

static void collect(void *user, const char *token, size_t n_bytes)
{
    GString *all = user;
    g_string_append_c(all, '[');
    g_string_append_len(all, token, (gssize)n_bytes);
    g_string_append_c(all, ']');
}

static void test_whitespace(void)
{
    static const struct {
        const char *text, *tokens;
    } cases[] = {
        {"", ""},
        {" \t\n\v\f\r", ""},
        {"a b", "[a][b]"},
        {"  The, cat's\n\"hat\" ", "[The,][cat's][\"hat\"]"},
        {"a\x1c"
         "b\x1d"
         "c\x1e"
         "d\x1f"
         "e\x1b"
         "f",
         "[a][b][c][d][e\x1b"
         "f]"},
        {"a\xc2\x85"
         "b\xc2\xa0"
         "c\xe1\x9a\x80"
         "d",
         "[a][b][c][d]"},
        {"a\xe2\x80\x80"
         "b\xe2\x80\x8a"
         "c\xe2\x80\xa8"
         "d\xe2\x80\xa9"
         "e\xe2\x80\xaf"
         "f",
         "[a][b][c][d][e][f]"},
        {"a\xe2\x81\x9f"
         "b\xe3\x80\x80"
         "c",
         "[a][b][c]"},
        /* U+200B, U+FEFF and U+180E are no white space */
        {"a\xe2\x80\x8b"
         "b\xef\xbb\xbf"
         "c\xe1\xa0\x8e"
         "d",
         "[a\xe2\x80\x8b"
         "b\xef\xbb\xbf"
         "c\xe1\xa0\x8e"
         "d]"},
        {"\xc3\xa9 e\xcc\x81", "[\xc3\xa9][e\xcc\x81]"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        GString *all = g_string_new(NULL);
        tokenize(TOKENIZER_WHITESPACE, cases[i].text, strlen(cases[i].text), collect, all);
        g_assert_cmpstr(all->str, ==, cases[i].tokens);
        g_string_free(all, TRUE);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text/whitespace", test_whitespace);
    g_test_add_func("/text/no-items", test_no_items);
    g_test_add_func("/text/empty-texts", test_empty_texts);
    g_test_add_func("/text/weightless", test_weightless);
    g_test_add_func("/text/by-hand", test_by_hand);
    g_test_add_func("/text/threads", test_threads);
    g_test_add_func("/text/reference/raw", test_reference_raw);
    g_test_add_func("/text/reference/ptb-tokens", test_reference_ptb_tokens);
    g_test_add_func("/text/reference/ptb", test_reference_ptb);
    return g_test_run();
}
