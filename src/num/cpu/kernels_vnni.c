/* kernels_vnni.c -- up to 8 rows of bf16 activations with AVX-512 VNNI and BF16.
 *
 * Quantised weights: activations, rounded to bf16, become 16-bit whole numbers with one power of two as scale for each block of
 * 32; a number is 256 high + low, two signed bytes. A bf16 has 8 significant bits, so all values down to 1/128 of the
 * block's largest are kept exactly and smaller ones to 2^-16 of it: nothing is lost that bf16 had. Then whole-number
 * products are exact, and
 *
 *   sum w x = scale_w scale_x (256 sum (level + 128) high + sum (level + 128) low - 128 sum x)
 *
 * costs two vpdpbusd for 4 inputs of 16 rows, where a table of bf16 levels would cost eight instructions. */
#include "num/cpu/kernels_vnni.h"

#include "num/cpu/panels.h"
#include "num/cpu/vector_kernels.h"
#include "num/quantize.h"

#include <immintrin.h>
#include <math.h>

enum { MAX_ROWS = 8, BLOCK = 32 };

#define KERNEL_INLINE static inline __attribute__((always_inline))

/* One row's part of a block. */
struct block_head {
    float scale;
    int32_t correction; /* -128 sum x */
};

/* Prepared activations: heads (k/32, n_rows), then pairs of words (k/4, n_rows): 4 high bytes, 4 low bytes. */
struct words {
    int32_t high, low;
};

static size_t vnni_prepared_bytes(int k, int n_rows)
{
    return (size_t)n_rows *
           ((size_t)k / BLOCK * sizeof(struct block_head) + (size_t)k / 4 * sizeof(struct words));
}

/* The power of two that brings `largest` to [2^14, 32639 / 32768 2^15]. */
static float whole_scale(float largest)
{
    int exponent;
    if (!(largest > 0) || !isfinite(largest))
        return largest > 0 || largest != largest ? NAN : 1;
    float fraction = frexpf(largest, &exponent);
    exponent += fraction > 32639.0f / 32768 ? 1 : 0;
    return ldexpf(1, exponent - 15 < -126 ? -126 : exponent - 15);
}

static void prepare_block(struct block_head *head, struct words *words, int n_rows,
                          const float x[BLOCK])
{
    static const int byte_of_input[4] = {0, 2, 1, 3};
    float largest = 0;
    int32_t sum = 0;
    for (int i = 0; i < BLOCK; i++)
        largest = fabsf(x[i]) > largest || x[i] != x[i] ? fabsf(x[i]) : largest;
    head->scale = whole_scale(largest);
    float factor = isnan(head->scale) ? 0 : 1 / head->scale;
    for (int j = 0; j < BLOCK / 4; j++) {
        int8_t high[4], low[4];
        for (int i = 0; i < 4; i++) {
            int32_t whole = factor != 0 ? (int32_t)lrintf(x[4 * j + i] * factor) : 0;
            int32_t upper = (whole + 128) >> 8;
            high[byte_of_input[i]] = (int8_t)upper;
            low[byte_of_input[i]] = (int8_t)(whole - upper * 256);
            sum += whole;
        }
        memcpy(&words[j * n_rows].high, high, 4);
        memcpy(&words[j * n_rows].low, low, 4);
    }
    head->correction = -128 * sum;
}

static void vnni_prepare(void *to, const float *x, int n_in, int k, int n_rows)
{
    struct block_head *heads = to;
    struct words *words = (struct words *)(heads + (size_t)k / BLOCK * (size_t)n_rows);
    for (int r = 0; r < n_rows; r++, x += n_in)
        for (int i = 0; i < k; i += BLOCK) {
            float block[BLOCK] = {0};
            int n = n_in - i < BLOCK ? n_in - i : BLOCK;
            for (int part = 0; part < n; part += LANES)
                store_u32(block + part,
                          round_bf16(load_f32_part(x + i + part,
                                                   (size_t)(n - part < LANES ? n - part : LANES))));
            prepare_block(&heads[i / BLOCK * n_rows + r], &words[i / 4 * n_rows + r], n_rows,
                          block);
        }
}

KERNEL_INLINE __m512 block_scale(const char *superblock, int block)
{
    __m512i scales = _mm512_loadu_si512(superblock);
    return _mm512_castsi512_ps(block ? _mm512_and_si512(scales, _mm512_set1_epi32((int)0xffff0000))
                                     : _mm512_slli_epi32(scales, 16));
}

KERNEL_INLINE void add_line(__m512i high[MAX_ROWS], __m512i low[MAX_ROWS], __m512i line,
                            const struct words *x, const int m)
{
    for (int r = 0; r < m; r++) {
        high[r] = _mm512_dpbusd_epi32(high[r], line, _mm512_set1_epi32(x[r].high));
        low[r] = _mm512_dpbusd_epi32(low[r], line, _mm512_set1_epi32(x[r].low));
    }
}

