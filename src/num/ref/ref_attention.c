/* ref_attention.c -- scores, softmax, weighted sum, one query head at a time. */
#include "num/bf16.h"
#include "num/ref/ref.h"

#include <math.h>

void ref_cache_store(void *at, const float *row, const struct attention_shape *shape)
{
    for (int g = 0; g < shape->n_kv_heads; g++)
        for (int i = 0; i < shape->head_dim; i++, row++) {
            size_t to = (size_t)g * shape->head_stride + (size_t)i;
            if (shape->cache == CACHE_BF16)
                ((uint16_t *)at)[to] = bf16_from_f32(*row);
            else
                ((float *)at)[to] = *row;
        }
}

static float cached(const void *cache, const struct attention_shape *shape, size_t at)
{
    return shape->cache == CACHE_BF16 ? bf16_to_f32(((const uint16_t *)cache)[at])
                                      : ((const float *)cache)[at];
}

/* A position of the sequence: which span, where in it. */
struct place {
    const struct attention_span *span;
    int position;
};

static struct place find_place(const struct attention_row *row, int position)
{
    const struct attention_span *span = row->spans;
    for (; position >= span->n_positions; span++)
        position -= span->n_positions;
    return (struct place){span, position};
}

static void attend(float *y, const float *q, const struct attention_row *row,
                   const struct attention_shape *shape, int head, double *p)
{
    size_t head_at = (size_t)(head / (shape->n_heads / shape->n_kv_heads)) * shape->head_stride;
    double highest = -INFINITY, sum = 0;
    for (int t = row->first; t < row->end; t++) {
        struct place place = find_place(row, t);
        size_t at = (size_t)place.position * shape->position_stride + head_at;
        double dot = 0;
        for (int i = 0; i < shape->head_dim; i++)
            dot += (double)q[i] * cached(place.span->keys, shape, at + (size_t)i);
        p[t - row->first] = dot * shape->scale;
        highest = fmax(highest, p[t - row->first]);
    }
    for (int t = row->first; t < row->end; t++)
        sum += p[t - row->first] = exp(p[t - row->first] - highest);
    for (int i = 0; i < shape->head_dim; i++) {
        double value = 0;
        for (int t = row->first; t < row->end; t++) {
            struct place place = find_place(row, t);
            size_t at = (size_t)place.position * shape->position_stride + head_at;
            value += p[t - row->first] * cached(place.span->values, shape, at + (size_t)i);
        }
        y[i] = row->end > row->first ? (float)(value / sum) : 0;
    }
}

void ref_attention(struct workers *workers, float *y, const float *q,
                   const struct attention_row *rows, int n_rows,
                   const struct attention_shape *shape, unsigned flags, void *work)
{
    (void)workers;
    (void)flags;
    for (int r = 0; r < n_rows; r++)
        for (int h = 0; h < shape->n_heads; h++, q += shape->head_dim, y += shape->head_dim)
            attend(y, q, &rows[r], shape, h, work);
}

size_t ref_attention_work_bytes(const struct workers *workers, const struct attention_shape *shape,
                                int n_rows, int max_positions)
{
    (void)workers;
    (void)shape;
    (void)n_rows;
    return (size_t)max_positions * sizeof(double);
}
