#include "metric/bootstrap.h"

#include "base/error.h"
#include "base/pool.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

#define MAX_BYTES ((size_t)1 << 30)

struct job {
    const struct bootstrap *bootstrap;
    double *values; /* (n_resamples, n_values) */
    struct interval *intervals;
};

static void draw(size_t i, void *user)
{
    const struct job *job = user;
    const struct bootstrap *bootstrap = job->bootstrap;
    g_autofree uint32_t *n_drawn = g_new0(uint32_t, bootstrap->n_clusters);
    struct rng rng;
    rng_init(&rng, bootstrap->seed, i);
    for (size_t c = 0; c < bootstrap->n_clusters; c++)
        n_drawn[rng_below(&rng, bootstrap->n_clusters)]++;
    bootstrap->statistic(job->values + i * bootstrap->n_values, n_drawn, bootstrap->user);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The q-quantile of n sorted values, n >= 1. */
static double quantile(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t below = (size_t)at;
    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

static void find_interval(size_t v, void *user)
{
    const struct job *job = user;
    size_t n_resamples = (size_t)job->bootstrap->n_resamples, n = 0;
    g_autofree double *column = g_new(double, n_resamples);
    for (size_t i = 0; i < n_resamples; i++) {
        double value = job->values[i * job->bootstrap->n_values + v];
        if (!isnan(value))
            column[n++] = value;
    }
    qsort(column, n, sizeof *column, compare);
    job->intervals[v] =
        n ? (struct interval){quantile(column, n, 0.025), quantile(column, n, 0.975)}
          : (struct interval){NAN, NAN};
}

bool bootstrap_run(const struct bootstrap *bootstrap, struct interval *intervals, GError **error)
{
    g_assert(bootstrap->n_resamples >= 0 && bootstrap->n_clusters <= UINT32_MAX);
    size_t n_resamples = bootstrap->n_clusters ? (size_t)bootstrap->n_resamples : 0;
    if (n_resamples == 0) {
        for (size_t v = 0; v < bootstrap->n_values; v++)
            intervals[v] = (struct interval){NAN, NAN};
        return true;
    }
    size_t n_most = MAX_BYTES / sizeof(double) / n_resamples;
    g_autofree double *values = bootstrap->n_values <= n_most
                                    ? g_try_new(double, MAX(1, n_resamples * bootstrap->n_values))
                                    : NULL;
    if (!values) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "%zu resamples of %zu numbers need too much memory; ask for fewer resamples",
                    n_resamples, bootstrap->n_values);
        return false;
    }
    struct job job = {bootstrap, values, intervals};
    pool_run(n_resamples, draw, &job);
    pool_run(bootstrap->n_values, find_interval, &job);
    return true;
}
