/* cpu.c -- finds out what the machine has and puts the table of kernels together. */
#include "num/cpu/cpu.h"

#include "num/cpu/cpu_operators.h"
#include "num/cpu/gemm.h"
#include "num/cpu/gemm_blocks.h"
#include "num/cpu/isa.h"
#include "num/cpu/kernels.h"
#include "num/cpu/panels.h"
#include "num/ref/ref.h"

/* The dispatch table. */
static struct cpu_kernels kernels;

const struct cpu_kernels *cpu_kernels(void)
{
    return &kernels;
}

static const struct backend backend = {
    .name = "cpu",
    .matrix_bytes = cpu_matrix_bytes,
    .matrix_pack = cpu_matrix_pack,
    .matrix_unpack = cpu_matrix_unpack,
    .linear = cpu_linear,
    .linear_work_bytes = cpu_linear_work_bytes,
    .rms_norm = cpu_rms_norm,
    .layer_norm = cpu_layer_norm,
    .rope_table = ref_rope_table,
    .rope = cpu_rope,
    .swiglu = cpu_swiglu,
    .gelu = cpu_gelu,
    .add = cpu_add,
    .cache_store = cpu_cache_store,
    .attention = cpu_attention,
    .attention_work_bytes = cpu_attention_work_bytes,
};

const struct backend *backend_cpu(enum cpu_isa isa)
{
    enum cpu_isa best = isa_detect();
    if (isa == CPU_BEST)
        isa = best;
    if (isa == CPU_BEST || isa > best)
        return NULL;
    isa_fill(&kernels, isa);
    for (int type = WEIGHT_F32; type <= WEIGHT_Q4; type++) {
        kernels.f32_blocks[type] = gemm_blocks_f32();
        if (!kernels.bf16_blocks[type])
            kernels.bf16_blocks[type] = gemm_blocks_rounded();
    }
    return &backend;
}

const char *cpu_description(void)
{
    return kernels.name;
}
