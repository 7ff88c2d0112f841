/* word_cache.h -- the ids of words met before: a fixed block of memory, the newest word wins its place.
 *
 * An entry is one cache line. Words and results that do not fit in it are not kept. */
#ifndef FIRE_MODEL_WORD_CACHE_H
#define FIRE_MODEL_WORD_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WORD_CACHE_MAX_BYTES = 30, WORD_CACHE_MAX_IDS = 8 };

struct word_entry {
    uint8_t n_bytes, n_ids;           /* n_bytes 0: empty */
    char bytes[WORD_CACHE_MAX_BYTES]; /* zero after the word */
    int32_t ids[WORD_CACHE_MAX_IDS];
};

struct word_cache;

struct word_cache *word_cache_new(void);
void word_cache_free(struct word_cache *cache); /* accepts NULL */

/* The place of a word of 1 to WORD_CACHE_MAX_BYTES bytes; `*hit` tells whether its ids are there. On a miss the caller
 * may write them with word_cache_put. */
struct word_entry *word_cache_find(struct word_cache *cache, const char *word, size_t n_bytes,
                                   bool *hit);
void word_cache_put(struct word_entry *entry, const char *word, size_t n_bytes, const int32_t *ids,
                    size_t n_ids);

#endif
