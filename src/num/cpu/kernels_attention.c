/* kernels_attention.c -- flash attention of a few rows over one key-value head; compiled once an instruction set.
 *
 * The queries of all rows and of all heads that share the key-value head stand below each other (M of them). Keys and values
 * pass by in blocks of 32 positions: keys are turned, so that a lane is a position and a score needs no horizontal sum;
 * a running maximum and sum (online softmax) keep each query's result final but for one division:
 *
 *   m' = max(m, max s)   l' = l e^(m - m') + sum e^(s - m')   o' = o e^(m - m') + sum e^(s - m') v        y = o / l
 *
 * Blocks start at multiples of 32 of a span, wherever a row's positions start, so a row's result does not depend on the rows
 * beside it. */
#include "num/cpu/vector_kernels.h"

enum { BLOCK = 32, TILE = 4 };

/* Scratch memory of one thread; D is the head width padded to LANES. */
struct scratch {
    float *q;             /* (M, D), scaled */
    float *out;           /* (M, D) */
    float *keys;          /* (D, BLOCK) */
    float *values;        /* (BLOCK, D) */
    float *p;             /* (M, BLOCK): scores, then probabilities */
    float *highest, *sum; /* (M) */
    int width;            /* D */
};

static int padded(int n, int to)
{
    return (n + to - 1) / to * to;
}

static size_t carve(struct scratch *s, float *at, int n_queries, int head_dim)
{
    size_t d = (size_t)padded(head_dim, LANES), m = (size_t)padded(n_queries, TILE);
    float *start = at;
    s->width = (int)d;
    s->q = at, at += m * d;
    s->out = at, at += m * d;
    s->keys = at, at += d * BLOCK;
    s->values = at, at += d * BLOCK;
    s->p = at, at += m * BLOCK;
    s->highest = at, at += padded((int)m, LANES);
    s->sum = at, at += padded((int)m, LANES);
    return (size_t)(at - start) * sizeof(float);
}

size_t VECTOR_NAME(attention_scratch_bytes)(const struct attention_shape *shape, int n_queries)
{
    struct scratch s;
    float here[1];
    return carve(&s, here, n_queries, shape->head_dim);
}

/* The first n of LANES elements of a cached row at `from`, zeros behind. */
VECTOR_INLINE f32x16 load_cached(const void *cache, enum cache_type type, size_t from, int n)
{
    if (type == CACHE_F32)
        return n >= LANES ? load_f32((const float *)cache + from)
                          : load_f32_part((const float *)cache + from, (size_t)n);
    typedef uint16_t u16x16 __attribute__((vector_size(32)));
    u16x16 bits = {0};
    if (n >= LANES)
        memcpy(&bits, (const uint16_t *)cache + from, sizeof bits);
    else
        memcpy(&bits, (const uint16_t *)cache + from, (size_t)n * 2);
    return (f32x16)(__builtin_convertvector(bits, u32x16) << 16);
}

/* n positions of a span from `first` on; what stands behind them in the block is zeros. */
static void load_block(struct scratch *s, const struct attention_span *span,
                       const struct attention_shape *shape, int head, int first, int n)
{
    size_t at = (size_t)first * shape->position_stride + (size_t)head * shape->head_stride;
    for (int i = 0; i < s->width; i += LANES) {
        for (int part = 0; part < BLOCK; part += LANES) {
            f32x16 v[LANES];
            for (int j = 0; j < LANES; j++)
                v[j] =
                    part + j < n
                        ? load_cached(span->keys, shape->cache,
                                      at + (size_t)(part + j) * shape->position_stride + (size_t)i,
                                      shape->head_dim - i)
                        : (f32x16){0};
            turn(v);
            for (int j = 0; j < LANES; j++)
                store_f32(s->keys + (size_t)(i + j) * BLOCK + part, v[j]);
        }
        for (int j = 0; j < BLOCK; j++)
            store_f32(s->values + (size_t)j * (size_t)s->width + i,
                      j < n ? load_cached(span->values, shape->cache,
                                          at + (size_t)j * shape->position_stride + (size_t)i,
                                          shape->head_dim - i)
                            : (f32x16){0});
    }
}

/* p (TILE, BLOCK) = q (TILE, D) keys (D, BLOCK) */
static void score(float *p, const float *q, const float *keys, int width)
{
    f32x16 s[TILE][2] = {0};
    for (int i = 0; i < width; i++, keys += BLOCK) {
        f32x16 low = load_f32(keys), high = load_f32(keys + LANES);
        for (int r = 0; r < TILE; r++) {
            float x = q[(size_t)r * (size_t)width + (size_t)i];
            s[r][0] += low * x;
            s[r][1] += high * x;
        }
    }
    for (int r = 0; r < TILE; r++) {
        store_f32(p + r * BLOCK, s[r][0]);
        store_f32(p + r * BLOCK + LANES, s[r][1]);
    }
}

