/* fixed_scores: counts, means by source and overall, and intervals against a naive computation. */
#include "metric/fixed_scores.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

static struct protocol paper;

/* Headline turns: two pictures have turns of both sources, one sample has no picture. */
static const struct {
    const char *source, *image, *id, *prediction, *label;
    double score, label_score;
} turns[] = {
    {"b", "1.png", "i1", "the red bus stands there now", "the red bus stands here now", 7, 5},
    {"b", "1.png", "i1", "a dog", "a cat and a dog sit here", NAN, 4},
    {"a", "2.png", "i2", "three cows in the green field", "three cows in the field", 2, 8},
    {"a", "1.png", "i3", "the bus is red and stands there", "the bus is red", 9, NAN},
    {"b", "3.png", "i4", "", "two more cats sit on the mat", 1, 1},
    {"a", NULL, "i5", "four cats sit on the mat here", "four cats sit on the mat", 6, 9},
    {"a", NULL, "i6", "nothing like it", "a bus", 0, 10},
    {"b", "3.png", "i4", "two cats sit on the mat", "two more cats sit on the mat", 3, 2},
};
enum { N = G_N_ELEMENTS(turns), N_CLUSTERS = 5 };
static const uint32_t cluster_of[N] = {0, 0, 1, 0, 2, 3, 4, 2}; /* in order of appearance */

static struct fixed_item item_of(size_t i)
{
    return (struct fixed_item){.source = turns[i].source,
                               .image = turns[i].image,
                               .id = turns[i].id,
                               .prediction = turns[i].prediction,
                               .label = turns[i].label,
                               .has_score = true,
                               .score = turns[i].score,
                               .label_score = turns[i].label_score};
}

static void compute(struct fixed_result *result, int n_resamples)
{
    g_autoptr(GError) error = NULL;
    struct fixed_set *set = fixed_set_new(&paper, TOKENIZER_WHITESPACE);
    for (size_t i = 0; i < N; i++) {
        struct fixed_item item = item_of(i);
        fixed_set_add(set, &item);
    }
    fixed_compute(result, set, n_resamples, 5, &error);
    g_assert_no_error(error);
    fixed_set_free(set);
}

/* What each turn scores in the list of all, and in its source's. */
static struct text_item_scores in_all[N], in_source[N];

static struct text_scores score_list(const char *source, struct text_item_scores *items)
{
    struct text_item_scores some[N];
    struct text_scores scores;
    size_t n = 0;
    struct text_metric *metric = text_metric_new(TOKENIZER_WHITESPACE, CIDER_OFFICIAL);
    for (size_t i = 0; i < N; i++)
        if (!source || strcmp(source, turns[i].source) == 0)
            text_metric_add(metric, turns[i].prediction, &turns[i].label, 1);
    g_assert_true(text_metric_compute(metric, &scores, some, NULL));
    text_metric_free(metric);
    for (size_t i = 0; i < N; i++)
        if (!source || strcmp(source, turns[i].source) == 0)
            items[i] = some[n++];
    return scores;
}

static void assert_text(const struct text_scores *a, const struct text_scores *b)
{
    g_assert_cmpuint(a->n, ==, b->n);
    support_assert_near(a->cider, b->cider, 1e-12);
    for (size_t k = 0; k < 4; k++) {
        support_assert_near(a->bleu_corpus[k], b->bleu_corpus[k], 1e-12);
        support_assert_near(a->bleu_mean[k], b->bleu_mean[k], 1e-12);
    }
}

