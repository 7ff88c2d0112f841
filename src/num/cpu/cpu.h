/* cpu.h -- the backend of SIMD kernels. */
#ifndef FIRE_NUM_CPU_CPU_H
#define FIRE_NUM_CPU_CPU_H

#include "num/backend.h"

/* What kernels may use: AVX2 and FMA; AVX-512 with BF16 and VNNI; AMX on top of that. */
enum cpu_isa { CPU_BEST, CPU_AVX2, CPU_AVX512, CPU_AMX };

/* NULL where this machine, or this build, cannot. All instruction sets share one matrix layout, and one backend: the last
 * call decides what it computes with, so a program calls this once, at its start, and only tests call it again. */
const struct backend *backend_cpu(enum cpu_isa isa);

/* What it computes with, for people: "amx, oneDNN". */
const char *cpu_description(void);

#endif
