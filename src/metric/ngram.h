/* ngram.h -- in how many items each n-gram of one order stands: the document frequencies of CIDEr.
 *
 * A table of fixed size that any number of threads may add to at once. Counts do not depend on the
 * order of additions; slots do, and serve only to tell n-grams apart. */
#ifndef FIRE_METRIC_NGRAM_H
#define FIRE_METRIC_NGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ngram_table {
    uint64_t *keys;   /* (n_slots) 0, or the key + 1 */
    uint32_t *counts; /* (n_slots) */
    size_t n_slots;
};

/* Room for `n` distinct keys; false where there is not enough memory for it. */
bool ngram_table_init(struct ngram_table *table, size_t n);
void ngram_table_clear(struct ngram_table *table);

/* Any key below 2^64 - 1 has a home slot; asking the processor for it early hides the memory's
 * latency. */
size_t ngram_table_home(const struct ngram_table *table, uint64_t key);
void ngram_table_prefetch(const struct ngram_table *table, size_t home);

/* Adds one to the key's count. */
void ngram_table_count(struct ngram_table *table, uint64_t key, size_t home);

/* The slot of a key that was added, or SIZE_MAX. Not while others add. */
size_t ngram_table_find(const struct ngram_table *table, uint64_t key, size_t home);

#endif
