/* free_count.h -- the counts, curves and distributions of free_compute; not for others. */
#ifndef FIRE_METRIC_FREE_COUNT_H
#define FIRE_METRIC_FREE_COUNT_H

#include "metric/free.h"
#include "metric/outcome.h"

/* A run or a baseline with what became of each of its samples. */
struct free_side {
    const struct free_item *items;
    size_t n;
    struct outcome *outcomes; /* (n) */
    bool *in_k;               /* (n) */
    uint32_t *rows;           /* (n) which row of the result it belongs to */
};

/* Fills what free.h calls counts, curves and distributions, in all rows; the result's sources
 * stand. */
void free_count(struct free_result *result, const struct free_side *run);

#endif
