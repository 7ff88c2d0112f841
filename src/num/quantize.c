/* quantize.c -- the scale comes first, rounded to bf16; the levels are then the nearest ones under that rounded scale. */
#include "num/quantize.h"

#include "num/bf16.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* The least squared error on Gaussian blocks of 32 under quantize_q4 that a search over whole-number levels found. */
const int8_t quantize_q4_levels[16] = {-127, -101, -81, -64, -50, -37, -24, -11,
                                       2,    15,   28,  42,  57,  73,  91,  113};

/* The weight of the largest magnitude, with its sign. */
static float extreme(const float x[QUANTIZE_BLOCK])
{
    float largest = 0;
    for (int i = 0; i < QUANTIZE_BLOCK; i++) {
        if (isnan(x[i]))
            return NAN;
        if (fabsf(x[i]) > fabsf(largest))
            largest = x[i];
    }
    return isinf(largest) ? NAN : largest;
}

uint16_t quantize_q8(int8_t levels[QUANTIZE_BLOCK], const float x[QUANTIZE_BLOCK])
{
    uint16_t scale = bf16_from_f32(fabsf(extreme(x)) / 127);
    float divisor = bf16_to_f32(scale);
    if (isnan(divisor) || divisor == 0) {
        memset(levels, 0, QUANTIZE_BLOCK);
        return scale;
    }
    for (int i = 0; i < QUANTIZE_BLOCK; i++)
        levels[i] = (int8_t)fmaxf(-127, fminf(127, rintf(x[i] / divisor)));
    return scale;
}

static void nearest_levels(uint8_t codes[QUANTIZE_BLOCK], const float x[QUANTIZE_BLOCK],
                           float scale)
{
    float factor = 1 / scale;
    memset(codes, 0, QUANTIZE_BLOCK);
    for (int j = 0; j < 15; j++) {
        float middle = 0.5f * (float)(quantize_q4_levels[j] + quantize_q4_levels[j + 1]);
        for (int i = 0; i < QUANTIZE_BLOCK; i++)
            codes[i] = (uint8_t)(codes[i] + (x[i] * factor > middle));
    }
}

/* The scale that fits the codes best: sum(x level) / sum(level^2). */
static float fitted_scale(const uint8_t codes[QUANTIZE_BLOCK], const float x[QUANTIZE_BLOCK])
{
    double products = 0, squares = 0;
    for (int i = 0; i < QUANTIZE_BLOCK; i++) {
        double level = quantize_q4_levels[codes[i]];
        products += level * x[i];
        squares += level * level;
    }
    return (float)(products / squares);
}

/* The extreme weight goes to the longer end of the levels, so a scale may be negative; then one refit, which can only lower
 * the error. */
uint16_t quantize_q4(uint8_t codes[QUANTIZE_BLOCK], const float x[QUANTIZE_BLOCK])
{
    uint16_t scale = bf16_from_f32(extreme(x) / (float)quantize_q4_levels[0]);
    bool usable = false;
    for (int pass = 0; pass < 2; pass++) {
        float factor = 1 / bf16_to_f32(scale);
        usable = isfinite(factor);
        if (!usable)
            break;
        nearest_levels(codes, x, bf16_to_f32(scale));
        if (pass == 0)
            scale = bf16_from_f32(fitted_scale(codes, x));
    }
    if (!usable) {
        memset(codes, 0, QUANTIZE_BLOCK);
        return isnan(bf16_to_f32(scale)) ? scale : 0;
    }
    return scale;
}
