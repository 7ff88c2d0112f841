/* BLEU and CIDEr against the values of programs that are not ours ($FIRE_SHARED/reference/metrics),
 * and the rules that METRICS.md states in words. */
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

static void check_case(const json_t *input, const json_t *expected, enum tokenizer tokenizer,
                       const char *name)
{
    struct text_metric *metric = text_metric_new(tokenizer, CIDER_OFFICIAL);
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
        check_case(input, json_object_get(values, variant), tokenizer, name);
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text/reference/raw", test_reference_raw);
    g_test_add_func("/text/reference/ptb-tokens", test_reference_ptb_tokens);
    g_test_add_func("/text/reference/ptb", test_reference_ptb);
    return g_test_run();
}