static void test_means(void)
{
    struct fixed_result result;
    compute(&result, 0);
    g_assert_cmpuint(result.n_rows, ==, 2);
    g_assert_cmpuint(result.n_items, ==, N);
    g_assert_cmpstr(result.rows[0].source, ==, "a");
    g_assert_cmpstr(result.rows[1].source, ==, "b");
    struct text_scores all = score_list(NULL, in_all), a = score_list("a", in_source),
                       b = score_list("b", in_source);
    assert_text(&result.micro.headline.text, &all);
    assert_text(&result.rows[0].scores.headline.text, &a);
    assert_text(&result.rows[1].scores.headline.text, &b);
    const struct text_scores *macro = &result.macro.headline.text;
    g_assert_cmpuint(macro->n, ==, N);
    support_assert_near(macro->cider, (a.cider + b.cider) / 2, 1e-12);
    support_assert_near(macro->bleu_corpus[3], (a.bleu_corpus[3] + b.bleu_corpus[3]) / 2, 1e-12);
    support_assert_near(macro->bleu_mean[1], (a.bleu_mean[1] + b.bleu_mean[1]) / 2, 1e-12);
    /* a: |2-8|, |6-9|, |0-10|; b: |7-5|, 10, |1-1|, |3-2| */
    support_assert_near(result.rows[0].scores.mae_mean, 19.0 / 3, 1e-12);
    support_assert_near(result.rows[1].scores.mae_mean, 13.0 / 4, 1e-12);
    support_assert_near(result.micro.mae_mean, 32.0 / 7, 1e-12);
    support_assert_near(result.macro.mae_mean, (19.0 / 3 + 13.0 / 4) / 2, 1e-12);
    g_assert_cmpint(result.micro.mae.no_label, ==, 1);
    g_assert_cmpint(result.micro.mae.unparsed, ==, 1);
    g_assert_true(isnan(result.micro.ci[FIXED_BLEU].low));
    fixed_result_clear(&result);
}

static double value_of(size_t i, size_t v, bool all)
{
    const struct text_item_scores *item = all ? &in_all[i] : &in_source[i];
    if (v == FIXED_MAE)
        return mae_error(&paper, turns[i].label_score, turns[i].score);
    return v == FIXED_CIDER ? item->cider : item->bleu[v];
}

/* Turn by turn, nothing gathered: (a, b, micro, macro) x FIXED_N_VALUES. */
static void naive_statistic(double *values, const uint32_t *n_drawn, const void *user G_GNUC_UNUSED)
{
    for (size_t v = 0; v < FIXED_N_VALUES; v++) {
        double sums[3] = {0}, n[3] = {0};
        for (size_t i = 0; i < N; i++) {
            size_t source = *turns[i].source == 'a' ? 0 : 1;
            for (uint32_t draw = 0; draw < n_drawn[cluster_of[i]]; draw++) {
                double own = value_of(i, v, false), of_all = value_of(i, v, true);
                if (isnan(own))
                    continue;
                sums[source] += own;
                sums[2] += of_all;
                n[source]++;
                n[2]++;
            }
        }
        for (size_t r = 0; r < 3; r++)
            values[r * FIXED_N_VALUES + v] = n[r] > 0 ? sums[r] / n[r] : NAN;
        double a = values[v], b = values[FIXED_N_VALUES + v];
        values[3 * FIXED_N_VALUES + v] = isnan(a) ? b : isnan(b) ? a : (a + b) / 2;
    }
}

static void test_intervals(void)
{
    struct fixed_result result;
    struct interval expected[4 * FIXED_N_VALUES];
    const struct bootstrap bootstrap = {.n_clusters = N_CLUSTERS,
                                        .n_resamples = 300,
                                        .seed = 5,
                                        .statistic = naive_statistic,
                                        .n_values = 4 * FIXED_N_VALUES};
    score_list(NULL, in_all);
    score_list("a", in_source);
    score_list("b", in_source);
    g_assert_true(bootstrap_run(&bootstrap, expected, NULL));
    compute(&result, 300);
    const struct fixed_scores *rows[] = {&result.rows[0].scores, &result.rows[1].scores,
                                         &result.micro, &result.macro};
    for (size_t r = 0; r < 4; r++) {
        for (size_t v = 0; v < FIXED_N_VALUES; v++) {
            const struct interval *interval = &expected[r * FIXED_N_VALUES + v];
            g_test_message("row %zu, value %zu", r, v);
            support_assert_near(rows[r]->ci[v].low, interval->low, 1e-12);
            support_assert_near(rows[r]->ci[v].high, interval->high, 1e-12);
            g_assert_cmpfloat(interval->low, <, interval->high);
        }
    }
    fixed_result_clear(&result);
}

