/* cpu_operators.h -- the operators of backend_cpu; contracts in num/backend.h. */
#ifndef FIRE_NUM_CPU_CPU_OPERATORS_H
#define FIRE_NUM_CPU_CPU_OPERATORS_H

#include "num/backend.h"

void cpu_linear(struct workers *workers, float *y, const float *x, const struct matrix *w,
                const float *bias, int n_rows, unsigned flags, void *work);
size_t cpu_linear_work_bytes(const struct workers *workers, const struct matrix *w, int n_rows);

void cpu_rms_norm(struct workers *workers, float *y, const float *x, const float *w, int n_rows,
                  int width, float eps);
void cpu_layer_norm(struct workers *workers, float *y, const float *x, const float *w,
                    const float *b, int n_rows, int width, float eps);
void cpu_rope(struct workers *workers, float *x, const float *table, int n_rows, int n_heads,
              int head_dim);
void cpu_swiglu(struct workers *workers, float *y, const float *gate, const float *up, int n_rows,
                int width);
void cpu_gelu(struct workers *workers, float *x, bool quick, int n_rows, int width);
void cpu_add(struct workers *workers, float *y, const float *x, size_t n);

void cpu_cache_store(void *at, const float *row, const struct attention_shape *shape);
void cpu_attention(struct workers *workers, float *y, const float *q,
                   const struct attention_row *rows, int n_rows,
                   const struct attention_shape *shape, unsigned flags, void *work);
size_t cpu_attention_work_bytes(const struct workers *workers, const struct attention_shape *shape,
                                int n_rows, int max_positions);

#endif
