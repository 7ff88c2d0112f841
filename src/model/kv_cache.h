/* kv_cache.h -- the keys and values of one session, planned against a bound that all sessions share.
 *
 * A cache reserves address space for its longest timeline and takes memory only for the positions that were promised to
 * it, so kernels see each layer as one contiguous array while short sessions stay small: the page table of the system is
 * the page table of the cache. What is promised counts against the pool whether it is written yet or not; a session that
 * has its promise can therefore never run out of memory half way. */
#ifndef FIRE_MODEL_KV_CACHE_H
#define FIRE_MODEL_KV_CACHE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* The bound, and the form of a position. Counts are in bytes. */
struct kv_pool {
    int n_layers;
    size_t width; /* floats of a position's keys in one layer: key-value heads * head dimension */
    size_t max_bytes, used_bytes;
};

struct kv_cache;

/* Bytes that `n_positions` cost. */
size_t kv_pool_cost(const struct kv_pool *pool, int n_positions);

/* `pool` is borrowed for the cache's life. FIRE_ERROR_IO where the system has no address space for `max_positions`. */
struct kv_cache *kv_cache_new(struct kv_pool *pool, int max_positions, GError **error);
void kv_cache_free(struct kv_cache *cache); /* accepts NULL */

/* Promises room for positions 0 .. n_positions - 1 (at most max_positions). False where the pool is short: nothing has
 * changed then. A smaller number than before gives back what lies above. */
bool kv_cache_reserve(struct kv_cache *cache, int n_positions);
int kv_cache_reserved(const struct kv_cache *cache);

/* Position 0 of a layer's keys and values; each position is `pool->width` floats after the one before. */
float *kv_cache_keys(const struct kv_cache *cache, int i_layer);
float *kv_cache_values(const struct kv_cache *cache, int i_layer);

#endif
