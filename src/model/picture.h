/* picture.h -- a picture as the decoder needs it: the tower's features and the order in which they are read.
 *
 * The tower is the costly part and knows no adapter, so its output is what is kept and shared: student and teacher encode
 * a picture once between them. The projector, which an adapter may replace, runs where the rows enter the decoder. */
#ifndef FIRE_MODEL_PICTURE_H
#define FIRE_MODEL_PICTURE_H

#include <stddef.h>
#include <stdint.h>

enum { PICTURE_NEWLINE = -1 };

/* Immutable once made; counted references, from any thread. */
struct picture {
    int n_references;
    uint64_t id; /* of `key`; never 0 */
    char *
        key; /* digest of the file and the way it was cut, whatever the caller tells pictures apart by */
    float *features; /* (n_features, width): tile by tile, the base first, without class tokens */
    int n_features, width;
    int *order; /* (n_slots): rows of `features` or PICTURE_NEWLINE, as the decoder reads them */
    int n_slots;
};

/* Takes over `features` and `order` (g_malloc). */
struct picture *picture_new(const char *key, float *features, int n_features, int width, int *order,
                            int n_slots);
struct picture *picture_ref(struct picture *picture);
void picture_unref(struct picture *picture); /* accepts NULL */

/* Least recently used pictures, up to a bound. Not for several threads. */
struct picture_cache;

struct picture_cache *picture_cache_new(size_t max_bytes);
void picture_cache_free(struct picture_cache *cache); /* accepts NULL */
/* A new reference, or NULL. */
struct picture *picture_cache_find(struct picture_cache *cache, const char *key);
/* Keeps a reference, unless the picture alone is over the bound. */
void picture_cache_add(struct picture_cache *cache, struct picture *picture);
size_t picture_cache_bytes(const struct picture_cache *cache);

#endif
