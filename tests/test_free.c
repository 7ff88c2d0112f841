/* free, outcome, bootstrap: the reference cases, each option, the paper's curves, intervals. */
#include "base/error.h"
#include "base/rng.h"
#include "metric/free_set.h"
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct protocol paper;

/* --- the reference cases --- */

/* Items over a JSON list of score lists; free with free_items. */
static struct free_item *items_from_json(const json_t *dialogues)
{
    size_t i, j;
    json_t *list, *score;
    struct free_item *items = g_new0(struct free_item, json_array_size(dialogues) + 1);
    json_array_foreach ((json_t *)dialogues, i, list) {
        double *scores = g_new(double, json_array_size(list));
        json_array_foreach (list, j, score)
            scores[j] = json_is_number(score) ? json_number_value(score) : NAN;
        items[i].source = i % 2 ? "odd" : "even";
        items[i].scores = scores;
        items[i].n_scores = (int)json_array_size(list);
    }
    return items;
}

static void free_items(struct free_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        g_free((void *)items[i].scores);
    g_free(items);
}

static void set_number(struct protocol *protocol, const char *name, const json_t *value)
{
    g_autofree char *text =
        g_strdup_printf("%s=%" JSON_INTEGER_FORMAT, name, json_integer_value(value));
    g_assert_true(protocol_set(protocol, text, NULL));
}

static void set_options(struct protocol *protocol, const char *options)
{
    g_auto(GStrv) list = g_strsplit(options, " ", -1);
    for (char **option = list; *option; option++) {
        g_autoptr(GError) error = NULL;
        if (**option && !protocol_set(protocol, *option, &error))
            g_error("%s", error->message);
    }
}

static double expected_number(const json_t *expected, const char *key)
{
    const json_t *value = json_object_get(expected, key);
    g_assert_nonnull(value);
    return json_is_null(value) ? NAN : json_number_value(value);
}

static void check_case(const json_t *line, const char *divisor, const char *atr_key)
{
    struct protocol protocol = paper;
    set_number(&protocol, "threshold", json_object_get(line, "threshold"));
    set_number(&protocol, "turns", json_object_get(line, "n_max"));
    set_number(&protocol, "penalty", json_object_get(line, "penalty"));
    set_options(&protocol, "parse-fail=zero");
    set_options(&protocol, divisor);
    const json_t *dialogues = json_object_get(line, "dialogues");
    const json_t *baseline = json_object_get(line, "baseline");
    const json_t *expected = json_object_get(line, "expected");
    struct free_item *items = items_from_json(dialogues);
    struct free_item *base_items = json_is_array(baseline) ? items_from_json(baseline) : NULL;
    struct free_options options = {
        .protocol = &protocol,
        .baseline = base_items,
        .n_baseline = json_array_size(baseline),
        .baseline_rounds = NAN,
    };
    struct free_result result;
    g_autoptr(GError) error = NULL;
    g_assert_true(free_compute(&result, items, json_array_size(dialogues), &options, &error));
    const struct free_scores *micro = &result.micro;
    support_assert_near(micro->k, expected_number(expected, "K"), 0);
    support_assert_near(micro->removed, expected_number(expected, "removed"), 0);
    support_assert_near(micro->solved, expected_number(expected, "solved"), 0);
    support_assert_near(micro->n, (double)json_array_size(dialogues), 0);
    support_assert_near(micro->at_rounds, expected_number(expected, "mean_turns"), 1e-9);
    support_assert_near(micro->t_baseline, expected_number(expected, "T_baseline"), 1e-9);
    support_assert_near(micro->at, expected_number(expected, "AT"), 1e-9);
    support_assert_near(micro->adr, expected_number(expected, "ADR"), 1e-9);
    support_assert_near(micro->atr, expected_number(expected, atr_key), 1e-9);
    support_assert_near(micro->rr, expected_number(expected, "RR"), 1e-9);
    if (micro->k > 0)
        support_assert_near(micro->atr_all * micro->n, micro->atr * micro->k, 1e-9);
    g_assert_true(isnan(micro->adr_ci.low));
    free_result_clear(&result);
    free_items(items, json_array_size(dialogues));
    free_items(base_items, json_array_size(baseline));
}

