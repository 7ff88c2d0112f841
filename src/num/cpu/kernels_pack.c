/* kernels_pack.c -- a whole panel from 16 rows; compiled once an instruction set.
 *
 * Each row is brought to 32-bit words as they will lie in its lane, 16 words at a time; 16 rows of them are turned. What
 * comes out is to the bit what pack_row() of panels.c makes of one row, and quantize.c of one block. */
#include "num/cpu/panels.h"
#include "num/cpu/vector_kernels.h"
#include "num/quantize.h"

#include <math.h>

typedef uint16_t u16x16 __attribute__((vector_size(32)));

/* 16 inputs of a row of n_in, zeros behind its end. */
VECTOR_INLINE f32x16 load_inputs(const float *row, int n_in, int at)
{
    return n_in - at >= LANES ? load_f32(row + at)
           : n_in > at        ? load_f32_part(row + at, (size_t)(n_in - at))
                              : (f32x16){0};
}

static void pack_f32(float *to, const float *rows, int n_in, int k)
{
    for (int i = 0; i < k; i += LANES, to += LANES * PANEL) {
        f32x16 v[LANES];
        for (int r = 0; r < PANEL; r++)
            v[r] = load_inputs(rows + (size_t)r * (size_t)n_in, n_in, i);
        turn(v);
        for (int j = 0; j < LANES; j++)
            store_f32(to + j * PANEL, v[j]);
    }
}

static void pack_bf16(char *to, const float *rows, int n_in, int k)
{
    for (int i = 0; i < k; i += 2 * LANES, to += 2 * LANES * PANEL * 2) {
        f32x16 v[LANES];
        for (int r = 0; r < PANEL; r++) {
            u16x16 halves[2];
            for (int h = 0; h < 2; h++)
                halves[h] = __builtin_convertvector(
                    round_bf16(load_inputs(rows + (size_t)r * (size_t)n_in, n_in, i + h * LANES)) >>
                        16,
                    u16x16);
            memcpy(&v[r], halves, sizeof v[r]);
        }
        turn(v);
        for (int j = 0; j < LANES; j++)
            memcpy(to + j * 64, &v[j], 64);
    }
}

/* A block of a row. */
struct block {
    f32x16 x[2];
};

static float extreme(const struct block *b)
{
    float highest = highest_lane(max_f32(b->x[0], b->x[1])),
          lowest = -highest_lane(max_f32(-b->x[0], -b->x[1]));
    f32x16 zeros = b->x[0] * 0.0f + b->x[1] * 0.0f; /* not 0 where a weight is not finite */
    if (!(sum_lanes(zeros) == 0))
        return NAN;
    return highest >= -lowest ? highest : lowest;
}

static float round_one(float x)
{
    union {
        uint32_t bits;
        float f;
    } rounded = {.bits = round_bf16(all_lanes(x))[0]};
    return rounded.f;
}

static uint16_t upper_half(float x)
{
    union {
        float f;
        uint32_t bits;
    } value = {.f = x};
    return (uint16_t)(value.bits >> 16);
}

/* level + 128 */
static uint16_t quantize_block_q8(i32x16 levels[2], const struct block *b)
{
    float scale = round_one(fabsf(extreme(b)) / 127);
    for (int h = 0; h < 2; h++) {
        f32x16 bounded = max_f32(all_lanes(-127), min_f32(all_lanes(127), b->x[h] / scale));
        f32x16 nearest = bounded + 12582912.0f; /* 1.5 * 2^23: whole numbers are the last bits */
        i32x16 level = (i32x16)nearest - (i32x16)all_lanes(12582912.0f);
        levels[h] = (scale > 0 ? level : (i32x16){0}) + 128;
    }
    return upper_half(scale);
}

