/* free.c -- every number of a row is a ratio of sums over samples.
 *
 * The sums of each sample are made once (struct cell); a row's numbers, and those of each resample
 * of the bootstrap, come from the same function over weighted sums of cells. */
#include "metric/free.h"

#include "base/error.h"
#include "metric/clusters.h"
#include "metric/free_count.h"
#include "metric/mean.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define METRIC(name, title, field)                                                                 \
    {                                                                                              \
        name, title, offsetof(struct free_scores, field), offsetof(struct free_scores, field##_ci) \
    }

/* The numbers of a row: the metrics, and the T that AT divides by. */
enum { AT_ROUNDS, AT, ADR, ATR, ATR_ALL, RR, T_BASELINE, N_VALUES };
_Static_assert(T_BASELINE == FREE_N_METRICS, "metrics come first");

const struct free_metric free_metrics[FREE_N_METRICS] = {
    [AT_ROUNDS] = METRIC("at_rounds", "AT rounds", at_rounds),
    [AT] = METRIC("at", "AT", at),
    [ADR] = METRIC("adr", "ADR", adr),
    [ATR] = METRIC("atr", "ATR", atr),
    [ATR_ALL] = METRIC("atr_all", "ATR all", atr_all),
    [RR] = METRIC("rr", "RR", rr),
};

double free_metric_value(const struct free_metric *metric, const struct free_scores *scores)
{
    return *(const double *)((const char *)scores + metric->value);
}

struct interval free_metric_interval(const struct free_metric *metric,
                                     const struct free_scores *scores)
{
    return *(const struct interval *)((const char *)scores + metric->interval);
}

/* What a sample adds to its row. */
struct sums {
    double n, rate;                            /* over all samples that are not dropped */
    double k, n_k, gain, rate_k, newly_solved; /* over K */
    double base_k, base_n_k;                   /* over the baseline's K */
};

struct cell {
    uint32_t cluster, row;
    struct sums sums;
};

struct work {
    const struct free_options *options;
    struct free_side run, baseline;
    GHashTable *rows; /* source -> index + 1 */
    size_t n_rows;    /* row n_rows takes the baseline's samples of other sources */
    struct cell *cells;
    size_t n_cells, n_clusters;
};

static void add_sums(struct sums *to, const struct sums *from, double weight)
{
    to->n += weight * from->n;
    to->rate += weight * from->rate;
    to->k += weight * from->k;
    to->n_k += weight * from->n_k;
    to->gain += weight * from->gain;
    to->rate_k += weight * from->rate_k;
    to->newly_solved += weight * from->newly_solved;
    to->base_k += weight * from->base_k;
    to->base_n_k += weight * from->base_n_k;
}

/* The T that a row is measured by. */
static double baseline_of(const struct free_options *options, const struct sums *row,
                          const struct sums *total)
{
    if (!options->baseline)
        return options->baseline_rounds;
    const struct sums *sums = options->protocol->at_baseline == AT_BASELINE_OVERALL ? total : row;
    return mean_ratio(sums->base_n_k, sums->base_k);
}

static void set_values(double *values, const struct sums *sums, double t_baseline)
{
    values[AT_ROUNDS] = mean_ratio(sums->n_k, sums->k);
    values[T_BASELINE] = t_baseline;
    values[AT] = values[AT_ROUNDS] / t_baseline;
    values[ADR] = mean_ratio(sums->gain, sums->k);
    values[ATR] = mean_ratio(sums->rate_k, sums->k);
    values[ATR_ALL] = mean_ratio(sums->rate, sums->n);
    values[RR] = mean_ratio(sums->newly_solved, sums->k);
}

/* bootstrap's statistic: (n_rows + 2, N_VALUES) values: the rows, micro, macro. `n_drawn`
 * NULL: each cluster once. */
static void compute_values(double *values, const uint32_t *n_drawn, const void *user)
{
    const struct work *work = user;
    g_autofree struct sums *rows = g_new0(struct sums, work->n_rows + 1);
    struct sums total = {0};
    for (size_t i = 0; i < work->n_cells; i++) {
        const struct cell *cell = &work->cells[i];
        uint32_t weight = n_drawn ? n_drawn[cell->cluster] : 1;
        if (weight > 0)
            add_sums(&rows[cell->row], &cell->sums, weight);
    }
    for (size_t r = 0; r <= work->n_rows; r++)
        add_sums(&total, &rows[r], 1);
    for (size_t r = 0; r < work->n_rows; r++)
        set_values(values + r * N_VALUES, &rows[r], baseline_of(work->options, &rows[r], &total));
    double *micro = values + work->n_rows * N_VALUES, *macro = micro + N_VALUES;
    set_values(micro, &total, baseline_of(work->options, &total, &total));
    for (size_t v = 0; v < N_VALUES; v++) {
        struct mean mean = {0};
        for (size_t r = 0; r < work->n_rows; r++)
            mean_add(&mean, values[r * N_VALUES + v]);
        macro[v] = mean_value(&mean);
    }
}

/* --- samples to cells --- */

static void side_init(struct free_side *side, const struct free_item *items, size_t n,
                      const struct protocol *protocol)
{
    *side =
        (struct free_side){items, n, g_new(struct outcome, n), g_new(bool, n), g_new(uint32_t, n)};
    for (size_t i = 0; i < n; i++) {
        struct outcome *outcome = &side->outcomes[i];
        *outcome = outcome_of(items[i].scores, items[i].n_scores, protocol);
        side->in_k[i] = !items[i].failed && !outcome->dropped &&
                        (protocol->k_set == K_SET_ALL || !outcome_at_once(outcome));
    }
}

static void side_clear(struct free_side *side)
{
    g_free(side->outcomes);
    g_free(side->in_k);
    g_free(side->rows);
}

static GHashTable *ids_in_k(const struct free_side *side)
{
    GHashTable *ids = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < side->n; i++)
        if (side->in_k[i] && side->items[i].id)
            g_hash_table_add(ids, (gpointer)side->items[i].id);
    return ids;
}