static void test_reference(void)
{
    g_autofree char *path = support_shared("reference/metrics/dialogues.jsonl");
    if (!path)
        return;
    g_autoptr(json_t) lines = support_json_lines(path);
    size_t i, n = 0;
    json_t *line;
    json_array_foreach (lines, i, line) {
        if (strcmp(json_string_value(json_object_get(line, "kind")), "free") != 0)
            continue;
        g_test_message("%s", json_string_value(json_object_get(line, "id")));
        check_case(line, "atr-divisor=penalty", "ATR");
        check_case(line, "atr-divisor=played", "ATR_turns_taken");
        n++;
    }
    g_assert_cmpuint(n, >=, 20);
}

/* --- one dialogue under each option --- */

#define N NAN
static const struct {
    const char *options;
    double scores[7];
    int n_scores;
    int k, removed, dropped, unparsed;
    double at_rounds, adr, atr, atr_all, rr;
} option_cases[] = {
    {"", {3, 5, 8, 2}, 4, 1, 0, 0, 0, 3, 5, 2.5, 2.5, 1},
    {"", {8, 2}, 2, 0, 1, 0, 0, N, N, N, 0, N},
    {"", {3, 5, 4}, 3, 1, 0, 0, 0, 10, 1, 0.5, 0.5, 0},
    {"", {3, 3, 3, 3, 3, 9}, 6, 1, 0, 0, 0, 10, 0, 0, 0, 0},
    {"turns=6", {3, 3, 3, 3, 3, 9}, 6, 1, 0, 0, 0, 6, 6, 1.2, 1.2, 1},
    {"turns=2", {3, 5, 8}, 3, 1, 0, 0, 0, 10, 2, 2, 2, 0},
    {"turns=1", {3, 5, 8}, 3, 1, 0, 0, 0, 10, 0, 0, 0, 0},
    {"threshold=5", {3, 5, 8}, 3, 1, 0, 0, 0, 2, 2, 2, 2, 1},
    {"stop-rule=gt", {3, 8, 9}, 3, 1, 0, 0, 0, 3, 6, 3, 3, 1},
    {"stop-rule=gt", {8, 8.5}, 2, 1, 0, 0, 0, 2, 0.5, 0.5, 0.5, 1},
    {"penalty=6", {3, 4}, 2, 1, 0, 0, 0, 6, 1, 1, 1, 0},
    {"atr-divisor=penalty", {3, 4}, 2, 1, 0, 0, 0, 10, 1, 1.0 / 9, 1.0 / 9, 0},
    {"atr-divisor=penalty", {3, 4, 9}, 3, 1, 0, 0, 0, 3, 6, 3, 3, 1},
    {"atr-divisor=penalty penalty=1", {3, 4}, 2, 1, 0, 0, 0, 1, 1, 0, 0, 0},
    {"parse-fail=stop", {5, N, 9}, 3, 1, 0, 0, 1, 10, -5, -5, -5, 0},
    {"parse-fail=retry", {5, N, 9}, 3, 1, 0, 0, 1, 10, -5, -5, -5, 0},
    {"parse-fail=zero", {5, N, 9}, 3, 1, 0, 0, 1, 3, 4, 2, 2, 1},
    {"parse-fail=drop", {5, N, 9}, 3, 0, 0, 1, 1, N, N, N, N, N},
    {"parse-fail=repeat-last", {5, N, 6}, 3, 1, 0, 0, 1, 10, 1, 0.5, 0.5, 0},
    {"parse-fail=repeat-last", {5, N}, 2, 1, 0, 0, 1, 10, 0, 0, 0, 0},
    {"parse-fail=repeat-last", {N, 5}, 2, 1, 0, 0, 1, 10, 5, 5, 5, 0},
    {"", {9, N}, 2, 0, 1, 0, 0, N, N, N, 0, N},
    {"parse-fail=drop", {9, N}, 2, 0, 1, 0, 0, N, N, N, 0, N},
    {"", {N}, 1, 1, 0, 0, 1, 10, 0, 0, 0, 0},
    {"", {0}, 0, 1, 0, 0, 1, 10, 0, 0, 0, 0},
    {"final=best", {3, 6, 4}, 3, 1, 0, 0, 0, 10, 3, 1.5, 1.5, 0},
    {"final=best", {3, 7, 8}, 3, 1, 0, 0, 0, 3, 5, 2.5, 2.5, 1},
    {"final=best", {5, N}, 2, 1, 0, 0, 1, 10, 0, 0, 0, 0},
    {"k-set=all", {9}, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0},
    {"k-set=all", {3, 9}, 2, 1, 0, 0, 0, 2, 6, 6, 6, 1},
    {"first-fail=keep", {5}, 1, 1, 0, 0, 0, 10, 0, 0, 0, 0},
    {"first-fail=drop", {5}, 1, 0, 0, 1, 0, N, N, N, N, N},
    {"first-fail=drop", {N, 5}, 2, 0, 0, 1, 1, N, N, N, N, N},
    {"first-fail=drop", {5, 6}, 2, 1, 0, 0, 0, 10, 1, 1, 1, 0},
    {"first-fail=drop", {8}, 1, 0, 1, 0, 0, N, N, N, 0, N},
    {"no-gain=off", {3, 5, 4, 8}, 4, 1, 0, 0, 0, 4, 5, 5.0 / 3, 5.0 / 3, 1},
    {"no-gain=le", {3, 5, 4, 8}, 4, 1, 0, 0, 0, 4, 5, 5.0 / 3, 5.0 / 3, 1},
};

