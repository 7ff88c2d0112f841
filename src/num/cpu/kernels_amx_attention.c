/* kernels_amx_attention.c -- flash attention with AMX tiles, bf16 products and f32 sums.
 *
 * The scheme is that of kernels_attention.c: the queries of all rows, and of all heads that share a key-value head, stand below
 * each other, and positions pass by in blocks of 64, counted from the start of the sequence, whatever spans they come from.
 *
 *   scores (16, 64) = q (16, D) keys^T    probabilities 2^(s - m), masked    out (16, D) += p (16, 64) values (64, D)
 *
 * Queries are scaled by scale * log2(e) before they are rounded. Keys are turned, and values interleaved, into tiles of B once a
 * block and key-value head, for all queries of the task. */
#include "num/cpu/kernels_amx.h"

#include "num/cpu/amx_tiles.h"
#include "num/cpu/vector.h"

#include <immintrin.h>
#include <math.h>

enum { BLOCK = 64, QUERIES = 128 };

/* Scratch memory of one thread, tiles of 1,024 bytes first. */
struct scratch {
    char *q;              /* (query tiles, D/32) A */
    char *keys;           /* (D/32, 4) B: 32 elements of a head, 16 positions */
    char *values;         /* (D/16, 2) B: 32 positions, 16 elements */
    char *p;              /* (2) A: 16 queries, 32 positions */
    float *scores;        /* (4) sums: 16 queries, 16 positions */
    float *out;           /* (query tiles, D/16) sums */
    float *highest, *sum; /* (queries) */
    char *zeros;          /* a row of keys or values */
    int n_query_tiles, n_key_tiles, n_value_tiles;
};

static size_t carve(struct scratch *s, char *at, int n_queries, int head_dim)
{
    const char *start = at;
    s->n_query_tiles = (n_queries + TILE_ROWS - 1) / TILE_ROWS;
    s->n_key_tiles = (head_dim + TILE_K - 1) / TILE_K;
    s->n_value_tiles = (head_dim + TILE_ROWS - 1) / TILE_ROWS;
    s->q = at, at += s->n_query_tiles * s->n_key_tiles * TILE_BYTES;
    s->keys = at, at += s->n_key_tiles * (BLOCK / TILE_ROWS) * TILE_BYTES;
    s->values = at, at += s->n_key_tiles * 2 * (BLOCK / TILE_K) * TILE_BYTES;
    s->p = at, at += BLOCK / TILE_K * TILE_BYTES;
    s->scores = (float *)at, at += BLOCK / TILE_ROWS * TILE_BYTES;
    s->out = (float *)at, at += s->n_query_tiles * s->n_value_tiles * TILE_BYTES;
    s->highest = (float *)at, at += s->n_query_tiles * TILE_ROWS * (int)sizeof(float);
    s->sum = (float *)at, at += s->n_query_tiles * TILE_ROWS * (int)sizeof(float);
    s->zeros = at, at += s->n_key_tiles * TILE_K * (int)sizeof(float);
    return (size_t)(at - start);
}

static size_t scratch_bytes(const struct attention_shape *shape, int n_queries)
{
    struct scratch s;
    char here[1];
    return carve(&s, here, n_queries, shape->head_dim);
}

/* Masks of the first n of 32 elements. */
KERNEL_INLINE __mmask32 first_lanes(int n)
{
    return n >= TILE_K ? ~(__mmask32)0 : n > 0 ? ((__mmask32)1 << n) - 1 : 0;
}

