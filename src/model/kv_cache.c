#include "model/kv_cache.h"

#include "model/big_block.h"

#include <string.h>

struct kv_block {
    int n_references; /* caches that have it */
    char *data;
};

static size_t plane_bytes(const struct kv_pool *pool)
{
    const struct attention_shape *shape = &pool->shape;
    return (size_t)KV_BLOCK * (size_t)shape->n_kv_heads * (size_t)shape->head_dim *
           (shape->cache == CACHE_F32 ? sizeof(float) : sizeof(uint16_t));
}

void kv_pool_init(struct kv_pool *pool, int n_layers, const struct attention_shape *shape)
{
    *pool = (struct kv_pool){.n_layers = n_layers, .shape = *shape};
    pool->shape.position_stride = (size_t)shape->head_dim;
    pool->shape.head_stride = (size_t)shape->head_dim * KV_BLOCK;
    pool->block_bytes = big_block_bytes(2 * (size_t)n_layers * plane_bytes(pool));
}

void kv_pool_limit(struct kv_pool *pool, size_t max_bytes)
{
    pool->max_blocks = (int)MIN(max_bytes / pool->block_bytes, (size_t)G_MAXINT / KV_BLOCK);
}

static void block_free(const struct kv_pool *pool, struct kv_block *block)
{
    big_block_free(block->data, pool->block_bytes);
    g_free(block);
}

void kv_pool_clear(struct kv_pool *pool)
{
    g_assert(pool->n_blocks == 0);
    for (GSList *link = pool->spare; link; link = link->next)
        block_free(pool, link->data);
    g_slist_free(pool->spare);
    *pool = (struct kv_pool){0};
}

int kv_blocks_of(int n_positions)
{
    return (n_positions + KV_BLOCK - 1) / KV_BLOCK;
}

/* NULL where the bound or the machine's memory is reached. */
static struct kv_block *pool_take(struct kv_pool *pool)
{
    if (pool->n_blocks >= pool->max_blocks)
        return NULL;
    struct kv_block *block;
    if (pool->spare) {
        block = pool->spare->data;
        pool->spare = g_slist_delete_link(pool->spare, pool->spare);
    } else {
        char *data = big_block_new(pool->block_bytes, "keys and values", NULL);
        if (!data)
            return NULL;
        block = g_new(struct kv_block, 1);
        block->data = data;
    }
    block->n_references = 1;
    pool->n_blocks++;
    return block;
}

static void pool_return(struct kv_pool *pool, struct kv_block *block)
{
    if (--block->n_references > 0)
        return;
    pool->n_blocks--;
    pool->spare = g_slist_prepend(pool->spare, block);
}

void kv_cache_init(struct kv_cache *cache, struct kv_pool *pool, int max_positions)
{
    *cache = (struct kv_cache){.pool = pool, .max_blocks = kv_blocks_of(max_positions)};
    cache->blocks = g_ptr_array_new();
    cache->spans = g_new0(struct attention_span, (gsize)pool->n_layers * (gsize)cache->max_blocks);
}

void kv_cache_clear(struct kv_cache *cache)
{
    if (!cache->blocks)
        return;
    kv_cache_cut(cache, 0);
    g_ptr_array_unref(cache->blocks);
    g_free(cache->spans);
    *cache = (struct kv_cache){0};
}

/* Makes `block`, which the cache now owns a reference of, its i-th. */
static void set_block(struct kv_cache *cache, guint i, struct kv_block *block)
{
    if (i == cache->blocks->len)
        g_ptr_array_add(cache->blocks, block);
    else
        cache->blocks->pdata[i] = block;
    size_t plane = plane_bytes(cache->pool);
    for (int layer = 0; layer < cache->pool->n_layers; layer++) {
        char *keys = block->data + 2 * (size_t)layer * plane;
        cache->spans[(size_t)layer * (size_t)cache->max_blocks + i] =
            (struct attention_span){keys, keys + plane, KV_BLOCK};
    }
}

/* The block that position n_keep goes to holds kept positions too, and is another cache's as well: it needs a copy. */
static bool is_cut_block_shared(const struct kv_cache *cache, int n_keep)
{
    guint i = (guint)n_keep / KV_BLOCK;
    return n_keep % KV_BLOCK > 0 && i < cache->blocks->len &&
           ((const struct kv_block *)cache->blocks->pdata[i])->n_references > 1;
}

bool kv_cache_reserve(struct kv_cache *cache, int n_keep, int n_positions)
{
    struct kv_pool *pool = cache->pool;
    kv_cache_cut(cache, n_keep);
    guint n_kept = cache->blocks->len, n_wanted = (guint)kv_blocks_of(n_positions), n = 0;
    g_assert(n_wanted >= n_kept && n_wanted <= (guint)cache->max_blocks);
    bool copies = n_positions > n_keep && is_cut_block_shared(cache, n_keep);
    guint n_new = n_wanted - n_kept + (copies ? 1 : 0);
    g_autofree struct kv_block **fresh = g_new(struct kv_block *, n_new);
    while (n < n_new && (fresh[n] = pool_take(pool)))
        n++;
    if (n < n_new) {
        while (n > 0)
            pool_return(pool, fresh[--n]);
        return false;
    }
    if (copies) {
        struct kv_block *old = cache->blocks->pdata[n_kept - 1];
        memcpy(fresh[--n]->data, old->data, pool->block_bytes);
        pool_return(pool, old);
        set_block(cache, n_kept - 1, fresh[n]);
    }
    while (n > 0)
        set_block(cache, cache->blocks->len, fresh[--n]);
    return true;
}

void kv_cache_share(struct kv_cache *cache, const struct kv_cache *other, int n_positions)
{
    guint n = (guint)kv_blocks_of(n_positions);
    g_assert(cache != other && n <= other->blocks->len && n <= (guint)cache->max_blocks);
    for (guint i = 0; i < n; i++)
        ((struct kv_block *)other->blocks->pdata[i])->n_references++;
    kv_cache_cut(cache, 0);
    for (guint i = 0; i < n; i++)
        set_block(cache, i, other->blocks->pdata[i]);
}

void kv_cache_cut(struct kv_cache *cache, int n_positions)
{
    guint n = (guint)kv_blocks_of(n_positions);
    while (cache->blocks->len > n)
        pool_return(cache->pool, g_ptr_array_remove_index(cache->blocks, cache->blocks->len - 1));
}

const struct attention_span *kv_cache_spans(const struct kv_cache *cache, int i_layer)
{
    return cache->spans + (size_t)i_layer * (size_t)cache->max_blocks;
}

void kv_cache_store(struct kv_cache *cache, const struct backend *backend, int i_layer,
                    int position, const float *keys, const float *values)
{
    const struct attention_shape *shape = &cache->pool->shape;
    struct kv_block *block = cache->blocks->pdata[position / KV_BLOCK];
    size_t unit = shape->cache == CACHE_F32 ? sizeof(float) : sizeof(uint16_t);
    size_t plane = plane_bytes(cache->pool);
    char *at = block->data + 2 * (size_t)i_layer * plane +
               (size_t)(position % KV_BLOCK) * shape->position_stride * unit;
    backend->cache_store(at, keys, shape);
    backend->cache_store(at + plane, values, shape);
}
