/* ref.h -- the operators of backend_ref; contracts in num/backend.h. */
#ifndef FIRE_NUM_REF_REF_H
#define FIRE_NUM_REF_REF_H

#include "num/backend.h"

size_t ref_matrix_bytes(enum weight_type type, int n_out, int n_in);
void ref_matrix_pack(struct matrix *matrix, int first_row, int n, const float *rows);
void ref_matrix_unpack(float *rows, const struct matrix *matrix, int first_row, int n);
void ref_linear(struct workers *workers, float *y, const float *x, const struct matrix *w,
                const float *bias, int n_rows, unsigned flags, void *work);
size_t ref_linear_work_bytes(const struct workers *workers, const struct matrix *w, int n_rows);

void ref_rms_norm(struct workers *workers, float *y, const float *x, const float *w, int n_rows,
                  int width, float eps);
void ref_layer_norm(struct workers *workers, float *y, const float *x, const float *w,
                    const float *b, int n_rows, int width, float eps);
void ref_rope_table(float *table, const int *positions, const float *frequencies, int n_rows,
                    int head_dim);
void ref_rope(struct workers *workers, float *x, const float *table, int n_rows, int n_heads,
              int head_dim);
void ref_swiglu(struct workers *workers, float *y, const float *gate, const float *up, int n_rows,
                int width);
void ref_gelu(struct workers *workers, float *x, bool quick, int n_rows, int width);
void ref_add(struct workers *workers, float *y, const float *x, size_t n);

void ref_cache_store(void *at, const float *row, const struct attention_shape *shape);
void ref_attention(struct workers *workers, float *y, const float *q,
                   const struct attention_row *rows, int n_rows,
                   const struct attention_shape *shape, unsigned flags, void *work);
size_t ref_attention_work_bytes(const struct workers *workers, const struct attention_shape *shape,
                                int n_rows, int max_positions);

#endif