static void test_options(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(option_cases); i++) {
        g_test_message("case %zu: %s", i, option_cases[i].options);
        struct protocol protocol = paper;
        set_options(&protocol, option_cases[i].options);
        struct free_options options = {.protocol = &protocol, .baseline_rounds = 4};
        struct free_item item = {.id = "x",
                                 .source = "s",
                                 .scores = option_cases[i].scores,
                                 .n_scores = option_cases[i].n_scores};
        struct free_result result;
        g_assert_true(free_compute(&result, &item, 1, &options, NULL));
        const struct free_scores *rows[] = {&result.micro, &result.macro, &result.rows[0].scores};
        for (size_t r = 0; r < G_N_ELEMENTS(rows); r++) {
            g_assert_cmpint(rows[r]->n, ==, 1);
            g_assert_cmpint(rows[r]->k, ==, option_cases[i].k);
            g_assert_cmpint(rows[r]->removed, ==, option_cases[i].removed);
            g_assert_cmpint(rows[r]->dropped, ==, option_cases[i].dropped);
            g_assert_cmpint(rows[r]->unparsed, ==, option_cases[i].unparsed);
            support_assert_near(rows[r]->at_rounds, option_cases[i].at_rounds, 1e-12);
            support_assert_near(rows[r]->at, option_cases[i].at_rounds / 4, 1e-12);
            support_assert_near(rows[r]->adr, option_cases[i].adr, 1e-12);
            support_assert_near(rows[r]->atr, option_cases[i].atr, 1e-12);
            support_assert_near(rows[r]->atr_all, option_cases[i].atr_all, 1e-12);
            support_assert_near(rows[r]->rr, option_cases[i].rr, 1e-12);
        }
        free_result_clear(&result);
    }
}

/* --- refusals, and rounds that nobody judged --- */

static void test_refused(void)
{
    static const struct {
        double scores[3];
        int n_scores, refused, unparsed, k;
    } cases[] = {
        {{N}, 1, 1, 0, 1},    {{3, N}, 2, 1, 0, 1},
        {{N, N}, 2, 0, 1, 1}, /* it ended at the first by these rules: the refusal was not reached */
        {{9, N}, 2, 0, 0, 0}, /* solved before */
        {{3, 5}, 2, 0, 0, 1}, {{0}, 0, 1, 0, 1},
    };
    struct free_options options = {.protocol = &paper, .baseline_rounds = NAN};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct free_item item = {.source = "s",
                                 .scores = cases[i].scores,
                                 .n_scores = cases[i].n_scores,
                                 .refused = true};
        struct free_result result;
        g_assert_true(free_compute(&result, &item, 1, &options, NULL));
        g_test_message("case %zu", i);
        g_assert_cmpint(result.micro.refused, ==, cases[i].refused);
        g_assert_cmpint(result.micro.unparsed, ==, cases[i].unparsed);
        g_assert_cmpint(result.micro.k, ==, cases[i].k);
        g_assert_cmpint(result.macro.refused, ==, cases[i].refused);
        free_result_clear(&result);
    }
    /* Under parse-fail=zero the one at the end is a refusal, the one before is not. */
    struct protocol zero = paper;
    set_options(&zero, "parse-fail=zero");
    options.protocol = &zero;
    struct free_item item = {
        .source = "s", .scores = (double[]){N, 4, N}, .n_scores = 3, .refused = true};
    struct free_result result;
    g_assert_true(free_compute(&result, &item, 1, &options, NULL));
    g_assert_cmpint(result.micro.refused, ==, 1);
    g_assert_cmpint(result.micro.unparsed, ==, 1);
    free_result_clear(&result);
}

