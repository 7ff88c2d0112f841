/* kv_cache: caches that share blocks behave as if each had memory of its own. */
#include "base/rng.h"
#include "model/kv_cache.h"

enum { N_LAYERS = 2, WIDTH = 6, N_CACHES = 5, MAX_POSITIONS = 5 * KV_BLOCK + 7 };

/* What a cache should hold: a number for each position. */
struct twin {
    struct kv_cache cache;
    int n; /* positions written */
    float values[MAX_POSITIONS];
};

static const struct attention_shape shape = {
    .n_heads = 4, .n_kv_heads = 2, .head_dim = 3, .scale = 1, .cache = CACHE_F32};

static void write_position(struct twin *twin, int position, float value)
{
    for (int layer = 0; layer < N_LAYERS; layer++) {
        float keys[WIDTH], values[WIDTH];
        for (int i = 0; i < WIDTH; i++) {
            keys[i] = value + (float)(100 * layer + i);
            values[i] = -keys[i];
        }
        kv_cache_store(&twin->cache, &backend_ref, layer, position, keys, values);
    }
    twin->values[position] = value;
}

static void check(const struct twin *twin)
{
    const struct attention_shape *s = &twin->cache.pool->shape;
    for (int layer = 0; layer < N_LAYERS; layer++)
        for (int position = 0; position < twin->n; position++) {
            const struct attention_span *span =
                kv_cache_spans(&twin->cache, layer) + position / KV_BLOCK;
            g_assert_cmpint(span->n_positions, ==, KV_BLOCK);
            for (int i = 0; i < WIDTH; i++) {
                size_t at = (size_t)(position % KV_BLOCK) * s->position_stride +
                            (size_t)(i / 3) * s->head_stride + (size_t)(i % 3);
                float expected = twin->values[position] + (float)(100 * layer + i);
                g_assert_cmpfloat(((const float *)span->keys)[at], ==, expected);
                g_assert_cmpfloat(((const float *)span->values)[at], ==, -expected);
            }
        }
}

/* Keeps a beginning, asks for more, writes some of it. */
static void go_on(struct twin *twin, struct rng *rng)
{
    int keep = (int)rng_below(rng, (uint64_t)twin->n + 1);
    int wanted = keep + (int)rng_below(rng, (uint64_t)(MAX_POSITIONS - keep) + 1);
    if (!kv_cache_reserve(&twin->cache, keep, wanted)) {
        g_assert_cmpint(twin->cache.pool->n_blocks, <=, twin->cache.pool->max_blocks);
        twin->n = keep;
        return;
    }
    twin->n = keep + (int)rng_below(rng, (uint64_t)(wanted - keep) + 1);
    for (int position = keep; position < twin->n; position++)
        write_position(twin, position, (float)rng_below(rng, 1 << 16));
}

static void share(struct twin *twin, const struct twin *other, struct rng *rng)
{
    int n = (int)rng_below(rng, (uint64_t)other->n + 1);
    kv_cache_share(&twin->cache, &other->cache, n);
    for (int i = 0; i < n; i++)
        twin->values[i] = other->values[i];
    twin->n = n;
}

static void test_random(void)
{
    struct kv_pool pool;
    struct twin *twins = g_new0(struct twin, N_CACHES);
    struct rng rng;
    rng_init(&rng, 1, 0);
    kv_pool_init(&pool, N_LAYERS, &shape);
    kv_pool_limit(&pool, 14 * pool.block_bytes + 1);
    g_assert_cmpint(pool.max_blocks, ==, 14);
    for (int i = 0; i < N_CACHES; i++)
        kv_cache_init(&twins[i].cache, &pool, MAX_POSITIONS);
    for (int step = 0; step < 600; step++) {
        struct twin *twin = &twins[rng_below(&rng, N_CACHES)];
        const struct twin *other = &twins[rng_below(&rng, N_CACHES)];
        if (twin != other && rng_below(&rng, 3) == 0) {
            share(twin, other, &rng);
        } else if (rng_below(&rng, 5) == 0) {
            twin->n = (int)rng_below(&rng, (uint64_t)twin->n + 1);
            kv_cache_cut(&twin->cache, twin->n);
        } else {
            go_on(twin, &rng);
        }
        g_assert_cmpint(pool.n_blocks, <=, pool.max_blocks);
        for (int i = 0; i < N_CACHES; i++)
            check(&twins[i]);
    }
    for (int i = 0; i < N_CACHES; i++)
        kv_cache_clear(&twins[i].cache);
    g_assert_cmpint(pool.n_blocks, ==, 0);
    kv_pool_clear(&pool);
    g_free(twins);
}

/* What is shared costs nothing; going on within a shared block costs one. */
static void test_cost(void)
{
    struct kv_pool pool;
    struct kv_cache a, b;
    kv_pool_init(&pool, N_LAYERS, &shape);
    kv_pool_limit(&pool, 5 * pool.block_bytes);
    kv_cache_init(&a, &pool, MAX_POSITIONS);
    kv_cache_init(&b, &pool, MAX_POSITIONS);
    g_assert_true(kv_cache_reserve(&a, 0, 2 * KV_BLOCK + 1));
    g_assert_cmpint(pool.n_blocks, ==, 3);
    kv_cache_share(&b, &a, KV_BLOCK + 3);
    g_assert_cmpint(pool.n_blocks, ==, 3);
    g_assert_true(kv_cache_reserve(&b, KV_BLOCK + 3, KV_BLOCK + 3)); /* nothing to write */
    g_assert_cmpint(pool.n_blocks, ==, 3);
    g_assert_false(kv_cache_reserve(&b, KV_BLOCK + 3, 4 * KV_BLOCK)); /* a copy and two more */
    g_assert_cmpint(pool.n_blocks, ==, 3);
    g_assert_true(kv_cache_reserve(&b, KV_BLOCK + 3, 3 * KV_BLOCK));
    g_assert_cmpint(pool.n_blocks, ==, 5);
    kv_cache_clear(&a);
    g_assert_cmpint(pool.n_blocks, ==, 3);
    kv_cache_clear(&b);
    kv_pool_clear(&pool);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kv_cache/random", test_random);
    g_test_add_func("/kv_cache/cost", test_cost);
    return g_test_run();
}
