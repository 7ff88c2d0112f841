/* backend.h -- the operators that a model is made of, as one table of functions.
 *
 * `ref` is plain loops, double where it matters: the definition. `cpu` is SIMD kernels and a GEMM library; later `cuda`.
 * Every other backend is tested against `ref` on every operator. Matrices are row-major; in comments
 *
 *   R rows of a batch (tokens)   C width of a row   O outputs of a linear   H heads   G key-value heads   D head width
 *   T positions of a cache       V vocabulary
 *
 * Work memory is the caller's: `work_bytes` says how much an operator needs. No operator allocates. */
#ifndef FIRE_NUM_BACKEND_H
#define FIRE_NUM_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool;

/* What one query sees: T keys and values, each (T, G, D) f32 with `stride` floats from one position to the next; a decoder row
 * of position p sees T = p + 1, a row of the tower sees all. */
struct attention_row {
    const float *keys, *values;
    int n_positions;
    size_t stride;
};

/* How a weight matrix is kept. */
enum weight_type { WEIGHT_F32, WEIGHT_BF16, WEIGHT_Q8, WEIGHT_Q4 };

/* A weight matrix (O, C) in the backend's own layout; opaque to everybody else. */
struct matrix {
    enum weight_type type;
    int n_out, n_in;
    void *data;
    size_t n_bytes;
};

struct backend {
    const char *name;

    /* Bytes of a packed (n_out, n_in) matrix; then packing, a band of rows at a time: `rows` is (n, n_in) f32. */
    size_t (*matrix_bytes)(enum weight_type type, int n_out, int n_in);
    void (*matrix_pack)(struct matrix *matrix, int first_row, int n, const float *rows);

    /* y (R, O) = x (R, C) W^T [+ bias (O)]; y may not be x. `bias` NULL: none. `accumulate`: y += instead. `bf16`: x is
     * rounded to bf16 first, as the fast kernels do. */
    void (*linear)(struct pool *pool, float *y, const float *x, const struct matrix *w, const float *bias, int n_rows,
                   bool accumulate, bool bf16, void *work);
    size_t (*linear_work_bytes)(const struct matrix *w, int n_rows);

    /* y (R, C) = x / rms(x) * w (C); y may be x. */
    void (*rms_norm)(struct pool *pool, float *y, const float *x, const float *w, int n_rows, int width, float eps);
    /* y (R, C) = (x - mean) / std * w + b; y may be x. */
    void (*layer_norm)(struct pool *pool, float *y, const float *x, const float *w, const float *b, int n_rows, int width,
                       float eps);

    /* Rotates x (R, H, D) in place, half-split pairs (i, i + D/2) as Hugging Face's LLaMA: row r by position
     * positions[r]; frequencies (D/2). */
    void (*rope)(struct pool *pool, float *x, const int *positions, const float *frequencies, int n_rows, int n_heads,
                 int head_dim);

    /* y (R, C) = silu(gate) * up; y may be gate. */
    void (*swiglu)(struct pool *pool, float *y, const float *gate, const float *up, int n_rows, int width);
    /* x (R, C) in place: exact GELU, or x * sigmoid(1.702 x). */
    void (*gelu)(struct pool *pool, float *x, bool quick, int n_rows, int width);
    /* y += x over n elements. */
    void (*add)(struct pool *pool, float *y, const float *x, size_t n);

    /* Softmax attention of R queries over cached keys and values. One `struct attention_row` a query. */
    void (*attention)(struct pool *pool, float *y, const float *q, const struct attention_row *rows, int n_rows, int n_heads,
                      int n_kv_heads, int head_dim, float scale, void *work);
    size_t (*attention_work_bytes)(int n_rows, int n_heads, int head_dim, int max_positions);
};

extern const struct backend backend_ref;

#endif
