#include "model/kv_cache.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Planes of the reservation: layer 0's keys, its values, layer 1's keys, ... each a whole number of pages. */
struct kv_cache {
    struct kv_pool *pool;
    char *base;
    size_t plane_bytes, page_bytes;
    int max_positions, n_reserved;
};

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

/* What `n_positions` take of one plane. */
static size_t plane_cost(const struct kv_pool *pool, int n_positions, size_t page_bytes)
{
    return round_up((size_t)n_positions * pool->width * sizeof(float), page_bytes);
}

size_t kv_pool_cost(const struct kv_pool *pool, int n_positions)
{
    return 2 * (size_t)pool->n_layers *
           plane_cost(pool, n_positions, (size_t)sysconf(_SC_PAGESIZE));
}

struct kv_cache *kv_cache_new(struct kv_pool *pool, int max_positions, GError **error)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), n_bytes = kv_pool_cost(pool, max_positions);
    void *base = mmap(NULL, MAX(n_bytes, page_bytes), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO,
                    "cannot reserve keys and values of %d positions: %s", max_positions,
                    g_strerror(errno));
        return NULL;
    }
    struct kv_cache *cache = g_new0(struct kv_cache, 1);
    cache->pool = pool;
    cache->base = base;
    cache->page_bytes = page_bytes;
    cache->plane_bytes = plane_cost(pool, max_positions, page_bytes);
    cache->max_positions = max_positions;
    return cache;
}

void kv_cache_free(struct kv_cache *cache)
{
    if (!cache)
        return;
    cache->pool->used_bytes -= kv_pool_cost(cache->pool, cache->n_reserved);
    munmap(cache->base,
           MAX(kv_pool_cost(cache->pool, cache->max_positions), cache->page_bytes));
    g_free(cache);
}

/* Returns to the system what every plane holds above `n_positions`. */
static void give_back(struct kv_cache *cache, int n_positions)
{
    size_t keep = plane_cost(cache->pool, n_positions, cache->page_bytes);
    size_t had = plane_cost(cache->pool, cache->n_reserved, cache->page_bytes);
    if (keep == had)
        return;
    for (int i = 0; i < 2 * cache->pool->n_layers; i++)
        madvise(cache->base + (size_t)i * cache->plane_bytes + keep, had - keep, MADV_DONTNEED);
}

bool kv_cache_reserve(struct kv_cache *cache, int n_positions)
{
    g_assert(n_positions >= 0 && n_positions <= cache->max_positions);
    struct kv_pool *pool = cache->pool;
    size_t others = pool->used_bytes - kv_pool_cost(pool, cache->n_reserved);
    size_t cost = kv_pool_cost(pool, n_positions);
    if (n_positions > cache->n_reserved && (others > pool->max_bytes || cost > pool->max_bytes - others))
        return false;
    if (n_positions < cache->n_reserved)
        give_back(cache, n_positions);
    pool->used_bytes = others + cost;
    cache->n_reserved = n_positions;
    return true;
}

int kv_cache_reserved(const struct kv_cache *cache)
{
    return cache->n_reserved;
}

float *kv_cache_keys(const struct kv_cache *cache, int i_layer)
{
    return (float *)(void *)(cache->base + 2 * (size_t)i_layer * cache->plane_bytes);
}

float *kv_cache_values(const struct kv_cache *cache, int i_layer)
{
    return (float *)(void *)(cache->base + (2 * (size_t)i_layer + 1) * cache->plane_bytes);
}