/* 32 elements of a row in memory, those that `lanes` names, as bf16; zeros elsewhere. */
KERNEL_INLINE __m512i load_bf16(const void *row, enum cache_type type, int from, __mmask32 lanes)
{
    if (type == CACHE_BF16)
        return _mm512_maskz_loadu_epi16(lanes, (const uint16_t *)row + from);
    __m512 low = _mm512_maskz_loadu_ps((__mmask16)lanes, (const float *)row + from);
    __m512 high = _mm512_maskz_loadu_ps((__mmask16)(lanes >> 16), (const float *)row + from + 16);
    return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

static void load_queries(struct scratch *s, const float *q, int n_queries,
                         const struct attention_shape *shape, int kv_head)
{
    int group = shape->n_heads / shape->n_kv_heads, d = shape->head_dim;
    __m512 factor = _mm512_set1_ps(shape->scale * 1.44269504f);
    for (int m = 0; m < s->n_query_tiles * TILE_ROWS; m++) {
        const float *from = q + ((size_t)(m / group) * (size_t)shape->n_heads +
                                 (size_t)(kv_head * group + m % group)) *
                                    (size_t)d;
        char *to = s->q + (size_t)(m / TILE_ROWS) * (size_t)s->n_key_tiles * TILE_BYTES +
                   m % TILE_ROWS * LINE;
        for (int i = 0; i < d; i += TILE_K, to += TILE_BYTES) {
            __mmask32 lanes = m < n_queries ? first_lanes(d - i) : 0;
            __m512 low = _mm512_maskz_loadu_ps((__mmask16)lanes, from + i);
            __m512 high = _mm512_maskz_loadu_ps((__mmask16)(lanes >> 16), from + i + 16);
            _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(_mm512_mul_ps(high, factor),
                                                                 _mm512_mul_ps(low, factor)));
        }
        s->highest[m] = -3e38f;
        s->sum[m] = 0;
    }
    memset(s->zeros, 0, (size_t)s->n_key_tiles * TILE_K * sizeof(float));
    memset(s->out, 0, (size_t)s->n_query_tiles * (size_t)s->n_value_tiles * TILE_BYTES);
}

/* Where the positions of a block stand; behind the last one a row of zeros. */
struct places {
    const void *keys[BLOCK], *values[BLOCK];
};

/* A walk along the spans of a sequence. */
struct walk {
    const struct attention_span *span;
    int position; /* in the span */
};

static void find_block(struct places *places, struct walk *walk,
                       const struct attention_shape *shape, int kv_head, int n, const void *zeros)
{
    size_t element = shape->cache == CACHE_F32 ? sizeof(float) : sizeof(uint16_t);
    for (int t = 0; t < BLOCK; t++) {
        places->keys[t] = places->values[t] = zeros;
        if (t >= n)
            continue;
        for (; walk->position == walk->span->n_positions; walk->position = 0)
            walk->span++;
        size_t at = ((size_t)walk->position++ * shape->position_stride +
                     (size_t)kv_head * shape->head_stride) *
                    element;
        places->keys[t] = (const char *)walk->span->keys + at;
        places->values[t] = (const char *)walk->span->values + at;
    }
}

KERNEL_INLINE void load_block(struct scratch *s, const struct places *places, int head_dim,
                              const enum cache_type type)
{
    char *to = s->keys;
    for (int i = 0; i < head_dim; i += TILE_K) {
        __mmask32 lanes = first_lanes(head_dim - i);
        for (int t = 0; t < BLOCK; t += TILE_ROWS, to += TILE_BYTES) {
            f32x16 v[LANES];
            for (int j = 0; j < TILE_ROWS; j++)
                v[j] = (f32x16)load_bf16(places->keys[t + j], type, i, lanes);
            turn(v);
            memcpy(to, v, sizeof v);
        }
    }
    to = s->values; /* two tiles of 16 elements at a time; the second may lie behind the last one */
    for (int i = 0; i < head_dim; i += TILE_K, to += 4 * TILE_BYTES) {
        __mmask32 lanes = first_lanes(head_dim - i);
        for (int t = 0; t < BLOCK; t += 2) {
            __m512i even = load_bf16(places->values[t], type, i, lanes),
                    odd = load_bf16(places->values[t + 1], type, i, lanes);
            __m512i low = _mm512_or_si512(
                _mm512_cvtepu16_epi32(_mm512_castsi512_si256(even)),
                _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(odd)), 16));
            __m512i high = _mm512_or_si512(
                _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(even, 1)),
                _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(odd, 1)), 16));
            _mm512_storeu_si512(to + t / 2 * LINE, low);
            _mm512_storeu_si512(to + 2 * TILE_BYTES + t / 2 * LINE, high);
        }
    }
}

