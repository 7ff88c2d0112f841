#include "model/features.h"

#include <glib.h>

struct features *features_new(const char *key, float *rows, int n_rows, int width, int *order,
                              int n_slots)
{
    struct features *features = g_new(struct features, 1);
    *features = (struct features){.n_references = 1,
                                  .key = g_strdup(key),
                                  .rows = rows,
                                  .n_rows = n_rows,
                                  .width = width,
                                  .order = order,
                                  .n_slots = n_slots};
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
    digest[16] = '\0';
    features->id = MAX(g_ascii_strtoull(digest, NULL, 16), 1);
    return features;
}

struct features *features_ref(struct features *features)
{
    g_atomic_int_inc(&features->n_references);
    return features;
}

void features_unref(struct features *features)
{
    if (!features || !g_atomic_int_dec_and_test(&features->n_references))
        return;
    g_free(features->key);
    g_free(features->rows);
    g_free(features->order);
    g_free(features);
}

struct features_cache {
    GQueue pictures; /* struct features, the latest used first; few enough to look through */
    size_t max_bytes, n_bytes;
};

static size_t features_bytes(const struct features *features)
{
    return (size_t)features->n_rows * (size_t)features->width * sizeof(float) +
           (size_t)features->n_slots * sizeof(int);
}

struct features_cache *features_cache_new(size_t max_bytes)
{
    struct features_cache *cache = g_new0(struct features_cache, 1);
    g_queue_init(&cache->pictures);
    cache->max_bytes = max_bytes;
    return cache;
}

void features_cache_free(struct features_cache *cache)
{
    if (!cache)
        return;
    g_queue_clear_full(&cache->pictures, (GDestroyNotify)features_unref);
    g_free(cache);
}

struct features *features_cache_find(struct features_cache *cache, const char *key)
{
    for (GList *link = cache->pictures.head; link; link = link->next) {
        struct features *features = link->data;
        if (g_str_equal(features->key, key)) {
            g_queue_unlink(&cache->pictures, link);
            g_queue_push_head_link(&cache->pictures, link);
            return features_ref(features);
        }
    }
    return NULL;
}

void features_cache_add(struct features_cache *cache, struct features *features)
{
    size_t n_bytes = features_bytes(features);
    if (n_bytes > cache->max_bytes)
        return;
    while (cache->n_bytes > cache->max_bytes - n_bytes) {
        struct features *last = g_queue_pop_tail(&cache->pictures);
        cache->n_bytes -= features_bytes(last);
        features_unref(last);
    }
    g_queue_push_head(&cache->pictures, features_ref(features));
    cache->n_bytes += n_bytes;
}

size_t features_cache_bytes(const struct features_cache *cache)
{
    return cache->n_bytes;
}
