/* fuzz.h -- what every fuzz_NAME.c defines; libFuzzer or replay.c calls it. */
#ifndef FIRE_FUZZ_H
#define FIRE_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Aborts where something is wrong; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

#endif