/* Scores to probabilities, of positions [first, end) of the block; returns the factor for what was summed up before. */
static float soften(float *p, int first, int end, float *highest, float *sum)
{
    const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    i32x16 seen[2] = {(lane >= first) & (lane < end),
                      (lane + LANES >= first) & (lane + LANES < end)};
    f32x16 s[2] = {choose(seen[0], load_f32(p), all_lanes(-3e38f)),
                   choose(seen[1], load_f32(p + LANES), all_lanes(-3e38f))};
    float top = highest_lane(max_f32(s[0], s[1]));
    top = top > *highest ? top : *highest;
    f32x16 before = exp_f32(all_lanes(*highest - top));
    for (int i = 0; i < 2; i++) {
        s[i] = (f32x16)((i32x16)exp_f32(s[i] - top) & seen[i]);
        store_f32(p + i * LANES, s[i]);
    }
    float factor = *highest == top ? 1 : before[0];
    *sum = *sum * factor + sum_lanes(s[0] + s[1]);
    *highest = top;
    return factor;
}

/* out (TILE, D) += p (TILE, BLOCK) values (BLOCK, D) */
static void gather(float *out, const float *p, const float *values, int width)
{
    for (int i = 0; i < width; i += LANES) {
        f32x16 o[TILE];
        for (int r = 0; r < TILE; r++)
            o[r] = load_f32(out + (size_t)r * (size_t)width + i);
        for (int t = 0; t < BLOCK; t++) {
            f32x16 v = load_f32(values + (size_t)t * (size_t)width + i);
            for (int r = 0; r < TILE; r++)
                o[r] += v * p[r * BLOCK + t];
        }
        for (int r = 0; r < TILE; r++)
            store_f32(out + (size_t)r * (size_t)width + i, o[r]);
    }
}

/* The block in hand holds positions [start, start + n) of the sequence. */
static void attend_block(struct scratch *s, const struct attention_row *rows, int n_queries,
                         int queries_a_row, int start, int n)
{
    for (int m = 0; m < n_queries; m += TILE) {
        float *out = s->out + (size_t)m * (size_t)s->width, *p = s->p;
        bool any = false;
        for (int r = m; r < m + TILE && r < n_queries; r++) {
            const struct attention_row *row = &rows[r / queries_a_row];
            any |= row->first < start + n && row->end > start;
        }
        if (!any)
            continue;
        score(p, s->q + (size_t)m * (size_t)s->width, s->keys, s->width);
        for (int r = m; r < m + TILE; r++) {
            const struct attention_row *row =
                &rows[(r < n_queries ? r : n_queries - 1) / queries_a_row];
            int first = row->first > start ? row->first - start : 0;
            int end = row->end - start < n ? row->end - start : n;
            float *at = p + (size_t)(r - m) * BLOCK;
            if (r >= n_queries || first >= end) {
                memset(at, 0, BLOCK * sizeof *at);
                continue;
            }
            float factor = soften(at, first, end, &s->highest[r], &s->sum[r]);
            for (int i = 0; factor != 1 && i < s->width; i += LANES) {
                float *o = out + (size_t)(r - m) * (size_t)s->width + i;
                store_f32(o, load_f32(o) * factor);
            }
        }
        gather(out, p, s->values, s->width);
    }
}

void VECTOR_NAME(attend)(float *y, const float *q, const struct attention_row *rows, int n_rows,
                         const struct attention_shape *shape, int kv_head, void *scratch)
{
    struct scratch s;
    int group = shape->n_heads / shape->n_kv_heads, n_queries = n_rows * group;
    carve(&s, scratch, n_queries, shape->head_dim);
    size_t row_floats = (size_t)shape->n_heads * (size_t)shape->head_dim,
           head_bytes = (size_t)shape->head_dim * sizeof *q;
    size_t first_head = (size_t)kv_head * (size_t)group * (size_t)shape->head_dim;
    memset(s.q, 0, (size_t)padded(n_queries, TILE) * (size_t)s.width * sizeof *s.q);
    memset(s.out, 0, (size_t)padded(n_queries, TILE) * (size_t)s.width * sizeof *s.out);
    int first = rows[0].first, end = rows[0].end;
    for (int m = 0; m < n_queries; m++) {
        const struct attention_row *row = &rows[m / group];
        const float *from = q + (size_t)(m / group) * row_floats + first_head +
                            (size_t)(m % group) * (size_t)shape->head_dim;
        for (int i = 0; i < shape->head_dim; i++)
            s.q[(size_t)m * (size_t)s.width + (size_t)i] = from[i] * shape->scale;
        s.highest[m] = -3e38f;
        s.sum[m] = 0;
        first = row->first < first ? row->first : first;
        end = row->end > end ? row->end : end;
    }
    int start = 0; /* of the span */
    for (const struct attention_span *span = rows[0].spans; start < end;
         start += span->n_positions, span++)
        for (int t = 0; t < span->n_positions && start + t < end; t += BLOCK) {
            int n = span->n_positions - t < BLOCK ? span->n_positions - t : BLOCK;
            n = end - start - t < n ? end - start - t : n;
            if (start + t + n <= first)
                continue;
            load_block(&s, span, shape, kv_head, t, n);
            attend_block(&s, rows, n_queries, group, start + t, n);
        }
    for (int m = 0; m < n_queries; m++) {
        float *to = y + (size_t)(m / group) * row_floats + first_head +
                    (size_t)(m % group) * (size_t)shape->head_dim;
        float factor = s.sum[m] > 0 || s.sum[m] != s.sum[m] ? 1 / s.sum[m] : 0;
        for (int i = 0; i < s.width; i += LANES)
            store_f32(s.out + (size_t)m * (size_t)s.width + i,
                      load_f32(s.out + (size_t)m * (size_t)s.width + i) * factor);
        memcpy(to, s.out + (size_t)m * (size_t)s.width, head_bytes);
    }
}
