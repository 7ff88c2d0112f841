/* mean.h -- means that are NAN where there is nothing to take them over. */
#ifndef FIRE_METRIC_MEAN_H
#define FIRE_METRIC_MEAN_H

#include <math.h>

static inline double mean_ratio(double sum, double n)
{
    return n > 0 ? sum / n : NAN;
}

/* The mean of the values that are defined. A zeroed struct is an empty one. */
struct mean {
    double sum, n;
};

static inline void mean_add(struct mean *mean, double value)
{
    if (isnan(value))
        return;
    mean->sum += value;
    mean->n++;
}

static inline double mean_value(const struct mean *mean)
{
    return mean_ratio(mean->sum, mean->n);
}

#endif