static void keep_common(struct free_side *side, GHashTable *ids)
{
    for (size_t i = 0; i < side->n; i++)
        side->in_k[i] =
            side->in_k[i] && side->items[i].id && g_hash_table_contains(ids, side->items[i].id);
}

static struct sums sums_of_run(const struct outcome *outcome, bool in_k)
{
    struct sums sums = {.n = 1, .rate = outcome->rate};
    if (in_k) {
        sums.k = 1;
        sums.n_k = outcome->n_k;
        sums.gain = outcome->gain;
        sums.rate_k = outcome->rate;
        sums.newly_solved = outcome->solved && !outcome_at_once(outcome);
    }
    return sums;
}

static uint32_t cluster_of(struct clusters *clusters, const struct free_item *item)
{
    return clusters_find(clusters, item->image, item->id);
}

static void make_cells(struct work *work)
{
    struct clusters clusters; /* of both: an id is the same sample in run and baseline */
    const struct free_side *run = &work->run, *baseline = &work->baseline;
    clusters_init(&clusters);
    work->cells = g_new(struct cell, run->n + baseline->n);
    for (size_t i = 0; i < run->n; i++)
        if (!run->items[i].failed && !run->outcomes[i].dropped)
            work->cells[work->n_cells++] =
                (struct cell){cluster_of(&clusters, &run->items[i]), run->rows[i],
                              sums_of_run(&run->outcomes[i], run->in_k[i])};
    for (size_t i = 0; i < baseline->n; i++)
        if (baseline->in_k[i])
            work->cells[work->n_cells++] =
                (struct cell){cluster_of(&clusters, &baseline->items[i]), baseline->rows[i],
                              (struct sums){.base_k = 1, .base_n_k = baseline->outcomes[i].n_k}};
    work->n_clusters = clusters.n;
    clusters_clear(&clusters);
}

/* --- the whole --- */

static const char *source_of(const struct free_item *item)
{
    return item->source ? item->source : "";
}

static void set_rows(struct free_side *side, const struct work *work)
{
    for (size_t i = 0; i < side->n; i++) {
        gsize known = GPOINTER_TO_SIZE(g_hash_table_lookup(work->rows, source_of(&side->items[i])));
        side->rows[i] = (uint32_t)(known ? known - 1 : work->n_rows);
    }
}

