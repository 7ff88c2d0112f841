/* sampler: filters against tables of an independent formula, draws against the generator's own
 * numbers, penalties, greedy ties, log-probabilities, odd rows. */
#include "base/error.h"
#include "model/sampler.h"
#include "support/support.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static double number(const json_t *object, const char *key, double absent)
{
    const json_t *value = json_object_get(object, key);
    return value ? json_number_value(value) : absent;
}

static struct sampler_options read_options(const json_t *json)
{
    return (struct sampler_options){
        .temperature = number(json, "temperature", 0),
        .top_k = (int)number(json, "top_k", 0),
        .top_p = number(json, "top_p", 1),
        .min_p = number(json, "min_p", 0),
        .repetition_penalty = number(json, "repetition_penalty", 1),
        .seed = 77,
    };
}

/* The token that the uniform number u picks from the expected ranking, or -1 where u lies so near to
 * the border of two that rounding decides. */
static int expected_token(const json_t *expected, double u)
{
    double mass = 0;
    for (size_t i = 0; i < json_array_size(expected); i++) {
        const json_t *entry = json_array_get(expected, i);
        mass += json_number_value(json_array_get(entry, 1));
        if (fabs(mass - u) < 1e-6 && i + 1 < json_array_size(expected))
            return -1;
        if (mass > u || i + 1 == json_array_size(expected))
            return (int)json_integer_value(json_array_get(entry, 0));
    }
    g_assert_not_reached();
}

static void check_case(const json_t *item, uint64_t stream)
{
    const json_t *row = json_object_get(item, "logits"), *ids = json_object_get(item, "seen");
    struct sampler_options options = read_options(json_object_get(item, "options"));
    size_t n = json_array_size(row), n_seen = json_array_size(ids), n_unsure = 0;
    g_autofree float *logits = g_new(float, n);
    g_autofree int *seen = g_new(int, n_seen);
    for (size_t i = 0; i < n; i++)
        logits[i] = (float)json_number_value(json_array_get(row, i));
    for (size_t i = 0; i < n_seen; i++)
        seen[i] = (int)json_integer_value(json_array_get(ids, i));
    struct sampler sampler;
    struct rng rng;
    g_assert_true(sampler_options_check(&options, NULL));
    sampler_init(&sampler, &options, (int)n, stream);
    rng_init(&rng, options.seed, stream);
    for (int i = 0; i < 300; i++) {
        int token = sampler_choose(&sampler, logits, seen, n_seen);
        int expected = expected_token(json_object_get(item, "expected"), rng_double(&rng));
        if (expected >= 0)
            g_assert_cmpint(token, ==, expected);
        n_unsure += expected < 0;
    }
    g_assert_cmpuint(n_unsure, <=, 3);
    for (size_t i = 0; i < n; i++)
        g_assert_true(logits[i] == (float)json_number_value(json_array_get(row, i)));
    sampler_clear(&sampler);
}

static void test_filters(void)
{
    g_autofree char *path = support_data("sampler/cases.json");
    json_t *cases = json_load_file(path, 0, NULL), *item;
    size_t i;
    g_assert_cmpuint(json_array_size(cases), ==, 70);
    json_array_foreach (cases, i, item)
        check_case(item, i);
    json_decref(cases);
}

static int choose(const struct sampler_options *options, const float *logits, int n,
                  const int *seen, size_t n_seen)
{
    struct sampler sampler;
    sampler_init(&sampler, options, n, 0);
    int token = sampler_choose(&sampler, logits, seen, n_seen);
    sampler_clear(&sampler);
    return token;
}

static void test_greedy(void)
{
    static const struct {
        float logits[5];
        int token;
    } cases[] = {
        {{1, 3, 3, 2, 3}, 1},
        {{-5, -4, -4, -9, -4.5f}, 1},
        {{0, 0, 0, 0, 0}, 0},
        {{-INFINITY, -INFINITY, -1e30f, -INFINITY, -INFINITY}, 2},
        {{-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY}, -1},
        {{NAN, 1, NAN, 2, NAN}, 3},
        {{NAN, NAN, NAN, NAN, NAN}, -1},
        {{1, INFINITY, 2, INFINITY, NAN}, 1},
    };
    struct sampler_options hot = {.temperature = 1e-9, .top_p = 1, .repetition_penalty = 1};
    struct sampler_options one = {.temperature = 5, .top_p = 0, .repetition_penalty = 1};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpint(sampler_greedy(cases[i].logits, 5), ==, cases[i].token);
        g_assert_cmpint(choose(&SAMPLER_GREEDY, cases[i].logits, 5, NULL, 0), ==, cases[i].token);
        g_assert_cmpint(choose(&one, cases[i].logits, 5, NULL, 0), ==, cases[i].token);
        if (i != 0 && i != 1 && i != 2) /* those have ties, between which a draw decides */
            g_assert_cmpint(choose(&hot, cases[i].logits, 5, NULL, 0), ==, cases[i].token);
    }
}

static void test_penalty(void)
{
    static const float logits[] = {2, 1.5f, -1, -1.2f};
    struct sampler_options options = SAMPLER_GREEDY;
    options.repetition_penalty = 1.5;
    g_assert_cmpint(choose(&options, logits, 4, NULL, 0), ==, 0);
    g_assert_cmpint(choose(&options, logits, 4, (const int[]){0}, 1), ==, 1);
    g_assert_cmpint(choose(&options, logits, 4, (const int[]){0, 1}, 2), ==, 0);
    /* Seen often is penalised once; ids of pictures and the like are passed over. */
    g_assert_cmpint(choose(&options, logits, 4, (const int[]){0, 0, 0, 0, 1, -200, 4, 1 << 30}, 8),
                    ==, 0);
    g_assert_cmpint(choose(&options, logits + 2, 2, (const int[]){0}, 1), ==, 1);
}