static int count_rounds(enum stop stop, const char *feedback, double score)
{
    struct turn turns[] = {{(char *)"r", (char *)"Score: 3.", 3, NULL},
                           {(char *)"r", (char *)feedback, score, NULL}};
    struct dialogue dialogue = {
        .sample = {.source = (char *)"s", .question = (char *)"q", .answer = (char *)"x"},
        .turns = turns,
        .n_turns = 2,
        .stop = stop};
    struct free_set *set = free_set_new();
    free_set_add(set, &dialogue);
    int n = free_set_items(set)[0].n_scores;
    g_assert_true(free_set_items(set)[0].refused == (stop == STOP_REFUSED));
    free_set_free(set);
    return n;
}

/* A last round that the teacher has not judged was not played. */
static void test_open_round(void)
{
    g_assert_cmpint(count_rounds(STOP_NONE, NULL, N), ==, 1);
    g_assert_cmpint(count_rounds(STOP_MAX_TURNS, NULL, N), ==, 1);
    g_assert_cmpint(count_rounds(STOP_REFUSED, NULL, N), ==, 2);
    g_assert_cmpint(count_rounds(STOP_REFUSED, "I cannot", N), ==, 2);
    g_assert_cmpint(count_rounds(STOP_NONE, "no score", N), ==, 2);
    g_assert_cmpint(count_rounds(STOP_NONE, NULL, 9), ==, 2); /* judged, whatever was said */
}

/* --- sources, sides, counts --- */

static const struct free_item few[] = {
    {.id = "a", .source = "y", .scores = (double[]){3, 9}, .n_scores = 2},
    {.id = "b", .source = "y", .scores = (double[]){4, 4}, .n_scores = 2},
    {.id = "c", .source = "y", .scores = (double[]){8}, .n_scores = 1},
    {.id = "d", .source = "x", .scores = (double[]){2, 6, 10}, .n_scores = 3},
    {.id = "e", .source = "x", .scores = NULL, .n_scores = 0, .failed = true},
    {.id = "f", .source = "only failed", .failed = true},
};
static const struct free_item few_base[] = {
    {.id = "a", .source = "y", .scores = (double[]){9}, .n_scores = 1},
    {.id = "b", .source = "y", .scores = (double[]){4, 5, 6, 8}, .n_scores = 4},
    {.id = "d", .source = "x", .scores = (double[]){2, 6}, .n_scores = 2},
    {.id = "z", .source = "elsewhere", .scores = (double[]){2, 9}, .n_scores = 2},
};

static void test_sources(void)
{
    struct free_options options = {
        .protocol = &paper, .baseline = few_base, .n_baseline = G_N_ELEMENTS(few_base)};
    struct free_result result;
    g_assert_true(free_compute(&result, few, G_N_ELEMENTS(few), &options, NULL));
    g_assert_cmpuint(result.n_rows, ==, 3);
    g_assert_cmpstr(result.rows[0].source, ==, "only failed");
    g_assert_cmpstr(result.rows[1].source, ==, "x");
    g_assert_cmpstr(result.rows[2].source, ==, "y");
    const struct free_scores *failed = &result.rows[0].scores, *x = &result.rows[1].scores,
                             *y = &result.rows[2].scores;
    g_assert_cmpint(failed->n, ==, 0);
    g_assert_cmpint(failed->failed, ==, 1);
    support_assert_near(failed->adr, NAN, 0);
    g_assert_cmpint(result.micro.failed, ==, 2);
    g_assert_cmpint(result.micro.n, ==, 4);
    g_assert_cmpint(result.macro.n, ==, 4);
    support_assert_near(x->at_rounds, 3, 1e-12);
    support_assert_near(x->t_baseline, 10, 1e-12);
    support_assert_near(x->at, 0.3, 1e-12);
    support_assert_near(y->at_rounds, 6, 1e-12);
    support_assert_near(y->t_baseline, 4, 1e-12);
    /* The overall T is over all of the baseline's K, other sources too: (4 + 10 + 2) / 3. */
    support_assert_near(result.micro.t_baseline, 16.0 / 3, 1e-12);
    support_assert_near(result.micro.at, 5 / (16.0 / 3), 1e-12);
    support_assert_near(result.macro.at, (0.3 + 1.5) / 2, 1e-12);
    support_assert_near(result.macro.adr, (8 + 3) / 2.0, 1e-12);
    support_assert_near(result.micro.adr, (6 + 0 + 8) / 3.0, 1e-12);
    free_result_clear(&result);

    struct protocol protocol = paper;
    set_options(&protocol, "at-baseline=overall");
    options.protocol = &protocol;
    g_assert_true(free_compute(&result, few, G_N_ELEMENTS(few), &options, NULL));
    support_assert_near(result.rows[1].scores.at, 3 / (16.0 / 3), 1e-12);
    free_result_clear(&result);

    /* b and d are unsolved at turn 1 in both. */
    set_options(&protocol, "at-baseline=row k-set=common");
    g_assert_true(free_compute(&result, few, G_N_ELEMENTS(few), &options, NULL));
    g_assert_cmpint(result.micro.k, ==, 2);
    g_assert_cmpint(result.micro.removed, ==, 2);
    support_assert_near(result.micro.t_baseline, 7, 1e-12);
    support_assert_near(result.micro.at_rounds, 6.5, 1e-12);
    support_assert_near(result.micro.atr_all, (6 + 4) / 4.0, 1e-12);
    free_result_clear(&result);
}