/* s->scores of one tile of queries. */
static void score(const struct scratch *s, int query_tile)
{
    const char *a = s->q + (size_t)query_tile * (size_t)s->n_key_tiles * TILE_BYTES, *b = s->keys;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int i = 0; i < s->n_key_tiles; i++, a += TILE_BYTES, b += 4 * TILE_BYTES) {
        _tile_loadd(4, a, LINE);
        _tile_loadd(5, b, LINE);
        _tile_dpbf16ps(0, 4, 5);
        _tile_loadd(6, b + TILE_BYTES, LINE);
        _tile_dpbf16ps(1, 4, 6);
        _tile_loadd(7, b + 2 * TILE_BYTES, LINE);
        _tile_dpbf16ps(2, 4, 7);
        _tile_loadd(5, b + 3 * TILE_BYTES, LINE);
        _tile_dpbf16ps(3, 4, 5);
    }
    _tile_stored(0, s->scores, LINE);
    _tile_stored(1, s->scores + 256, LINE);
    _tile_stored(2, s->scores + 512, LINE);
    _tile_stored(3, s->scores + 768, LINE);
}

/* 2^x for x <= 0: x = n + f, |f| <= 1/2; Taylor terms of 2^f to f^5 (the next is below 3e-6). */
KERNEL_INLINE __m512 exp2_below(__m512 x)
{
    __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
           f = _mm512_sub_ps(x, n);
    __m512 e = _mm512_fmadd_ps(_mm512_set1_ps(1.3333558e-3f), f, _mm512_set1_ps(9.6181291e-3f));
    e = _mm512_fmadd_ps(e, f, _mm512_set1_ps(5.5504109e-2f));
    e = _mm512_fmadd_ps(e, f, _mm512_set1_ps(2.4022651e-1f));
    e = _mm512_fmadd_ps(e, f, _mm512_set1_ps(6.9314718e-1f));
    e = _mm512_fmadd_ps(e, f, _mm512_set1_ps(1));
    return _mm512_scalef_ps(e, n);
}

/* Row r of the scores to probabilities, where `seen` has bits; returns the factor for what was summed up before. */
KERNEL_INLINE float soften(const struct scratch *s, int r, uint64_t seen, float *highest,
                           float *sum)
{
    __m512 v[4], top = _mm512_set1_ps(*highest), total = _mm512_setzero_ps();
    for (int j = 0; j < 4; j++) {
        v[j] = _mm512_mask_loadu_ps(_mm512_set1_ps(-3e38f), (__mmask16)(seen >> 16 * j),
                                    s->scores + 256 * j + 16 * r);
        top = _mm512_max_ps(top, v[j]);
    }
    float before = *highest;
    *highest = _mm512_reduce_max_ps(top);
    top = _mm512_set1_ps(*highest);
    for (int j = 0; j < 4; j++) {
        v[j] =
            _mm512_maskz_mov_ps((__mmask16)(seen >> 16 * j), exp2_below(_mm512_sub_ps(v[j], top)));
        total = _mm512_add_ps(total, v[j]);
        _mm256_storeu_si256((__m256i *)(s->p + j / 2 * TILE_BYTES + r * LINE + j % 2 * 32),
                            (__m256i)_mm512_cvtneps_pbh(v[j]));
    }
    float factor =
        before == *highest ? 1 : _mm512_cvtss_f32(exp2_below(_mm512_set1_ps(before - *highest)));
    *sum = *sum * factor + _mm512_reduce_add_ps(total);
    return factor;
}

/* out += p values of one tile of queries. */
static void gather(const struct scratch *s, int query_tile)
{
    float *out = s->out + (size_t)query_tile * (size_t)s->n_value_tiles * 256;
    const char *b = s->values;
    _tile_loadd(4, s->p, LINE);
    _tile_loadd(5, s->p + TILE_BYTES, LINE);
    int i = 0;
    for (; i + 2 <= s->n_value_tiles; i += 2, out += 512, b += 4 * TILE_BYTES) {
        _tile_loadd(0, out, LINE);
        _tile_loadd(6, b, LINE);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(1, out + 256, LINE);
        _tile_loadd(7, b + 2 * TILE_BYTES, LINE);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(6, b + TILE_BYTES, LINE);
        _tile_dpbf16ps(0, 5, 6);
        _tile_loadd(7, b + 3 * TILE_BYTES, LINE);
        _tile_dpbf16ps(1, 5, 7);
        _tile_stored(0, out, LINE);
        _tile_stored(1, out + 256, LINE);
    }
    if (i < s->n_value_tiles) {
        _tile_loadd(0, out, LINE);
        _tile_loadd(6, b, LINE);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, b + TILE_BYTES, LINE);
        _tile_dpbf16ps(0, 5, 7);
        _tile_stored(0, out, LINE);
    }
}

