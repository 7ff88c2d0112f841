/* ngram.h -- in how many items each n-gram of one order stands: the document frequencies of CIDEr.
 *
 * A table of fixed size that any number of threads may add to at once. Counts do not depend on the
 * order of additions; slots do, and serve only to tell n-grams apart. */
#ifndef FIRE_METRIC_NGRAM_H
#define FIRE_METRIC_NGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ngram_slot {
    uint64_t key; /* 0, or the key + 1 */
    uint32_t count;
};

struct ngram_table {
    struct ngram_slot *slots; /* (n_slots) */
    size_t n_slots;
};

/* Room for `n` distinct keys; false where there is not enough memory for it. */
bool ngram_table_init(struct ngram_table *table, size_t n);
void ngram_table_clear(struct ngram_table *table);

/* The slot at which the search for a key below 2^64 - 1 begins. Asks the processor for it, so that
 * finding the homes of many keys first hides the memory's latency. */
static inline size_t ngram_table_home(const struct ngram_table *table, uint64_t key)
{
    uint64_t hash = (key ^ key >> 32) * 0x9e3779b97f4a7c15u;
    hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9u;
    __extension__ typedef unsigned __int128 wide;
    size_t home = (size_t)((wide)hash * table->n_slots >> 64);
    __builtin_prefetch(&table->slots[home]);
    return home;
}

/* Adds one to the key's count. */
void ngram_table_count(struct ngram_table *table, uint64_t key, size_t home);

/* The slot of a key that was added, or SIZE_MAX. Not while others add. */
size_t ngram_table_find(const struct ngram_table *table, uint64_t key, size_t home);

#endif
