/* isa.h -- the instruction sets that this build has kernels for; isa_x86.c, or isa_none.c where it has none. */
#ifndef FIRE_NUM_CPU_ISA_H
#define FIRE_NUM_CPU_ISA_H

#include "num/cpu/cpu.h"
#include "num/cpu/kernels.h"

/* The best that the machine has; CPU_BEST: none of them. */
enum cpu_isa isa_detect(void);

/* All but the blocks that are the GEMM library's. */
void isa_fill(struct cpu_kernels *kernels, enum cpu_isa isa);

#endif
