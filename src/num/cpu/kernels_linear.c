/* kernels_linear.c -- a panel times up to 4 rows of f32, for every weight type; compiled once an instruction set.
 *
 * A panel streams by once; each lane is an output, so rows need one broadcast a weight line and no horizontal sum. */
#include "num/cpu/panels.h"
#include "num/cpu/vector_kernels.h"
#include "num/quantize.h"

#include <immintrin.h>

enum { MAX_ROWS = 4 };

size_t VECTOR_NAME(prepared_bytes)(int k, int n_rows)
{
    return (size_t)k * (size_t)n_rows * sizeof(float);
}

void VECTOR_NAME(prepare_f32)(void *to, const float *x, int n_in, int k, int n_rows)
{
    for (int r = 0; r < n_rows; r++) {
        float *row = (float *)to + (size_t)r * (size_t)k;
        memcpy(row, x + (size_t)r * (size_t)n_in, (size_t)n_in * sizeof *x);
        memset(row + n_in, 0, (size_t)(k - n_in) * sizeof *x);
    }
}

void VECTOR_NAME(prepare_bf16)(void *to, const float *x, int n_in, int k, int n_rows)
{
    VECTOR_NAME(prepare_f32)(to, x, n_in, k, n_rows);
    float *rows = to;
    for (size_t i = 0; i < (size_t)k * (size_t)n_rows; i += LANES)
        store_u32(rows + i, round_bf16(load_f32(rows + i)));
}

/* More than one sum a row where there is one row: a chain of additions would wait for itself. */
#define SUMS(m) ((m) == 1 ? 4 : 1)

VECTOR_INLINE void multiply_f32(float *y, const float *w, const float *x, int k, const int m)
{
    f32x16 sum[MAX_ROWS][4] = {0};
    const int n_sums = SUMS(m);
    for (int i = 0; i < k; i += 4, w += 4 * PANEL)
        for (int u = 0; u < 4; u++) {
            f32x16 line = load_f32(w + u * PANEL);
            for (int r = 0; r < m; r++)
                sum[r][u % n_sums] += line * x[(size_t)r * (size_t)k + (size_t)(i + u)];
        }
    for (int r = 0; r < m; r++)
        store_f32(y + r * PANEL, (sum[r][0] + sum[r][1]) + (sum[r][2] + sum[r][3]));
}

VECTOR_INLINE void multiply_bf16(float *y, const char *w, const float *x, int k, const int m)
{
    f32x16 sum[MAX_ROWS][4] = {0};
    const int n_sums = SUMS(m);
    for (int i = 0; i < k; i += 8, w += 256)
        for (int u = 0; u < 4; u++) {
            u32x16 line = load_u32(w + 64 * u);
            f32x16 even = bf16_low(line), odd = bf16_high(line);
            for (int r = 0; r < m; r++) {
                const float *at = x + (size_t)r * (size_t)k + (size_t)(i + 2 * u);
                sum[r][u % n_sums] += even * at[0];
                sum[r][u % n_sums] += odd * at[1];
            }
        }
    for (int r = 0; r < m; r++)
        store_f32(y + r * PANEL, (sum[r][0] + sum[r][1]) + (sum[r][2] + sum[r][3]));
}

/* 4 inputs of 16 rows, as level + 128 in the bytes of `line`, times x. */
VECTOR_INLINE f32x16 multiply_line(u32x16 line, const float *x)
{
    static const int input_of_byte[4] = {0, 2, 1, 3};
    i32x16 levels = (i32x16)(line ^ 0x80808080);
    f32x16 sum = {0};
    for (int b = 0; b < 4; b++)
        sum +=
            __builtin_convertvector((levels << (24 - 8 * b)) >> 24, f32x16) * x[input_of_byte[b]];
    return sum;
}

/* Scales of the two blocks of a superblock. */
VECTOR_INLINE f32x16 block_scale(const char *superblock, int block)
{
    u32x16 scales = load_u32(superblock);
    return block ? bf16_high(scales) : bf16_low(scales);
}

/* One row only: more would not fit the registers of AVX2. */
void VECTOR_NAME(multiply_q8)(float *y, const void *panel, const void *rows, int k, int n_rows)
{
    const char *w = panel;
    const float *x = rows;
    f32x16 total = {0};
    (void)n_rows;
    for (int i = 0; i < k; i += SUPERBLOCK, w += SUPERBLOCK_Q8_BYTES)
        for (int block = 0; block < 2; block++) {
            f32x16 sum = {0};
            for (int j = 0; j < 8; j++, x += 4)
                sum += multiply_line(load_u32(w + 64 + 512 * block + 64 * j), x);
            total += sum * block_scale(w, block);
        }
    store_f32(y, total);
}