static int compare_rows(const void *a, const void *b)
{
    return strcmp(((const struct free_row *)a)->source, ((const struct free_row *)b)->source);
}

static bool make_rows(struct free_result *result, struct work *work, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < work->run.n; i++)
        g_hash_table_add(seen, (gpointer)source_of(&work->run.items[i]));
    if (g_hash_table_size(seen) > FREE_MAX_SOURCES) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "%u different sources are too many (at most %d)", g_hash_table_size(seen),
                    FREE_MAX_SOURCES);
        return false;
    }
    result->n_rows = work->n_rows = g_hash_table_size(seen);
    result->rows = g_new0(struct free_row, work->n_rows);
    GHashTableIter iter;
    gpointer source;
    g_hash_table_iter_init(&iter, seen);
    for (size_t r = 0; g_hash_table_iter_next(&iter, &source, NULL); r++)
        result->rows[r].source = g_strdup(source);
    if (work->n_rows > 0)
        qsort(result->rows, work->n_rows, sizeof *result->rows, compare_rows);
    for (size_t r = 0; r < work->n_rows; r++)
        g_hash_table_insert(work->rows, result->rows[r].source, GSIZE_TO_POINTER(r + 1));
    set_rows(&work->run, work);
    set_rows(&work->baseline, work);
    return true;
}

static void set_metrics(struct free_scores *scores, const double *values,
                        const struct interval *intervals)
{
    for (size_t m = 0; m < FREE_N_METRICS; m++) {
        *(double *)((char *)scores + free_metrics[m].value) = values[m];
        *(struct interval *)((char *)scores + free_metrics[m].interval) = intervals[m];
    }
    scores->t_baseline = values[T_BASELINE];
}

static bool compute(struct free_result *result, struct work *work, GError **error)
{
    if (!make_rows(result, work, error))
        return false;
    make_cells(work);
    free_count(result, &work->run);
    size_t n_values = (work->n_rows + 2) * N_VALUES;
    g_autofree double *values = g_new(double, n_values);
    g_autofree struct interval *intervals = g_new(struct interval, n_values);
    struct bootstrap bootstrap = {
        .n_clusters = work->n_clusters,
        .n_resamples = work->options->n_resamples,
        .seed = work->options->seed,
        .statistic = compute_values,
        .user = work,
        .n_values = n_values,
    };
    compute_values(values, NULL, work);
    if (!bootstrap_run(&bootstrap, intervals, error))
        return false;
    for (size_t r = 0; r < work->n_rows + 2; r++) {
        struct free_scores *scores = r < work->n_rows    ? &result->rows[r].scores
                                     : r == work->n_rows ? &result->micro
                                                         : &result->macro;
        set_metrics(scores, values + r * N_VALUES, intervals + r * N_VALUES);
    }
    return true;
}

bool free_compute(struct free_result *result, const struct free_item *items, size_t n_items,
                  const struct free_options *options, GError **error)
{
    bool common = options->protocol->k_set == K_SET_COMMON;
    if (common && !options->baseline) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "k-set=common compares two runs: give the dialogues of a baseline");
        return false;
    }
    struct work work = {.options = options, .rows = g_hash_table_new(g_str_hash, g_str_equal)};
    side_init(&work.run, items, n_items, options->protocol);
    side_init(&work.baseline, options->baseline, options->baseline ? options->n_baseline : 0,
              options->protocol);
    if (common) {
        g_autoptr(GHashTable) of_run = ids_in_k(&work.run);
        g_autoptr(GHashTable) of_baseline = ids_in_k(&work.baseline);
        keep_common(&work.run, of_baseline);
        keep_common(&work.baseline, of_run);
    }
    struct free_result computed = {0};
    bool ok = compute(&computed, &work, error);
    if (ok)
        *result = computed;
    else
        free_result_clear(&computed);
    side_clear(&work.run);
    side_clear(&work.baseline);
    g_free(work.cells);
    g_hash_table_destroy(work.rows);
    return ok;
}

void free_result_clear(struct free_result *result)
{
    for (size_t r = 0; r < result->n_rows; r++)
        g_free(result->rows[r].source);
    g_free(result->rows);
    *result = (struct free_result){0};
}
