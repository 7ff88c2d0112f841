/* agreement: confusion, precision, recall, calibration, and what is left out. */
#include "metric/agreement.h"
#include "support/support.h"

#include <math.h>

static struct protocol paper;

static void test_agreement(void)
{
    const struct free_item items[] = {
        /* Round 3 comes after the solving one. */
        {.scores = (double[]){3, 8.5, 1}, .correct = (double[]){0, 1, 1}, .n_scores = 3},
        {.scores = (double[]){7.5, 2}, .correct = (double[]){0.6, NAN}, .n_scores = 2},
        {.scores = (double[]){8}, .correct = (double[]){0.3}, .n_scores = 1},
        /* An unparsed score ends it and is no pair. */
        {.scores = (double[]){3, NAN, 9}, .correct = (double[]){0, 1, 1}, .n_scores = 3},
        {.scores = (double[]){10}, .correct = (double[]){1}, .n_scores = 1, .failed = true},
        {.scores = (double[]){10}, .n_scores = 1},
        {.scores = NULL, .correct = (double[]){1}, .n_scores = 0},
    };
    struct agreement agreement;
    agreement_compute(&agreement, items, G_N_ELEMENTS(items), &paper);
    g_assert_cmpint(agreement.n, ==, 5);
    support_assert_near(agreement.accepted_right, 1.3, 1e-12);
    support_assert_near(agreement.accepted_wrong, 0.7, 1e-12);
    support_assert_near(agreement.rejected_right, 0.6, 1e-12);
    support_assert_near(agreement.rejected_wrong, 2.4, 1e-12);
    support_assert_near(agreement.precision, 1.3 / 2, 1e-12);
    support_assert_near(agreement.recall, 1.3 / 1.9, 1e-12);
    static const int n_by_score[11] = {[3] = 2, [8] = 2, [9] = 1};
    g_assert_cmpmem(agreement.n_by_score, sizeof n_by_score, n_by_score, sizeof n_by_score);
    support_assert_near(agreement.correct_by_score[3], 0, 0);
    support_assert_near(agreement.correct_by_score[8], 0.45, 1e-12);
    support_assert_near(agreement.correct_by_score[9], 1, 0);
    support_assert_near(agreement.correct_by_score[5], NAN, 0);

    struct protocol protocol = paper;
    g_assert_true(protocol_set(&protocol, "parse-fail=drop", NULL));
    agreement_compute(&agreement, items, G_N_ELEMENTS(items), &protocol);
    g_assert_cmpint(agreement.n, ==, 4);
}

static void test_empty(void)
{
    struct agreement agreement;
    agreement_compute(&agreement, NULL, 0, &paper);
    g_assert_cmpint(agreement.n, ==, 0);
    support_assert_near(agreement.precision, NAN, 0);
    support_assert_near(agreement.recall, NAN, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(protocol_init(&paper, "paper", NULL));
    g_test_add_func("/agreement/pairs", test_agreement);
    g_test_add_func("/agreement/empty", test_empty);
    return g_test_run();
}
