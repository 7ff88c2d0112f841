/* quantize.h -- the two block formats: what a block of 32 weights is rounded to.
 *
 * Both are value = scale * level, a scale a block, itself a bf16. The formats are defined here, once; how codes and scales
 * lie in memory is each backend's own. Measured errors: docs/numbers.md. */
#ifndef FIRE_NUM_QUANTIZE_H
#define FIRE_NUM_QUANTIZE_H

#include <stdint.h>

enum { QUANTIZE_BLOCK = 32 };

/* Levels of the 4-bit codes, rising; whole numbers below 128, so exact as bf16 and as int8. */
extern const int8_t quantize_q4_levels[16];

/* 8 bits: levels -127 .. 127, the largest weight of the block on an end. Returns the scale (bf16). A block that holds no
 * finite scale (a NAN, an infinity) gets a NAN as scale: the damage shows. */
uint16_t quantize_q8(int8_t levels[QUANTIZE_BLOCK], const float x[QUANTIZE_BLOCK]);

/* 4 bits: indices into quantize_q4_levels. */
uint16_t quantize_q4(uint8_t codes[QUANTIZE_BLOCK], const float x[QUANTIZE_BLOCK]);

#endif
