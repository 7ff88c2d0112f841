/* kernels_vnni.h -- bf16 activations with AVX-512 BF16 and VNNI. */
#ifndef FIRE_NUM_CPU_KERNELS_VNNI_H
#define FIRE_NUM_CPU_KERNELS_VNNI_H

#include "num/cpu/kernels.h"

extern const struct panel_kernel vnni_bf16, vnni_q8, vnni_q4;

#endif