/* Tokens that a mask has taken out never come, however flat the rest. */
static void test_masked(void)
{
    enum { N = 1000 };
    float logits[N];
    struct sampler_options options = {.temperature = 1e6, .top_p = 1, .repetition_penalty = 1.3};
    struct sampler sampler;
    bool seen[N] = {false};
    for (int i = 0; i < N; i++)
        logits[i] = i % 7 == 3 ? (float)(i % 11) : i % 7 == 4 ? NAN : -INFINITY;
    sampler_init(&sampler, &options, N, 3);
    for (int i = 0; i < 5000; i++) {
        int token = sampler_choose(&sampler, logits, (const int[]){0, 3, 4, 10}, 4);
        g_assert_cmpint(token % 7, ==, 3);
        seen[token] = true;
    }
    int n_seen = 0;
    for (int i = 0; i < N; i++)
        n_seen += seen[i];
    g_assert_cmpint(n_seen, ==, 143);
    sampler_clear(&sampler);
}

static void test_deterministic(void)
{
    enum { N = 500, STEPS = 64 };
    float logits[N];
    int tokens[4][STEPS];
    static const struct {
        uint64_t seed, stream;
    } runs[4] = {{1, 0}, {1, 0}, {2, 0}, {1, 1}};
    for (int i = 0; i < N; i++)
        logits[i] = (float)(i * 37 % 101) / 25;
    for (size_t run = 0; run < 4; run++) {
        struct sampler_options options = {
            .temperature = 1, .top_p = 0.9, .repetition_penalty = 1, .seed = runs[run].seed};
        struct sampler sampler;
        sampler_init(&sampler, &options, N, runs[run].stream);
        for (size_t i = 0; i < STEPS; i++)
            tokens[run][i] = sampler_choose(&sampler, logits, NULL, 0);
        sampler_clear(&sampler);
    }
    g_assert_cmpmem(tokens[0], sizeof tokens[0], tokens[1], sizeof tokens[1]);
    g_assert_cmpint(memcmp(tokens[0], tokens[2], sizeof tokens[0]), !=, 0);
    g_assert_cmpint(memcmp(tokens[0], tokens[3], sizeof tokens[0]), !=, 0);
}

static void test_log_probabilities(void)
{
    static const float rows[][4] = {
        {1, 2, 3, 2}, {1000, 1002, 1003, 1002}, {-2000, -1999, -1998, -1999}};
    struct token_probability top[6];
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const float *row = rows[i];
        double sum = 0;
        for (int j = 0; j < 4; j++)
            sum += exp((double)row[j] - row[2]);
        double chosen = sampler_log_probabilities(row, 4, 3, top, 3);
        support_assert_near(chosen, row[3] - row[2] - log(sum), 1e-12);
        static const int order[] = {2, 1, 3};
        for (int j = 0; j < 3; j++) {
            g_assert_cmpint(top[j].id, ==, order[j]);
            support_assert_near(top[j].log_probability, row[order[j]] - row[2] - log(sum), 1e-12);
        }
    }
    static const float masked[] = {-INFINITY, 0.5f, NAN, 0.5f};
    support_assert_near(sampler_log_probabilities(masked, 4, 1, top, 6), -log(2), 1e-12);
    g_assert_true(top[0].id == 1 && top[1].id == 3 && top[2].id == -1 && top[5].id == -1);
    g_assert_true(sampler_log_probabilities(masked, 4, 0, NULL, 0) == -INFINITY);
    g_assert_true(sampler_log_probabilities(masked, 4, 2, NULL, 0) == -INFINITY);
}

static void test_options(void)
{
    static const struct {
        struct sampler_options options;
        const char *cause; /* NULL: fine */
    } cases[] = {
        {{0, 0, 1, 0, 1, 0}, NULL},
        {{2, 50, 0, 1, 0.5, 9}, NULL},
        {{-1, 0, 1, 0, 1, 0}, "temperature*"},
        {{NAN, 0, 1, 0, 1, 0}, "temperature*"},
        {{INFINITY, 0, 1, 0, 1, 0}, "temperature*"},
        {{1, -1, 1, 0, 1, 0}, "top-k*"},
        {{1, 0, 1.01, 0, 1, 0}, "top-p*"},
        {{1, 0, NAN, 0, 1, 0}, "top-p*"},
        {{1, 0, 1, -0.1, 1, 0}, "min-p*"},
        {{1, 0, 1, 0, 0, 0}, "repetition penalty*"},
        {{1, 0, 1, 0, INFINITY, 0}, "repetition penalty*"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        bool ok = sampler_options_check(&cases[i].options, &error);
        g_assert_true(ok == !cases[i].cause);
        if (cases[i].cause) {
            g_assert_error(error, FIRE_ERROR, FIRE_ERROR_USAGE);
            g_assert_true(g_pattern_match_simple(cases[i].cause, error->message));
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sampler/filters", test_filters);
    g_test_add_func("/sampler/greedy", test_greedy);
    g_test_add_func("/sampler/penalty", test_penalty);
    g_test_add_func("/sampler/masked", test_masked);
    g_test_add_func("/sampler/deterministic", test_deterministic);
    g_test_add_func("/sampler/log-probabilities", test_log_probabilities);
    g_test_add_func("/sampler/options", test_options);
    return g_test_run();
}
