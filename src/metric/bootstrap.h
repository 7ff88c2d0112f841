/* bootstrap.h -- 95% percentile intervals by resampling clusters (pictures).
 *
 * Samples of one picture are not independent, so whole clusters are drawn: as many as there are,
 * with replacement. Resample i uses stream i of the seed, so the result depends neither on the
 * number of threads nor on the order in which they work. */
#ifndef FIRE_METRIC_BOOTSTRAP_H
#define FIRE_METRIC_BOOTSTRAP_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct interval {
    double low, high; /* NAN where undefined */
};

struct bootstrap {
    size_t n_clusters; /* at most UINT32_MAX */
    int n_resamples;   /* 0: every interval is undefined */
    uint64_t seed;
    /* Sets values[0 .. n_values - 1] from how often each cluster was drawn; NAN: undefined in this
     * resample, which then does not count for that value. Runs on several threads at once. */
    void (*statistic)(double *values, const uint32_t *n_drawn, const void *user);
    const void *user;
    size_t n_values;
};

/* intervals[v]: the 2.5th and 97.5th percentile of value v, linear between the two nearest order
 * statistics. FIRE_ERROR_USAGE where n_values * n_resamples needs more memory than there is or than
 * 1 GiB; `intervals` is untouched then. */
bool bootstrap_run(const struct bootstrap *bootstrap, struct interval *intervals, GError **error);

#endif