/* One picture: every resample is the same, however much its turns differ. */
static void test_one_picture(void)
{
    struct fixed_result result;
    struct fixed_set *set = fixed_set_new(&paper, TOKENIZER_WHITESPACE);
    for (size_t i = 0; i < N; i++) {
        struct fixed_item item = item_of(i);
        item.image = "one.png";
        fixed_set_add(set, &item);
    }
    g_assert_true(fixed_compute(&result, set, 50, 1, NULL));
    support_assert_near(result.micro.ci[FIXED_CIDER].low, result.micro.headline.text.cider, 1e-12);
    support_assert_near(result.micro.ci[FIXED_CIDER].high, result.micro.headline.text.cider, 1e-12);
    support_assert_near(result.macro.ci[FIXED_MAE].low, result.macro.mae_mean, 1e-12);
    fixed_set_free(set);
    fixed_result_clear(&result);
}

/* Failed and refused turns, of the headline and of first turns, each in its own count. */
static void test_counts(void)
{
    static const struct {
        bool is_first, failed, refused;
    } kinds[] = {{false, false, false}, {false, true, false}, {false, false, true},
                 {false, false, true},  {true, true, false},  {true, true, false},
                 {true, false, true},   {true, false, false}};
    struct fixed_result result;
    struct fixed_set *set = fixed_set_new(&paper, TOKENIZER_WHITESPACE);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        struct fixed_item item = {.source = "s",
                                  .id = "x",
                                  .is_first = kinds[i].is_first,
                                  .failed = kinds[i].failed,
                                  .refused = kinds[i].refused,
                                  .prediction = kinds[i].failed    ? NULL
                                                : kinds[i].refused ? ""
                                                                   : "a b c d",
                                  .label = "a b c d",
                                  .has_score = !kinds[i].is_first,
                                  .score = kinds[i].refused ? NAN : 4,
                                  .label_score = 4};
        fixed_set_add(set, &item);
    }
    g_assert_true(fixed_compute(&result, set, 10, 1, NULL));
    const struct fixed_scores *rows[] = {&result.micro, &result.macro, &result.rows[0].scores};
    for (size_t r = 0; r < G_N_ELEMENTS(rows); r++) {
        const struct fixed_part *headline = &rows[r]->headline, *first = &rows[r]->first;
        g_assert_cmpuint(headline->text.n, ==, 3);
        g_assert_cmpint(headline->failed, ==, 1);
        g_assert_cmpint(headline->refused, ==, 2);
        support_assert_near(headline->text.bleu_mean[0], 1.0 / 3, 1e-6);
        g_assert_cmpuint(first->text.n, ==, 2);
        g_assert_cmpint(first->failed, ==, 2);
        g_assert_cmpint(first->refused, ==, 1);
        support_assert_near(rows[r]->mae_mean, 20.0 / 3, 1e-12);
        g_assert_cmpint(rows[r]->mae.unparsed, ==, 2);
    }
    fixed_set_free(set);
    fixed_result_clear(&result);
}

static void test_nothing(void)
{
    struct fixed_result result;
    struct fixed_set *set = fixed_set_new(&paper, TOKENIZER_WHITESPACE);
    g_assert_true(fixed_compute(&result, set, 10, 1, NULL));
    g_assert_cmpuint(result.n_items, ==, 0);
    support_assert_near(result.micro.headline.text.cider, NAN, 0);
    support_assert_near(result.macro.mae_mean, NAN, 0);
    support_assert_near(result.micro.ci[FIXED_BLEU].low, NAN, 0);
    fixed_set_free(set);
    fixed_result_clear(&result);
    /* More resamples than memory: an error, and nothing set. */
    set = fixed_set_new(&paper, TOKENIZER_WHITESPACE);
    struct fixed_item item = item_of(0);
    fixed_set_add(set, &item);
    result.n_items = 99;
    g_autoptr(GError) error = NULL;
    g_assert_false(fixed_compute(&result, set, 100000000, 1, &error));
    g_assert_nonnull(error);
    g_assert_cmpuint(result.n_items, ==, 99);
    fixed_set_free(set);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(protocol_init(&paper, "paper", NULL));
    g_test_add_func("/fixed-scores/means", test_means);
    g_test_add_func("/fixed-scores/intervals", test_intervals);
    g_test_add_func("/fixed-scores/one-picture", test_one_picture);
    g_test_add_func("/fixed-scores/counts", test_counts);
    g_test_add_func("/fixed-scores/nothing", test_nothing);
    return g_test_run();
}
