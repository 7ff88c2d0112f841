#include "model/word_cache.h"

#include "model/token_table.h"

#include <string.h>

enum { N_ENTRIES = 1 << 15 };

G_STATIC_ASSERT(sizeof(struct word_entry) == 64);

struct word_cache {
    struct word_entry entries[N_ENTRIES];
};

struct word_cache *word_cache_new(void)
{
    return g_new0(struct word_cache, 1);
}

void word_cache_free(struct word_cache *cache)
{
    g_free(cache);
}

struct word_entry *word_cache_find(struct word_cache *cache, const char *word, size_t n_bytes,
                                   bool *hit)
{
    struct word_entry *entry = &cache->entries[token_table_hash(word, n_bytes) % N_ENTRIES];
    *hit = entry->n_bytes == n_bytes && memcmp(entry->bytes, word, n_bytes) == 0;
    return entry;
}

void word_cache_put(struct word_entry *entry, const char *word, size_t n_bytes, const int32_t *ids,
                    size_t n_ids)
{
    if (n_ids > WORD_CACHE_MAX_IDS)
        return;
    entry->n_bytes = (uint8_t)n_bytes;
    entry->n_ids = (uint8_t)n_ids;
    memcpy(entry->bytes, word, n_bytes);
    memcpy(entry->ids, ids, n_ids * sizeof *ids);
}
