/* backend.h -- the operators that a model is made of, as one table of functions.
 *
 * `ref` is plain loops, double where it matters: the definition. `cpu` is SIMD kernels and a GEMM library. Every other
 * backend is tested against `ref` on every operator. Matrices are row-major and contiguous; in comments
 *
 *   R rows of a batch (tokens)   C width of a row   O outputs of a linear   H heads   G key-value heads   D head width
 *
 * Threads: `workers` may be NULL (the caller alone); results do not depend on their number. Work memory is the caller's:
 * the `..._work_bytes` functions say how much an operator needs, 64-byte aligned. No operator allocates. */
#ifndef FIRE_NUM_BACKEND_H
#define FIRE_NUM_BACKEND_H

#include "base/workers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a weight matrix is kept: as f32, as bf16, as 8-bit or 4-bit codes in blocks of 32 inputs with a scale (quantize.h). */
enum weight_type { WEIGHT_F32, WEIGHT_BF16, WEIGHT_Q8, WEIGHT_Q4 };

/* A weight matrix (O, C) in the backend's own layout. `data`, matrix_bytes() long and 64-byte aligned, is the owner's;
 * what stands in it is opaque to everybody but the backend. Tensors that share their input (q, k, v; gate, up) may be packed
 * into one matrix, one below the other. */
struct matrix {
    enum weight_type type;
    int n_out, n_in;
    void *data;
};

/* How a linear computes. */
enum linear_flags {
    LINEAR_ADD = 1, /* y += instead of y = */
    LINEAR_BF16 =
        2, /* x is rounded to bf16 first, and a fast kernel may round expanded weights to bf16 */
};

/* How keys and values are kept. */
enum cache_type { CACHE_F32, CACHE_BF16 };

struct attention_shape {
    int n_heads, n_kv_heads, head_dim; /* H, G, D; query head h reads key-value head h / (H / G) */
    float scale;                       /* of q . k */
    enum cache_type cache;
    /* Elements from one position, and from one head, to the next, of keys and of values alike. Fastest where the positions
     * of one head stand together: position_stride D, head_stride D times the positions of a span. */
    size_t position_stride, head_stride;
};

/* A stretch of consecutive positions: keys and values (n_positions, G, D) at the strides of the shape. */
struct attention_span {
    const void *keys, *values;
    int n_positions;
};

/* What one query sees: positions [first, end) of the sequence that its spans make up, laid end to end; they may hold more.
 * A decoder row of position p sees [0, p + 1), or less with a sliding window; a row of the tower sees all. Rows of one
 * sequence that follow each other, with one `spans` pointer and `end` not falling, are worked on together. */
struct attention_row {
    const struct attention_span *spans;
    int n_spans, first, end;
};

struct backend {
    const char *name;

    /* Bytes of a packed (n_out, n_in) matrix. Then packing, a band of rows at a time, in any order, also from several
     * threads when no two bands share an aligned group of 16 rows: `rows` is (n, n_in). `data` need not be zeroed. */
    size_t (*matrix_bytes)(enum weight_type type, int n_out, int n_in);
    void (*matrix_pack)(struct matrix *matrix, int first_row, int n, const float *rows);
    /* The stored values back: rows (n, n_in). An embedding that is also the head is kept once and read this way. */
    void (*matrix_unpack)(float *rows, const struct matrix *matrix, int first_row, int n);

    /* y (R, O) = x (R, C) W^T [+ bias (O), NULL: none]; y may not be x. `flags` of enum linear_flags. */
    void (*linear)(struct workers *workers, float *y, const float *x, const struct matrix *w,
                   const float *bias, int n_rows, unsigned flags, void *work);
    size_t (*linear_work_bytes)(const struct workers *workers, const struct matrix *w, int n_rows);

    /* y (R, C) = x / sqrt(mean(x^2) + eps) * w (C); y may be x. */
    void (*rms_norm)(struct workers *workers, float *y, const float *x, const float *w, int n_rows,
                     int width, float eps);
    /* y (R, C) = (x - mean) / sqrt(variance + eps) * w + b; y may be x. */
    void (*layer_norm)(struct workers *workers, float *y, const float *x, const float *w,
                       const float *b, int n_rows, int width, float eps);

    /* table (R, D): cos (D/2), then sin (D/2), of positions[r] * frequencies (D/2) in float, as the models were trained.
     * Made once a step, used by every layer. */
    void (*rope_table)(float *table, const int *positions, const float *frequencies, int n_rows,
                       int head_dim);
    /* Rotates x (R, H, D) in place, half-split pairs (i, i + D/2) as Hugging Face's LLaMA. */
    void (*rope)(struct workers *workers, float *x, const float *table, int n_rows, int n_heads,
                 int head_dim);

    /* y (R, C) = silu(gate) * up; y may be gate or up. */
    void (*swiglu)(struct workers *workers, float *y, const float *gate, const float *up,
                   int n_rows, int width);
    /* x (R, C) in place: exact GELU, or x * sigmoid(1.702 x). */
    void (*gelu)(struct workers *workers, float *x, bool quick, int n_rows, int width);
    /* y += x over n elements. */
    void (*add)(struct workers *workers, float *y, const float *x, size_t n);

    /* Writes a row (G, D) into keys or values at the address of its position's first element. */
    void (*cache_store)(void *at, const float *row, const struct attention_shape *shape);
    /* y (R, H, D) = softmax(scale q (R, H, D) . keys) values, of R queries, one `struct attention_row` each; a row that sees
     * nothing gives 0. LINEAR_BF16 in `flags`: q and the probabilities may be rounded to bf16. y may not be q. */
    void (*attention)(struct workers *workers, float *y, const float *q,
                      const struct attention_row *rows, int n_rows,
                      const struct attention_shape *shape, unsigned flags, void *work);
    /* `max_positions`: the most that any of the rows sees. */
    size_t (*attention_work_bytes)(const struct workers *workers,
                                   const struct attention_shape *shape, int n_rows,
                                   int max_positions);
};

extern const struct backend backend_ref;

#endif