static void test_refuses(void)
{
    struct protocol protocol = paper;
    set_options(&protocol, "k-set=common");
    struct free_options options = {.protocol = &protocol, .baseline_rounds = 8};
    struct free_result result;
    g_autoptr(GError) error = NULL;
    g_assert_false(free_compute(&result, few, 1, &options, &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_USAGE);
    g_clear_error(&error);
    options = (struct free_options){.protocol = &paper, .n_resamples = 1000000000};
    g_assert_false(free_compute(&result, few, 1, &options, &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_USAGE);
}

static void test_empty(void)
{
    struct free_options options = {
        .protocol = &paper, .baseline_rounds = NAN, .n_resamples = 10, .seed = 1};
    struct free_result result;
    g_assert_true(free_compute(&result, NULL, 0, &options, NULL));
    g_assert_cmpint(result.micro.n, ==, 0);
    support_assert_near(result.micro.rr, NAN, 0);
    support_assert_near(result.macro.rr_ci.high, NAN, 0);
    free_result_clear(&result);
}

static void test_curves(void)
{
    const struct free_item items[] = {
        {.source = "x",
         .scores = (double[]){3.5, 6, 9},
         .correct = (double[]){0, NAN, 1},
         .n_scores = 3},
        {.source = "x", .scores = (double[]){4, 2}, .correct = (double[]){1, 0.5}, .n_scores = 2},
        {.source = "y", .scores = (double[]){8, N}, .correct = (double[]){1, 0}, .n_scores = 2},
        {.source = "y", .scores = (double[]){7.4, N, 10}, .n_scores = 3},
    };
    struct free_options options = {.protocol = &paper, .baseline_rounds = NAN};
    struct free_result result;
    g_assert_true(free_compute(&result, items, G_N_ELEMENTS(items), &options, NULL));
    const struct free_scores *micro = &result.micro;
    g_assert_cmpint(micro->n_rounds, ==, 3);
    g_assert_cmpint(micro->played[0], ==, 1);
    g_assert_cmpint(micro->played[1], ==, 2);
    g_assert_cmpint(micro->played[2], ==, 1);
    support_assert_near(micro->solved_by[0], 0.25, 0);
    support_assert_near(micro->solved_by[1], 0.25, 0);
    support_assert_near(micro->solved_by[2], 0.5, 0);
    support_assert_near(result.macro.solved_by[2], 0.5, 0);
    support_assert_near(micro->correct_by[0], 2.0 / 3, 1e-12);
    support_assert_near(micro->correct_by[1], 0.75, 1e-12);
    support_assert_near(micro->correct_by[2], 2.5 / 3, 1e-12);
    support_assert_near(result.macro.correct_by[0], 0.75, 1e-12);
    /* The unparsed last score counts 0: 7.4 against 0; 4 against 2. */
    support_assert_near(micro->best_minus_last, (0 + 2 + 7.4) / 3, 1e-12);
    g_assert_cmpint(micro->worsened, ==, 2);
    static const int first[11] = {[4] = 2, [7] = 1, [8] = 1},
                     final[11] = {[2] = 1, [8] = 1, [9] = 1};
    g_assert_cmpmem(result.first_counts, sizeof first, first, sizeof first);
    g_assert_cmpmem(result.final_counts, sizeof final, final, sizeof final);
    free_result_clear(&result);
}

/* --- the acceptance test of PAPER.md 3.3 --- */

#define N_BENCH 11006
static const struct {
    double accuracy[5]; /* after each turn: PAPER.md 1.9 */
    double at, published_at, rr, published_rr, at_rounds;
} curves[] = {
    {{0.466, 0.552, 0.589, 0.594, 0.594}, 1, 1, 0.240, 0.25, 8.17},
    {{0.468, 0.587, 0.638, 0.645, 0.646}, 0.912, 0.92, 0.335, 0.34, 7.45},
    {{0.496, 0.642, 0.688, 0.692, 0.692}, 0.856, 0.84, 0.389, 0.39, 7.00},
};

/* 11,006 dialogues that fill a curve by exact quota. A solved one rises from a first score to 8 or
 * more at its round; an unsolved one gains nothing, so that the mean weight of a gain is known:
 * *mean_weight = (sum of gain / (m - 1)) / (sum of gain). */
static struct free_item *items_of_curve(const double accuracy[5], double *mean_weight)
{
    struct free_item *items = g_new0(struct free_item, N_BENCH);
    double gains = 0, weighted = 0;
    for (int i = 0; i < N_BENCH; i++) {
        int m = 1;
        while (m <= 5 && i >= (int)lround(accuracy[m - 1] * N_BENCH))
            m++;
        int n = m <= 5 ? m : 2 + i % 3;
        double *scores = g_new(double, n);
        scores[0] = 1 + i % 4;
        for (int r = 1; r < n; r++)
            scores[r] = scores[0];
        if (m <= 5)
            scores[n - 1] = 8 + i % 3;
        if (m >= 2 && m <= 5) {
            double gain = scores[n - 1] - scores[0];
            gains += gain;
            weighted += gain / (m - 1);
        }
        items[i] = (struct free_item){.source = "bench", .scores = scores, .n_scores = n};
    }
    *mean_weight = weighted / gains;
    return items;
}

static void test_acceptance(void)
{
    double weight;
    struct free_item *baseline = items_of_curve(curves[0].accuracy, &weight);
    for (size_t c = 0; c < G_N_ELEMENTS(curves); c++) {
        struct free_item *items = items_of_curve(curves[c].accuracy, &weight);
        struct free_options options = {
            .protocol = &paper, .baseline = baseline, .n_baseline = N_BENCH};
        struct free_result result;
        g_assert_true(free_compute(&result, items, N_BENCH, &options, NULL));
        const struct free_scores *micro = &result.micro;
        g_assert_cmpfloat(fabs(micro->at - curves[c].at), <=, 0.003);
        g_assert_cmpfloat(fabs(micro->at - curves[c].published_at), <=, 0.02);
        g_assert_cmpfloat(fabs(micro->rr - curves[c].rr), <=, 0.003);
        g_assert_cmpfloat(fabs(micro->rr - curves[c].published_rr), <=, 0.02);
        g_assert_cmpfloat(fabs(micro->at_rounds - curves[c].at_rounds), <=, 0.01);
        double unsolved = (double)micro->k / micro->n;
        support_assert_near(micro->atr_all / (micro->adr * unsolved), weight, 1e-9);
        for (int r = 0; r < micro->n_rounds; r++)
            g_assert_cmpfloat(fabs(micro->solved_by[r] - curves[c].accuracy[r]), <, 1e-4);
        g_test_message("AT %.4f RR %.4f rounds %.3f weight %.3f", micro->at, micro->rr,
                       micro->at_rounds, weight);
        free_result_clear(&result);
        free_items(items, N_BENCH);
    }
    free_items(baseline, N_BENCH);
}

/* --- intervals --- */

/* Random dialogues: 30% solved at once, else solved later with probability `rate`. Each item's
 * picture is its own. */
static struct free_item *simulate(struct rng *rng, size_t n, double rate, const char *source)
{
    struct free_item *items = g_new0(struct free_item, n);
    for (size_t i = 0; i < n; i++) {
        double *scores = g_new(double, 3);
        int n_scores = 1;
        scores[0] = rng_double(rng) < 0.3 ? 9 : 1 + (double)rng_below(rng, 7);
        if (scores[0] < 8) {
            bool solved = rng_double(rng) < rate;
            n_scores = 2 + (int)rng_below(rng, 2);
            scores[1] = scores[n_scores - 1] = scores[0];
            scores[n_scores - 1] = solved ? 9 : scores[0] + (double)rng_below(rng, 2);
            if (scores[n_scores - 1] >= 8 && !solved)
                scores[n_scores - 1] = 7;
        }
        items[i] = (struct free_item){.source = source, .scores = scores, .n_scores = n_scores};
    }
    return items;
}

/* What the simulation's numbers tend to. Unsolved: of scores 1..7, six can gain 1, with chance 0.5.
 */
static double true_rounds(double rate)
{
    return rate * 2.5 + (1 - rate) * 10;
}
static double true_gain(double rate)
{
    return rate * 5 + (1 - rate) * 0.5 * 6 / 7;
}

static void test_coverage(void)
{
    enum { N_TRIALS = 400, N_SAMPLES = 150 };
    int at = 0, adr = 0, rr = 0, macro = 0;
    for (uint64_t trial = 0; trial < N_TRIALS; trial++) {
        struct rng rng;
        rng_init(&rng, 7, trial);
        struct free_item *items = simulate(&rng, N_SAMPLES, 0.5, "x");
        struct free_item *base = simulate(&rng, N_SAMPLES, 0.3, "x");
        for (size_t i = 0; i < N_SAMPLES / 3; i++)
            items[i].source = "y";
        struct free_options options = {.protocol = &paper,
                                       .baseline = base,
                                       .n_baseline = N_SAMPLES,
                                       .n_resamples = 300,
                                       .seed = trial};
        struct free_result result;
        g_assert_true(free_compute(&result, items, N_SAMPLES, &options, NULL));
        const struct free_scores *micro = &result.micro;
        double true_at = true_rounds(0.5) / true_rounds(0.3);
        at += micro->at_ci.low <= true_at && true_at <= micro->at_ci.high;
        adr += micro->adr_ci.low <= true_gain(0.5) && true_gain(0.5) <= micro->adr_ci.high;
        rr += micro->rr_ci.low <= 0.5 && 0.5 <= micro->rr_ci.high;
        macro += result.macro.rr_ci.low <= 0.5 && 0.5 <= result.macro.rr_ci.high;
        free_result_clear(&result);
        free_items(items, N_SAMPLES);
        free_items(base, N_SAMPLES);
    }
    g_test_message("of %d: AT %d, ADR %d, RR %d, macro RR %d", N_TRIALS, at, adr, rr, macro);
    const int covered[] = {at, adr, rr, macro};
    for (size_t i = 0; i < G_N_ELEMENTS(covered); i++) {
        g_assert_cmpfloat((double)covered[i] / N_TRIALS, >=, 0.92);
        g_assert_cmpfloat((double)covered[i] / N_TRIALS, <=, 0.98);
    }
}

static struct free_scores intervals_of(const struct free_item *items, size_t n, uint64_t seed)
{
    struct free_options options = {
        .protocol = &paper, .baseline_rounds = 8, .n_resamples = 500, .seed = seed};
    struct free_result result;
    g_assert_true(free_compute(&result, items, n, &options, NULL));
    struct free_scores micro = result.micro;
    free_result_clear(&result);
    return micro;
}

static double width(struct interval interval)
{
    return interval.high - interval.low;
}

static void test_clusters(void)
{
    enum { N_SAMPLES = 300 };
    struct rng rng;
    rng_init(&rng, 3, 0);
    struct free_item *items = simulate(&rng, N_SAMPLES, 0.5, "x");
    struct free_scores once = intervals_of(items, N_SAMPLES, 1);
    /* Every sample twice: of the same picture, and as if it were of another. */
    struct free_item twice[2 * N_SAMPLES];
    char names[N_SAMPLES][8];
    for (size_t i = 0; i < N_SAMPLES; i++) {
        g_snprintf(names[i], sizeof names[i], "%zu", i);
        twice[i] = twice[N_SAMPLES + i] = items[i];
    }
    struct free_scores apart = intervals_of(twice, 2 * N_SAMPLES, 1);
    for (size_t i = 0; i < N_SAMPLES; i++)
        twice[i].image = twice[N_SAMPLES + i].image = names[i];
    struct free_scores together = intervals_of(twice, 2 * N_SAMPLES, 1);
    for (size_t m = 0; m < FREE_N_METRICS; m++) {
        double value = free_metric_value(&free_metrics[m], &once);
        struct interval of_once = free_metric_interval(&free_metrics[m], &once);
        struct interval of_together = free_metric_interval(&free_metrics[m], &together);
        double shrunk = width(free_metric_interval(&free_metrics[m], &apart)) / width(of_once);
        g_test_message("%s %g: %g", free_metrics[m].name, value, shrunk);
        g_assert_cmpfloat(of_once.low, <, value);
        g_assert_cmpfloat(of_once.high, >, value);
        support_assert_near(of_together.low, of_once.low, 1e-12);
        support_assert_near(of_together.high, of_once.high, 1e-12);
        g_assert_cmpfloat(fabs(shrunk - sqrt(0.5)), <, 0.1);
    }
    free_items(items, N_SAMPLES);
}

/* A baseline on the same pictures is drawn with the run: against itself AT is 1 in each resample.
 */
static void test_paired(void)
{
    struct rng rng;
    rng_init(&rng, 4, 0);
    struct free_item *items = simulate(&rng, 100, 0.5, "x");
    char names[100][8];
    for (size_t i = 0; i < 100; i++) {
        g_snprintf(names[i], sizeof names[i], "%zu", i);
        if (i % 2)
            items[i].image = names[i];
        else
            items[i].id = names[i];
    }
    struct free_options options = {
        .protocol = &paper, .baseline = items, .n_baseline = 100, .n_resamples = 100, .seed = 1};
    struct free_result result;
    g_assert_true(free_compute(&result, items, 100, &options, NULL));
    support_assert_near(result.micro.at_ci.low, 1, 1e-12);
    support_assert_near(result.micro.at_ci.high, 1, 1e-12);
    g_assert_cmpfloat(width(result.micro.at_rounds_ci), >, 0.1);
    free_result_clear(&result);
    free_items(items, 100);
}

static void test_seeds(void)
{
    struct rng rng;
    rng_init(&rng, 5, 0);
    struct free_item *items = simulate(&rng, 200, 0.5, "x");
    g_setenv("FIRE_THREADS", "1", TRUE);
    struct free_scores one = intervals_of(items, 200, 1);
    g_setenv("FIRE_THREADS", "5", TRUE);
    struct free_scores five = intervals_of(items, 200, 1);
    g_unsetenv("FIRE_THREADS");
    struct free_scores other = intervals_of(items, 200, 2);
    size_t start = offsetof(struct free_scores, at_rounds_ci);
    size_t end = offsetof(struct free_scores, best_minus_last);
    g_assert_cmpmem((char *)&one + start, end - start, (char *)&five + start, end - start);
    g_assert_cmpint(memcmp((char *)&one + start, (char *)&other + start, end - start), !=, 0);
    free_items(items, 200);
}

/* Percentiles of a known distribution: one cluster of two is drawn 0, 1 or 2 times. */
static void copy_draws(double *values, const uint32_t *n_drawn, const void *user)
{
    values[0] = *(const int *)user;
    values[1] = n_drawn[0];
    values[2] = n_drawn[0] == 1 ? 5 : NAN;
    g_assert_cmpuint(n_drawn[0] + n_drawn[1], ==, 2);
}

static void test_bootstrap(void)
{
    int constant = 42;
    struct bootstrap bootstrap = {.n_clusters = 2,
                                  .n_resamples = 1000,
                                  .seed = 9,
                                  .statistic = copy_draws,
                                  .user = &constant,
                                  .n_values = 3};
    struct interval intervals[3];
    g_assert_true(bootstrap_run(&bootstrap, intervals, NULL));
    support_assert_near(intervals[0].low, 42, 0);
    support_assert_near(intervals[0].high, 42, 0);
    support_assert_near(intervals[1].low, 0, 0);
    support_assert_near(intervals[1].high, 2, 0);
    support_assert_near(intervals[2].low, 5, 0);
    bootstrap.n_resamples = 0;
    g_assert_true(bootstrap_run(&bootstrap, intervals, NULL));
    support_assert_near(intervals[0].low, NAN, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(protocol_init(&paper, "paper", NULL));
    g_test_add_func("/free/reference", test_reference);
    g_test_add_func("/free/options", test_options);
    g_test_add_func("/free/refused", test_refused);
    g_test_add_func("/free/open-round", test_open_round);
    g_test_add_func("/free/sources", test_sources);
    g_test_add_func("/free/refuses", test_refuses);
    g_test_add_func("/free/empty", test_empty);
    g_test_add_func("/free/curves", test_curves);
    g_test_add_func("/free/acceptance", test_acceptance);
    g_test_add_func("/free/coverage", test_coverage);
    g_test_add_func("/free/clusters", test_clusters);
    g_test_add_func("/free/paired", test_paired);
    g_test_add_func("/free/seeds", test_seeds);
    g_test_add_func("/free/bootstrap", test_bootstrap);
    return g_test_run();
}
