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

/* The power of two that brings `largest` below 2^15 in rounded whole numbers, its high byte to 127 at most: the exponent of
 * largest * (1 + 2^-7) goes to 2^14. Zeros get 1, what is not finite a NAN. */
static float whole_scale(float largest)
{
    union {
        float f;
        int32_t bits;
    } scale = {.f = largest * (1 + 1.0f / 128)};
    int32_t exponent = (scale.bits >> 23) - 14;
    if (!(largest > 0) || !(scale.f < INFINITY))
        return largest == 0 ? 1 : NAN;
    scale.bits = (exponent < 1 ? 1 : exponent) << 23;
    return scale.f;
}

/* x as bytes: high ones in the lower half of the result, low ones in the upper; inputs in the order of a line. */
KERNEL_INLINE __m256i split_bytes(__m512i whole)
{
    const __m128i order = _mm_setr_epi8(0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15);
    __m512i upper = _mm512_srai_epi32(_mm512_add_epi32(whole, _mm512_set1_epi32(128)), 8);
    __m512i lower = _mm512_sub_epi32(whole, _mm512_slli_epi32(upper, 8));
    return _mm256_set_m128i(_mm_shuffle_epi8(_mm512_cvtepi32_epi8(lower), order),
                            _mm_shuffle_epi8(_mm512_cvtepi32_epi8(upper), order));
}

static void prepare_block(struct block_head *head, struct words *words, int n_rows, __m512 x0,
                          __m512 x1)
{
    float largest = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(x0), _mm512_abs_ps(x1)));
    if (_mm512_cmp_ps_mask(x0, x1, _CMP_UNORD_Q))
        largest = NAN; /* the maximum does not see it */
    head->scale = whole_scale(largest);
    bool finite = largest >= 0 && largest < INFINITY;
    __m512 factor = _mm512_set1_ps(finite ? 1 / head->scale : 0);
    if (!finite)
        x0 = x1 = _mm512_setzero_ps(); /* the scale alone makes the result what it must be */
    __m512i whole[2] = {_mm512_cvtps_epi32(_mm512_mul_ps(x0, factor)),
                        _mm512_cvtps_epi32(_mm512_mul_ps(x1, factor))};
    for (int half = 0; half < 2; half++, words += 4 * n_rows) {
        int32_t bytes[8];
        _mm256_storeu_si256((__m256i *)bytes, split_bytes(whole[half]));
        for (int j = 0; j < 4; j++)
            words[j * n_rows] = (struct words){bytes[j], bytes[4 + j]};
    }
    head->correction = -128 * _mm512_reduce_add_epi32(_mm512_add_epi32(whole[0], whole[1]));
}

KERNEL_INLINE __m512 load_rounded(const float *x, int n)
{
    return (__m512)round_bf16(n >= LANES ? load_f32(x)
                              : n > 0    ? load_f32_part(x, (size_t)n)
                                         : (f32x16){0});
}

static void vnni_prepare(void *to, const float *x, int n_in, int k, int n_rows)
{
    struct block_head *heads = to;
    struct words *words = (struct words *)(heads + (size_t)k / BLOCK * (size_t)n_rows);
    for (int r = 0; r < n_rows; r++, x += n_in)
        for (int i = 0; i < k; i += BLOCK)
            prepare_block(&heads[i / BLOCK * n_rows + r], &words[i / 4 * n_rows + r], n_rows,
                          load_rounded(x + i, n_in - i),
                          load_rounded(x + i + LANES, n_in - i - LANES));
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
            for (int j = block - 1; j < bits; j++)
                _mm_prefetch(lines + 64 * j + PREFETCH_BYTES, _MM_HINT_T1);
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
