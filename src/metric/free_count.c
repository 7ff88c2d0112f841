#include "metric/free_count.h"

#include "metric/mean.h"

#include <math.h>

/* Sums behind the means of a row; counts go to the row itself. */
struct curves {
    double n, best_minus_last;
    double solved[FREE_MAX_ROUNDS], correct[FREE_MAX_ROUNDS], n_correct[FREE_MAX_ROUNDS];
};

static void add_curves(struct curves *curves, const struct free_item *item,
                       const struct outcome *outcome, int n_rounds)
{
    curves->n++;
    for (int i = 0; i < n_rounds; i++) {
        int stands = MIN(i, outcome->m - 1);
        double correct = item->correct && stands < item->n_scores ? item->correct[stands] : NAN;
        curves->solved[i] += outcome->solved && outcome->m <= i + 1;
        if (!isnan(correct)) {
            curves->correct[i] += correct;
            curves->n_correct[i]++;
        }
    }
}

/* Is the missing score of the last round played a refusal? */
static bool is_refused(const struct free_item *item, const struct outcome *outcome)
{
    return item->refused && outcome->m >= item->n_scores &&
           (item->n_scores == 0 || isnan(item->scores[item->n_scores - 1]));
}

static void add_item(struct free_scores *scores, struct curves *curves, const struct free_side *run,
                     size_t i, int n_rounds)
{
    const struct outcome *outcome = &run->outcomes[i];
    if (run->items[i].failed) {
        scores->failed++;
        return;
    }
    bool refused = is_refused(&run->items[i], outcome);
    scores->n++;
    scores->refused += refused;
    scores->unparsed += outcome->n_unparsed > refused;
    scores->dropped += outcome->dropped;
    if (outcome->dropped)
        return;
    scores->played[outcome->m - 1]++;
    add_curves(curves, &run->items[i], outcome, n_rounds);
    if (!run->in_k[i]) {
        scores->removed++;
        return;
    }
    scores->k++;
    scores->solved += outcome->solved;
    scores->worsened += outcome->last < outcome->first;
    curves->best_minus_last += outcome->best - outcome->last;
}

static void finish_row(struct free_scores *scores, const struct curves *curves, int n_rounds)
{
    scores->n_rounds = n_rounds;
    scores->best_minus_last = mean_ratio(curves->best_minus_last, scores->k);
    for (int i = 0; i < n_rounds; i++) {
        scores->solved_by[i] = mean_ratio(curves->solved[i], curves->n);
        scores->correct_by[i] = mean_ratio(curves->correct[i], curves->n_correct[i]);
    }
}

static int longest(const struct free_side *run)
{
    int n_rounds = 0;
    for (size_t i = 0; i < run->n; i++)
        if (!run->items[i].failed && !run->outcomes[i].dropped)
            n_rounds = MAX(n_rounds, run->outcomes[i].m);
    return n_rounds;
}

/* Mean over the rows of the number that lies `offset` bytes into free_scores. */
static double mean_of_rows(const struct free_result *result, size_t offset)
{
    struct mean mean = {0};
    for (size_t r = 0; r < result->n_rows; r++)
        mean_add(&mean, *(const double *)((const char *)&result->rows[r].scores + offset));
    return mean_value(&mean);
}

static void make_macro(struct free_result *result)
{
    struct free_scores *macro = &result->macro;
    *macro = result->micro;
    macro->best_minus_last = mean_of_rows(result, offsetof(struct free_scores, best_minus_last));
    for (size_t i = 0; i < (size_t)macro->n_rounds; i++) {
        size_t solved = offsetof(struct free_scores, solved_by) + i * sizeof(double);
        size_t correct = offsetof(struct free_scores, correct_by) + i * sizeof(double);
        macro->solved_by[i] = mean_of_rows(result, solved);
        macro->correct_by[i] = mean_of_rows(result, correct);
    }
}

static void count_score(int counts[11], double score)
{
    if (!isnan(score))
        counts[(int)CLAMP(floor(score + 0.5), 0, 10)]++;
}

static void count_scores(struct free_result *result, const struct free_side *run)
{
    for (size_t i = 0; i < run->n; i++) {
        const struct free_item *item = &run->items[i];
        if (item->failed || run->outcomes[i].dropped || item->n_scores == 0)
            continue;
        count_score(result->first_counts, item->scores[0]);
        count_score(result->final_counts, item->scores[run->outcomes[i].m - 1]);
    }
}

void free_count(struct free_result *result, const struct free_side *run)
{
    int n_rounds = longest(run);
    g_autofree struct curves *curves = g_new0(struct curves, result->n_rows + 1);
    struct curves *total = &curves[result->n_rows];
    for (size_t i = 0; i < run->n; i++) {
        uint32_t row = run->rows[i];
        add_item(&result->rows[row].scores, &curves[row], run, i, n_rounds);
        add_item(&result->micro, total, run, i, n_rounds);
    }
    for (size_t r = 0; r < result->n_rows; r++)
        finish_row(&result->rows[r].scores, &curves[r], n_rounds);
    finish_row(&result->micro, total, n_rounds);
    make_macro(result);
    count_scores(result, run);
}
