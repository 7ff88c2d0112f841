/* kernels_amx.h -- bf16 activations with AMX tiles. */
#ifndef FIRE_NUM_CPU_KERNELS_AMX_H
#define FIRE_NUM_CPU_KERNELS_AMX_H

#include "num/cpu/kernels.h"

extern const struct panel_kernel amx_bf16, amx_q8, amx_q4;
extern const struct block_kernel amx_block;

#endif
