#include "num/cpu/isa.h"

#include "num/cpu/gemm_blocks.h"
#include "num/cpu/kernels_amx.h"
#include "num/cpu/kernels_vnni.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

extern const struct cpu_kernels vector_kernels_avx2, vector_kernels_avx512;

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16");
}

/* The kernel gives the tile registers to a process that asks for them. */
static bool has_amx(void)
{
    enum {
        ARCH_REQ_XCOMP_PERM = 0x1023,
        XFEATURE_TILE_DATA = 18,
        AMX_BF16 = 1 << 22,
        AMX_TILE = 1 << 24
    };
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & AMX_BF16) && (d & AMX_TILE) &&
           syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_TILE_DATA) == 0;
}

enum cpu_isa isa_detect(void)
{
    if (!has_avx2())
        return CPU_BEST;
    if (!has_avx512())
        return CPU_AVX2;
    return has_amx() ? CPU_AMX : CPU_AVX512;
}

void isa_fill(struct cpu_kernels *kernels, enum cpu_isa isa)
{
    if (isa == CPU_AVX2) {
        *kernels = vector_kernels_avx2;
        kernels->name = "avx2";
        return;
    }
    *kernels = vector_kernels_avx512;
    bool amx = isa == CPU_AMX;
    const struct block_kernel *blocks = amx ? &amx_block : gemm_blocks_bf16();
    kernels->name = amx ? "amx" : "avx512";
    kernels->bf16[WEIGHT_BF16] = amx ? amx_bf16 : vnni_bf16;
    kernels->bf16[WEIGHT_Q8] = amx ? amx_q8 : vnni_q8;
    kernels->bf16[WEIGHT_Q4] = amx ? amx_q4 : vnni_q4;
    for (int type = WEIGHT_BF16; type <= WEIGHT_Q4; type++)
        kernels->bf16_blocks[type] = blocks;
}
