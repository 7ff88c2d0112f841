#include "metric/ngram.h"

#include <glib.h>

bool ngram_table_init(struct ngram_table *table, size_t n)
{
    size_t n_slots = n + n / 3 + 8; /* at most three quarters full */
    uint64_t *keys = g_try_new0(uint64_t, n_slots);
    uint32_t *counts = g_try_new0(uint32_t, n_slots);
    if (!keys || !counts) {
        g_free(keys);
        g_free(counts);
        return false;
    }
    *table = (struct ngram_table){keys, counts, n_slots};
    return true;
}

void ngram_table_clear(struct ngram_table *table)
{
    g_free(table->keys);
    g_free(table->counts);
    *table = (struct ngram_table){0};
}

size_t ngram_table_home(const struct ngram_table *table, uint64_t key)
{
    uint64_t hash = (key ^ key >> 32) * 0x9e3779b97f4a7c15u;
    hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9u;
    __extension__ typedef unsigned __int128 wide;
    return (size_t)((wide)hash * table->n_slots >> 64);
}

void ngram_table_prefetch(const struct ngram_table *table, size_t home)
{
    __builtin_prefetch(&table->keys[home]);
    __builtin_prefetch(&table->counts[home]);
}

void ngram_table_count(struct ngram_table *table, uint64_t key, size_t home)
{
    size_t slot = home;
    for (;;) {
        uint64_t *at = &table->keys[slot], found = __atomic_load_n(at, __ATOMIC_RELAXED);
        /* Where another thread takes the free slot first, `found` becomes what it put there. */
        if (found == key + 1 ||
            (found == 0 && (__atomic_compare_exchange_n(at, &found, key + 1, false,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
                            found == key + 1)))
            break;
        if (++slot == table->n_slots)
            slot = 0;
    }
    __atomic_fetch_add(&table->counts[slot], 1, __ATOMIC_RELAXED);
}

size_t ngram_table_find(const struct ngram_table *table, uint64_t key, size_t home)
{
    for (size_t slot = home; table->keys[slot];) {
        if (table->keys[slot] == key + 1)
            return slot;
        if (++slot == table->n_slots)
            slot = 0;
    }
    return SIZE_MAX;
}
