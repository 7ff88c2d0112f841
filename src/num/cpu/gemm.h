/* gemm.h -- the library for large products of plain matrices; one of gemm_*.c is built, as the Makefile finds oneDNN, else
 * OpenBLAS, else none. Calls run on the calling thread alone and may come from several threads at once. */
#ifndef FIRE_NUM_CPU_GEMM_H
#define FIRE_NUM_CPU_GEMM_H

#include <stdbool.h>
#include <stdint.h>

struct gemm {
    const char *name;
    /* c (m, n), `c_stride` floats from row to row, = or += a (m, k) b (n, k)^T. NULL where the library has none. */
    void (*f32)(float *c, int c_stride, const float *a, const float *b, int m, int n, int k,
                bool add);
    /* The same of bf16. Returns false where the library cannot on this machine; c is then untouched. */
    bool (*bf16)(float *c, int c_stride, const uint16_t *a, const uint16_t *b, int m, int n, int k,
                 bool add);
};

extern const struct gemm gemm;

#endif