/* `bits` 8 or 4 */
KERNEL_INLINE void multiply_whole(float *y, const char *w, const void *x, int k, const int bits,
                                  const int m)
{
    const struct block_head *heads = x;
    const struct words *words = (const struct words *)(heads + (size_t)k / BLOCK * (size_t)m);
    const __m512i low_half = _mm512_set1_epi8(15);
    const __m512i levels = _mm512_xor_si512(
        _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)quantize_q4_levels)),
        _mm512_set1_epi8((char)0x80));
    __m512 total[MAX_ROWS];
    for (int r = 0; r < m; r++)
        total[r] = _mm512_setzero_ps();
    for (int i = 0; i < k; i += SUPERBLOCK, w += 64 + 128 * bits)
        for (int block = 0; block < 2; block++) {
            const char *lines = w + 64 + 64 * bits * block;
            __m512i high[MAX_ROWS], low[MAX_ROWS];
            for (int r = 0; r < m; r++) {
                high[r] = _mm512_setzero_si512();
                low[r] = _mm512_set1_epi32(heads[r].correction);
            }
            for (int j = 0; j < bits; j++, words += m) {
                __m512i line = _mm512_loadu_si512(lines + 64 * j);
                if (bits == 4) {
                    __m512i codes = line;
                    line = _mm512_shuffle_epi8(levels, _mm512_and_si512(codes, low_half));
                    add_line(high, low, line, words, m);
                    words += m;
                    line = _mm512_shuffle_epi8(
                        levels, _mm512_and_si512(_mm512_srli_epi16(codes, 4), low_half));
                }
                add_line(high, low, line, words, m);
            }
            __m512 scale = block_scale(w, block);
            for (int r = 0; r < m; r++) {
                __m512i whole = _mm512_add_epi32(_mm512_slli_epi32(high[r], 8), low[r]);
                total[r] =
                    _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole),
                                    _mm512_mul_ps(scale, _mm512_set1_ps(heads[r].scale)), total[r]);
            }
            heads += m;
        }
    for (int r = 0; r < m; r++)
        _mm512_storeu_ps(y + r * PANEL, total[r]);
}

KERNEL_INLINE void multiply_q8(float *y, const void *w, const void *x, int k, const int m)
{
    multiply_whole(y, w, x, k, 8, m);
}

KERNEL_INLINE void multiply_q4(float *y, const void *w, const void *x, int k, const int m)
{
    multiply_whole(y, w, x, k, 4, m);
}

/* bf16 weights: one row as f32 products (bound by memory as it is), more as pairs of bf16. */
static size_t bf16_prepared_bytes(int k, int n_rows)
{
    return prepared_bytes_avx512(k, n_rows);
}

static void bf16_prepare(void *to, const float *x, int n_in, int k, int n_rows)
{
    if (n_rows == 1) {
        prepare_bf16_avx512(to, x, n_in, k, 1);
        return;
    }
    uint32_t *pairs = to; /* (k/2, n_rows) */
    for (int r = 0; r < n_rows; r++, x += n_in)
        for (int i = 0; i < k; i += LANES) {
            int n = n_in - i < LANES ? n_in - i : LANES;
            uint32_t bits[LANES];
            store_u32(bits, round_bf16(load_f32_part(x + i, (size_t)(n > 0 ? n : 0))));
            for (int j = 0; j < LANES; j += 2)
                pairs[(i + j) / 2 * n_rows + r] = bits[j] >> 16 | bits[j + 1];
        }
}

KERNEL_INLINE void multiply_bf16(float *y, const void *panel, const void *x, int k, const int m)
{
    const char *w = panel;
    const int32_t *pairs = x;
    __m512 sum[MAX_ROWS][2];
    for (int r = 0; r < m; r++)
        sum[r][0] = sum[r][1] = _mm512_setzero_ps();
    for (int i = 0; i < k; i += 4, w += 128, pairs += 2 * m)
        for (int u = 0; u < 2; u++) {
            __m512bh line = (__m512bh)_mm512_loadu_si512(w + 64 * u);
            for (int r = 0; r < m; r++) {
                __m512 *to = &sum[r][m > 4 ? 0 : u];
                *to = _mm512_dpbf16_ps(*to, line, (__m512bh)_mm512_set1_epi32(pairs[u * m + r]));
            }
        }
    for (int r = 0; r < m; r++)
        _mm512_storeu_ps(y + r * PANEL, _mm512_add_ps(sum[r][0], sum[r][1]));
}

#define CASE(NAME, m)                                                                              \
    case m:                                                                                        \
        NAME(y, panel, x, k, m);                                                                   \
        break;
/* One copy of a kernel for every number of rows, so that the loops over rows are unrolled. */
#define FOR_ROWS(NAME, FIRST)                                                                      \
    static void NAME##_rows(float *y, const void *panel, const void *x, int k, int n_rows)         \
    {                                                                                              \
        switch (n_rows) {                                                                          \
            FIRST CASE(NAME, 2) CASE(NAME, 3) CASE(NAME, 4) CASE(NAME, 5) CASE(NAME, 6)            \
                CASE(NAME, 7) CASE(NAME, 8)                                                        \
        }                                                                                          \
    }

FOR_ROWS(multiply_q8, CASE(multiply_q8, 1))
FOR_ROWS(multiply_q4, CASE(multiply_q4, 1))
FOR_ROWS(multiply_bf16, CASE(multiply_bf16_avx512, 1))

const struct panel_kernel vnni_bf16 = {MAX_ROWS, bf16_prepared_bytes, bf16_prepare,
                                       multiply_bf16_rows};
const struct panel_kernel vnni_q8 = {MAX_ROWS, vnni_prepared_bytes, vnni_prepare, multiply_q8_rows};
const struct panel_kernel vnni_q4 = {MAX_ROWS, vnni_prepared_bytes, vnni_prepare, multiply_q4_rows};