static void nearest_codes(i32x16 codes[2], f32x16 levels[2], const struct block *b, float scale)
{
    float factor = 1 / scale;
    for (int h = 0; h < 2; h++) {
        f32x16 t = b->x[h] * factor, level = all_lanes(quantize_q4_levels[0]);
        i32x16 code = {0};
        for (int j = 0; j < 15; j++) {
            float middle = 0.5f * (float)(quantize_q4_levels[j] + quantize_q4_levels[j + 1]);
            i32x16 above = t > middle;
            code -= above;
            level = choose(above, all_lanes(quantize_q4_levels[j + 1]), level);
        }
        codes[h] = code;
        levels[h] = level;
    }
}

static float fitted_scale(const f32x16 levels[2], const struct block *b)
{
    f64x8 products[2] = {0};
    f32x16 squares = levels[0] * levels[0] + levels[1] * levels[1]; /* whole numbers below 2^24 */
    for (int h = 0; h < 2; h++) {
        products[0] += low_f64(levels[h]) * low_f64(b->x[h]);
        products[1] += high_f64(levels[h]) * high_f64(b->x[h]);
    }
    return (float)(sum_lanes_f64(products[0] + products[1]) / (double)sum_lanes(squares));
}

static uint16_t quantize_block_q4(i32x16 codes[2], const struct block *b)
{
    f32x16 levels[2];
    float scale = round_one(extreme(b) / (float)quantize_q4_levels[0]);
    if (isfinite(1 / scale)) {
        nearest_codes(codes, levels, b, scale);
        scale = round_one(fitted_scale(levels, b));
        if (isfinite(1 / scale)) {
            nearest_codes(codes, levels, b, scale);
            return upper_half(scale);
        }
    }
    codes[0] = codes[1] = (i32x16){0};
    return isnan(scale) ? upper_half(scale) : 0;
}

/* 4 codes a word, inputs 0, 2, 1, 3. */
static void gather_words(uint32_t words[8], const i32x16 codes[2])
{
    uint32_t c[2 * LANES];
    memcpy(c, codes, sizeof c);
    for (int j = 0; j < 8; j++)
        words[j] = c[4 * j] | c[4 * j + 2] << 8 | c[4 * j + 1] << 16 | c[4 * j + 3] << 24;
}

static void pack_quantized(char *to, const float *rows, int n_in, int k, int bits)
{
    for (int i = 0; i < k; i += SUPERBLOCK, to += 64 + 128 * bits) {
        f32x16 v[LANES];
        uint16_t scales[PANEL][2];
        for (int r = 0; r < PANEL; r++) {
            uint32_t words[2][8];
            for (int h = 0; h < 2; h++) {
                const float *row = rows + (size_t)r * (size_t)n_in;
                struct block b = {{load_inputs(row, n_in, i + 32 * h),
                                   load_inputs(row, n_in, i + 32 * h + LANES)}};
                i32x16 codes[2];
                scales[r][h] =
                    bits == 8 ? quantize_block_q8(codes, &b) : quantize_block_q4(codes, &b);
                gather_words(words[h], codes);
            }
            memcpy(&v[r], words, sizeof v[r]);
        }
        turn(v);
        memcpy(to, scales, sizeof scales);
        for (int j = 0; bits == 8 && j < 16; j++)
            memcpy(to + 64 + 64 * j, &v[j], 64);
        for (int j = 0; bits == 4 && j < 8; j++)
            store_u32(to + 64 + 64 * j, (u32x16)v[2 * j] | (u32x16)v[2 * j + 1] << 4);
    }
}

void VECTOR_NAME(pack)(void *panel, enum weight_type type, const float *rows, int n_in, int k)
{
    switch (type) {
    case WEIGHT_F32:
        pack_f32(panel, rows, n_in, k);
        break;
    case WEIGHT_BF16:
        pack_bf16(panel, rows, n_in, k);
        break;
    case WEIGHT_Q8:
        pack_quantized(panel, rows, n_in, k, 8);
        break;
    case WEIGHT_Q4:
        pack_quantized(panel, rows, n_in, k, 4);
        break;
    }
}
