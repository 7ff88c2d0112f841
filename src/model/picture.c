#include "model/picture.h"

#include <glib.h>

struct picture *picture_new(const char *key, float *features, int n_features, int width, int *order,
                            int n_slots)
{
    struct picture *picture = g_new(struct picture, 1);
    *picture = (struct picture){.n_references = 1,
                                .key = g_strdup(key),
                                .features = features,
                                .n_features = n_features,
                                .width = width,
                                .order = order,
                                .n_slots = n_slots};
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
    digest[16] = '\0';
    picture->id = MAX(g_ascii_strtoull(digest, NULL, 16), 1);
    return picture;
}

struct picture *picture_ref(struct picture *picture)
{
    g_atomic_int_inc(&picture->n_references);
    return picture;
}

void picture_unref(struct picture *picture)
{
    if (!picture || !g_atomic_int_dec_and_test(&picture->n_references))
        return;
    g_free(picture->key);
    g_free(picture->features);
    g_free(picture->order);
    g_free(picture);
}

struct picture_cache {
    GQueue pictures; /* struct picture, the latest used first; few enough to look through */
    size_t max_bytes, n_bytes;
};

static size_t picture_bytes(const struct picture *picture)
{
    return (size_t)picture->n_features * (size_t)picture->width * sizeof(float) +
           (size_t)picture->n_slots * sizeof(int);
}

struct picture_cache *picture_cache_new(size_t max_bytes)
{
    struct picture_cache *cache = g_new0(struct picture_cache, 1);
    g_queue_init(&cache->pictures);
    cache->max_bytes = max_bytes;
    return cache;
}

void picture_cache_free(struct picture_cache *cache)
{
    if (!cache)
        return;
    g_queue_clear_full(&cache->pictures, (GDestroyNotify)picture_unref);
    g_free(cache);
}

struct picture *picture_cache_find(struct picture_cache *cache, const char *key)
{
    for (GList *link = cache->pictures.head; link; link = link->next) {
        struct picture *picture = link->data;
        if (g_str_equal(picture->key, key)) {
            g_queue_unlink(&cache->pictures, link);
            g_queue_push_head_link(&cache->pictures, link);
            return picture_ref(picture);
        }
    }
    return NULL;
}

void picture_cache_add(struct picture_cache *cache, struct picture *picture)
{
    size_t n_bytes = picture_bytes(picture);
    if (n_bytes > cache->max_bytes)
        return;
    while (cache->n_bytes > cache->max_bytes - n_bytes) {
        struct picture *last = g_queue_pop_tail(&cache->pictures);
        cache->n_bytes -= picture_bytes(last);
        picture_unref(last);
    }
    g_queue_push_head(&cache->pictures, picture_ref(picture));
    cache->n_bytes += n_bytes;
}

size_t picture_cache_bytes(const struct picture_cache *cache)
{
    return cache->n_bytes;
}
