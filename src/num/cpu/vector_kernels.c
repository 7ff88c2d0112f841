/* vector_kernels.c -- the table of one instruction set. */
#include "num/cpu/vector_kernels.h"

enum { ROWS = 4, QUERIES = 64 };

#define PANELS(ROWS, PREPARE, MULTIPLY)                                                            \
    {                                                                                              \
        ROWS, VECTOR_NAME(prepared_bytes), VECTOR_NAME(PREPARE), VECTOR_NAME(MULTIPLY)             \
    }
#define PANELS_OF_ALL_TYPES(PREPARE)                                                               \
    {                                                                                              \
        [WEIGHT_F32] = PANELS(ROWS, PREPARE, multiply_f32),                                        \
        [WEIGHT_BF16] = PANELS(ROWS, PREPARE, multiply_bf16),                                      \
        [WEIGHT_Q8] = PANELS(1, PREPARE, multiply_q8),                                             \
        [WEIGHT_Q4] = PANELS(1, PREPARE, multiply_q4)                                              \
    }
#define ATTENTION                                                                                  \
    {                                                                                              \
        .max_queries = QUERIES, .scratch_bytes = VECTOR_NAME(attention_scratch_bytes),             \
        .attend = VECTOR_NAME(attend)                                                              \
    }

const struct cpu_kernels VECTOR_NAME(vector_kernels) = {
    .f32 = PANELS_OF_ALL_TYPES(prepare_f32),
    .bf16 = PANELS_OF_ALL_TYPES(prepare_bf16),
    .f32_attention = ATTENTION,
    .bf16_attention = ATTENTION,
    .to_bf16 = VECTOR_NAME(to_bf16),
    .expand = VECTOR_NAME(expand),
    .rms_norm = VECTOR_NAME(rms_norm),
    .layer_norm = VECTOR_NAME(layer_norm),
    .rope = VECTOR_NAME(rope),
    .swiglu = VECTOR_NAME(swiglu),
    .gelu = VECTOR_NAME(gelu),
    .add = VECTOR_NAME(add),
};
