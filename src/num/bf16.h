/* bf16.h -- the upper half of an f32, rounded to nearest, ties to even. */
#ifndef FIRE_NUM_BF16_H
#define FIRE_NUM_BF16_H

#include <stdint.h>
#include <string.h>

static inline float bf16_to_f32(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* A NAN stays one. */
static inline uint16_t bf16_from_f32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#endif
