/* mae: the reference cases and the failure rules. */
#include "metric/mae.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

static struct protocol paper;

static double score_at(const json_t *list, size_t i)
{
    const json_t *value = json_array_get(list, i);
    return json_is_number(value) ? json_number_value(value) : NAN;
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
        if (strcmp(json_string_value(json_object_get(line, "kind")), "mae") != 0)
            continue;
        const json_t *labels = json_object_get(line, "reference");
        const json_t *predictions = json_object_get(line, "predicted");
        const json_t *expected = json_object_get(line, "expected");
        struct mae mae = {0};
        for (size_t k = 0; k < json_array_size(labels); k++)
            mae_add(&mae, &paper, score_at(labels, k), score_at(predictions, k));
        g_assert_cmpint(mae.n, ==, json_integer_value(json_object_get(expected, "K")));
        g_assert_cmpint(mae.unparsed, ==, json_integer_value(json_object_get(expected, "missing")));
        support_assert_near(mae_mean(&mae), json_number_value(json_object_get(expected, "mae")),
                            1e-9);
        n++;
    }
    g_assert_cmpuint(n, >=, 8);
}

static const struct {
    const char *option;
    double label, prediction, mean;
    int n, unparsed, no_label;
} cases[] = {
    {"label-fail=skip", 6, 4, 2, 1, 0, 0},         {"label-fail=skip", 6, NAN, 10, 1, 1, 0},
    {"label-fail=skip", NAN, 4, NAN, 0, 0, 1},     {"label-fail=skip", NAN, NAN, NAN, 0, 0, 1},
    {"label-fail=official", NAN, 4, 5, 1, 0, 1},   {"label-fail=official", NAN, NAN, 10, 1, 1, 1},
    {"label-fail=official", 3, 7.5, 4.5, 1, 0, 0},
};

static void test_failures(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct protocol protocol = paper;
        g_assert_true(protocol_set(&protocol, cases[i].option, NULL));
        struct mae mae = {0};
        mae_add(&mae, &protocol, cases[i].label, cases[i].prediction);
        support_assert_near(mae_mean(&mae), cases[i].mean, 0);
        g_assert_cmpint(mae.n, ==, cases[i].n);
        g_assert_cmpint(mae.unparsed, ==, cases[i].unparsed);
        g_assert_cmpint(mae.no_label, ==, cases[i].no_label);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(protocol_init(&paper, "paper", NULL));
    g_test_add_func("/mae/reference", test_reference);
    g_test_add_func("/mae/failures", test_failures);
    return g_test_run();
}
