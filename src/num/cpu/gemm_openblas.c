#include "num/cpu/gemm.h"

#include <cblas.h>

static void product_f32(float *c, int c_stride, const float *a, const float *b, int m, int n, int k,
                        bool add)
{
    openblas_set_num_threads(1);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a, k, b, k, add ? 1 : 0, c,
                c_stride);
}

const struct gemm gemm = {.name = "OpenBLAS", .f32 = product_f32};
