/* gemm_blocks.h -- many rows times panels through the GEMM library. */
#ifndef FIRE_NUM_CPU_GEMM_BLOCKS_H
#define FIRE_NUM_CPU_GEMM_BLOCKS_H

#include "num/cpu/kernels.h"

/* f32 products; `rounded` rounds the activations to bf16 first; `bf16` multiplies in bf16, for machines that do. NULL where
 * the library of this build has none. */
const struct block_kernel *gemm_blocks_f32(void);
const struct block_kernel *gemm_blocks_rounded(void);
const struct block_kernel *gemm_blocks_bf16(void);

#endif
