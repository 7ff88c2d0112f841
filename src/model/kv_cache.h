/* kv_cache.h -- the keys and values of a session, in blocks of a pool that all sessions share.
 *
 * A block holds KV_BLOCK positions of all layers. The pool knows how many blocks it may have; a session is promised all
 * blocks of its request before it starts, so it can never run short half way. A block may belong to several caches: a
 * prefix that two sessions have in common is one memory. Shared blocks are never written: a cache that goes on within one
 * gets a copy of it first.
 *
 * Within a block: layer, then keys and values, then head, then position, so that what one head looks at is one stream. */
#ifndef FIRE_MODEL_KV_CACHE_H
#define FIRE_MODEL_KV_CACHE_H

#include "num/backend.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

enum { KV_BLOCK = 32 };

struct kv_block;

struct kv_pool {
    int n_layers;
    struct attention_shape shape; /* what attention is told about the blocks */
    size_t block_bytes;
    int max_blocks, n_blocks; /* the bound, and those in use */
    GSList *spare;            /* struct kv_block: allocated and unused */
};

struct kv_cache {
    struct kv_pool *pool;
    GPtrArray *blocks;            /* struct kv_block */
    struct attention_span *spans; /* (n_layers, max_blocks) */
    int max_blocks;
};

/* `shape` without strides, which the pool chooses. It may have no block before kv_pool_limit. */
void kv_pool_init(struct kv_pool *pool, int n_layers, const struct attention_shape *shape);
void kv_pool_limit(struct kv_pool *pool, size_t max_bytes);
void kv_pool_clear(struct kv_pool *pool); /* no cache may be left; accepts a zeroed one */

/* Blocks of n positions. */
int kv_blocks_of(int n_positions);

/* `pool` is borrowed for the cache's life. */
void kv_cache_init(struct kv_cache *cache, struct kv_pool *pool, int max_positions);
void kv_cache_clear(struct kv_cache *cache); /* accepts a zeroed one */

/* Keeps positions 0 .. n_keep - 1 and makes room for n_positions, of which those from n_keep on may be written. False where
 * the pool is short: then the kept ones are all there is. */
bool kv_cache_reserve(struct kv_cache *cache, int n_keep, int n_positions);

/* Makes the first positions of `other` (at least n of them are there) those of `cache`, which loses its own. Whole blocks
 * and the last, cut one are shared. */
void kv_cache_share(struct kv_cache *cache, const struct kv_cache *other, int n_positions);

/* Gives back the blocks beyond n positions. */
void kv_cache_cut(struct kv_cache *cache, int n_positions);

/* The spans of a layer, as `struct attention_row` wants them. */
const struct attention_span *kv_cache_spans(const struct kv_cache *cache, int i_layer);

/* Stores keys and values, each (G, D), of one position that was reserved for writing. */
void kv_cache_store(struct kv_cache *cache, const struct backend *backend, int i_layer,
                    int position, const float *keys, const float *values);

#endif
