/* features.h -- a picture as the decoder needs it: the tower's features and the order in which they are read.
 *
 * The tower is the costly part and knows no adapter, so its output is what is kept and shared: student and teacher encode
 * a picture once between them. The projector, which an adapter may replace, runs where the rows enter the decoder. */
#ifndef FIRE_MODEL_FEATURES_H
#define FIRE_MODEL_FEATURES_H

#include <stddef.h>
#include <stdint.h>

enum { FEATURES_NEWLINE = -1 };

/* Immutable once made; counted references, from any thread. */
struct features {
    int n_references;
    uint64_t id; /* of `key`; never 0 */
    char *key;   /* whatever tells pictures apart: the file's digest and how it was cut */
    float *rows; /* (n_rows, width): tile by tile, the base first, without class tokens */
    int n_rows, width;
    int *order; /* (n_slots): a row, or FEATURES_NEWLINE, as the decoder reads them */
    int n_slots;
};

/* Takes over `rows` and `order` (g_malloc). */
struct features *features_new(const char *key, float *rows, int n_rows, int width, int *order,
                              int n_slots);
struct features *features_ref(struct features *features);
void features_unref(struct features *features); /* accepts NULL */

/* Least recently used pictures, up to a bound. Not for several threads. */
struct features_cache;

struct features_cache *features_cache_new(size_t max_bytes);
void features_cache_free(struct features_cache *cache); /* accepts NULL */
/* A new reference, or NULL. */
struct features *features_cache_find(struct features_cache *cache, const char *key);
/* Keeps a reference, unless the picture alone is over the bound. */
void features_cache_add(struct features_cache *cache, struct features *features);
size_t features_cache_bytes(const struct features_cache *cache);

#endif
