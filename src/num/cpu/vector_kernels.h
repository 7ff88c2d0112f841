/* vector_kernels.h -- the kernels written in vector.h's terms. Their files are compiled once for every instruction set that
 * the Makefile names, with VECTOR_ISA defined to its name; VECTOR_NAME(f) is then `f_avx2` or `f_avx512`. */
#ifndef FIRE_NUM_CPU_VECTOR_KERNELS_H
#define FIRE_NUM_CPU_VECTOR_KERNELS_H

#include "num/cpu/kernels.h"
#include "num/cpu/vector.h"

#define VECTOR_JOIN_(name, isa) name##_##isa
#define VECTOR_JOIN(name, isa) VECTOR_JOIN_(name, isa)
#define VECTOR_NAME(name) VECTOR_JOIN(name, VECTOR_ISA)

size_t VECTOR_NAME(prepared_bytes)(int k, int n_rows);
void VECTOR_NAME(prepare_f32)(void *to, const float *x, int n_in, int k, int n_rows);
void VECTOR_NAME(prepare_bf16)(void *to, const float *x, int n_in, int k, int n_rows);
void VECTOR_NAME(multiply_f32)(float *y, const void *panel, const void *x, int k, int n_rows);
void VECTOR_NAME(multiply_bf16)(float *y, const void *panel, const void *x, int k, int n_rows);
void VECTOR_NAME(multiply_q8)(float *y, const void *panel, const void *x, int k, int n_rows);
void VECTOR_NAME(multiply_q4)(float *y, const void *panel, const void *x, int k, int n_rows);

void VECTOR_NAME(rms_norm)(float *y, const float *x, const float *w, int width, float eps);
void VECTOR_NAME(layer_norm)(float *y, const float *x, const float *w, const float *b, int width,
                             float eps);
void VECTOR_NAME(rope)(float *x, const float *table, int n_heads, int head_dim);
void VECTOR_NAME(swiglu)(float *y, const float *gate, const float *up, size_t n);
void VECTOR_NAME(gelu)(float *x, bool quick, size_t n);
void VECTOR_NAME(add)(float *y, const float *x, size_t n);
void VECTOR_NAME(to_bf16)(uint16_t *to, const float *from, size_t n);

void VECTOR_NAME(expand)(float *rows, const void *panel, enum weight_type type, int k);

size_t VECTOR_NAME(attention_scratch_bytes)(const struct attention_shape *shape, int n_queries);
void VECTOR_NAME(attend)(float *y, const float *q, const struct attention_row *rows, int n_rows,
                         const struct attention_shape *shape, int kv_head, void *scratch);

/* The table of all of the above. */
extern const struct cpu_kernels VECTOR_NAME(vector_kernels);

#endif