/* level + 128 of the codes in the low halves of the bytes. */
VECTOR_INLINE u32x16 look_up(u32x16 codes)
{
    __m128i table = _mm_xor_si128(_mm_loadu_si128((const __m128i *)quantize_q4_levels),
                                  _mm_set1_epi8((char)0x80));
    __m128i parts[4];
    codes &= 0x0f0f0f0f;
    memcpy(parts, &codes, sizeof parts);
    for (int i = 0; i < 4; i++)
        parts[i] = _mm_shuffle_epi8(table, parts[i]);
    memcpy(&codes, parts, sizeof parts);
    return codes;
}

void VECTOR_NAME(multiply_q4)(float *y, const void *panel, const void *rows, int k, int n_rows)
{
    const char *w = panel;
    const float *x = rows;
    f32x16 total = {0};
    (void)n_rows;
    for (int i = 0; i < k; i += SUPERBLOCK, w += SUPERBLOCK_Q4_BYTES)
        for (int block = 0; block < 2; block++) {
            f32x16 sum = {0};
            for (int j = 0; j < 4; j++, x += 8) {
                u32x16 codes = load_u32(w + 64 + 256 * block + 64 * j);
                sum += multiply_line(look_up(codes), x) + multiply_line(look_up(codes >> 4), x + 4);
            }
            total += sum * block_scale(w, block);
        }
    store_f32(y, total);
}

/* One copy of a kernel for every number of rows, so that the loops over rows are unrolled. */
#define FOR_ROWS(NAME)                                                                             \
    void VECTOR_NAME(NAME)(float *y, const void *panel, const void *x, int k, int n_rows)          \
    {                                                                                              \
        switch (n_rows) {                                                                          \
        case 1:                                                                                    \
            NAME(y, panel, x, k, 1);                                                               \
            break;                                                                                 \
        case 2:                                                                                    \
            NAME(y, panel, x, k, 2);                                                               \
            break;                                                                                 \
        case 3:                                                                                    \
            NAME(y, panel, x, k, 3);                                                               \
            break;                                                                                 \
        default:                                                                                   \
            NAME(y, panel, x, k, 4);                                                               \
        }                                                                                          \
    }

FOR_ROWS(multiply_f32)
FOR_ROWS(multiply_bf16)

/* A panel back to rows: 16 inputs of all 16 rows at a time, turned. */
VECTOR_INLINE void store_turned(float *rows, int k, int i, f32x16 v[LANES])
{
    turn(v);
    for (int r = 0; r < PANEL; r++)
        store_f32(rows + (size_t)r * (size_t)k + i, v[r]);
}

VECTOR_INLINE void level_lines(f32x16 v[4], u32x16 line, f32x16 scale)
{
    static const int input_of_byte[4] = {0, 2, 1, 3};
    i32x16 levels = (i32x16)(line ^ 0x80808080);
    for (int b = 0; b < 4; b++)
        v[input_of_byte[b]] =
            __builtin_convertvector((levels << (24 - 8 * b)) >> 24, f32x16) * scale;
}

void VECTOR_NAME(expand)(float *rows, const void *panel, enum weight_type type, int k)
{
    const char *w = panel;
    for (int i = 0; i < k; i += LANES) {
        const char *superblock = w + panel_offset(type, i / SUPERBLOCK * SUPERBLOCK);
        int block = i % SUPERBLOCK / 32, quarter = i % 32 / 4;
        f32x16 v[LANES] = {0};
        for (int j = 0; j < LANES; j += 4)
            switch (type) {
            case WEIGHT_F32:
                for (int u = j; u < j + 4; u++)
                    v[u] = load_f32((const float *)w + (size_t)(i + u) * PANEL);
                break;
            case WEIGHT_BF16:
                for (int u = j; u < j + 4; u += 2) {
                    u32x16 line = load_u32(w + (size_t)(i + u) / 2 * 64);
                    v[u] = bf16_low(line);
                    v[u + 1] = bf16_high(line);
                }
                break;
            case WEIGHT_Q8:
                level_lines(v + j, load_u32(superblock + 64 + 512 * block + 64 * (quarter + j / 4)),
                            block_scale(superblock, block));
                break;
            case WEIGHT_Q4: {
                u32x16 codes =
                    load_u32(superblock + 64 + 256 * block + 64 * ((quarter + j / 4) / 2));
                level_lines(v + j, look_up(j / 4 % 2 ? codes >> 4 : codes),
                            block_scale(superblock, block));
                break;
            }
            }
        store_turned(rows, k, i, v);
    }
}