/* Bits of the positions of [start, start + n) that a row sees. */
static uint64_t seen_positions(const struct attention_row *row, int start, int n)
{
    int first = row->first > start ? row->first - start : 0,
        end = row->end - start < n ? row->end - start : n;
    if (first >= end)
        return 0;
    return (end == BLOCK ? ~UINT64_C(0) : (UINT64_C(1) << end) - 1) & (~UINT64_C(0) << first);
}

static void attend_block(struct scratch *s, const struct attention_row *rows, int n_queries,
                         int group, int start, int n)
{
    for (int tile = 0; tile < s->n_query_tiles; tile++) {
        uint64_t seen[TILE_ROWS], any = 0;
        for (int r = 0; r < TILE_ROWS; r++) {
            int m = tile * TILE_ROWS + r;
            any |= seen[r] = m < n_queries ? seen_positions(&rows[m / group], start, n) : 0;
        }
        if (!any)
            continue;
        score(s, tile);
        for (int r = 0; r < TILE_ROWS; r++) {
            float factor = 1;
            if (seen[r])
                factor = soften(s, r, seen[r], &s->highest[tile * TILE_ROWS + r],
                                &s->sum[tile * TILE_ROWS + r]);
            else
                for (int j = 0; j < BLOCK / TILE_K; j++)
                    memset(s->p + j * TILE_BYTES + r * LINE, 0, LINE);
            float *out = s->out + (size_t)tile * (size_t)s->n_value_tiles * 256 + 16 * r;
            for (int i = 0; factor != 1 && i < s->n_value_tiles; i++)
                _mm512_storeu_ps(out + 256 * i, _mm512_mul_ps(_mm512_loadu_ps(out + 256 * i),
                                                              _mm512_set1_ps(factor)));
        }
        gather(s, tile);
    }
}

static void store_outputs(const struct scratch *s, float *y, int n_queries,
                          const struct attention_shape *shape, int kv_head)
{
    int group = shape->n_heads / shape->n_kv_heads, d = shape->head_dim;
    for (int m = 0; m < n_queries; m++) {
        float *to = y + ((size_t)(m / group) * (size_t)shape->n_heads +
                         (size_t)(kv_head * group + m % group)) *
                            (size_t)d;
        const float *out =
            s->out + (size_t)(m / TILE_ROWS) * (size_t)s->n_value_tiles * 256 + m % TILE_ROWS * 16;
        __m512 factor = _mm512_set1_ps(s->sum[m] == 0 ? 0 : 1 / s->sum[m]);
        for (int i = 0; i < d; i += 16, out += 256) {
            __mmask16 lanes = (__mmask16)((1u << (d - i > 16 ? 16 : d - i)) - 1);
            _mm512_mask_storeu_ps(to + i, lanes, _mm512_mul_ps(_mm512_loadu_ps(out), factor));
        }
    }
}

static void attend(float *y, const float *q, const struct attention_row *rows, int n_rows,
                   const struct attention_shape *shape, int kv_head, void *scratch)
{
    struct scratch s;
    int group = shape->n_heads / shape->n_kv_heads, n_queries = n_rows * group;
    carve(&s, scratch, n_queries, shape->head_dim);
    load_queries(&s, q, n_queries, shape, kv_head);
    int first = rows[0].first, end = rows[0].end;
    for (int r = 1; r < n_rows; r++) {
        first = rows[r].first < first ? rows[r].first : first;
        end = rows[r].end > end ? rows[r].end : end;
    }
    configure_tiles(TILE_ROWS);
    struct walk walk = {rows[0].spans, 0};
    for (int start = 0; start < end; start += BLOCK) {
        struct places places;
        int n = end - start < BLOCK ? end - start : BLOCK;
        find_block(&places, &walk, shape, kv_head, n, s.zeros);
        if (start + n <= first)
            continue;
        if (shape->cache == CACHE_BF16)
            load_block(&s, &places, shape->head_dim, CACHE_BF16);
        else
            load_block(&s, &places, shape->head_dim, CACHE_F32);
        attend_block(&s, rows, n_queries, group, start, n);
    }
    _tile_release();
    store_outputs(&s, y, n_queries, shape, kv_head);
}

const struct attention_kernel amx_attention = {QUERIES, scratch_bytes, attend};
