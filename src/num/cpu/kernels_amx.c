/* kernels_amx.c -- bf16 activations with AMX: C (16, 16) f32 += A (16, 32) bf16 * B (32, 16) bf16 in one instruction.
 *
 * A tile of B is 1,024 bytes of a bf16 panel as they lie; activations are brought into tiles of A beforehand, (row tile,
 * k/32, 16, 32). Quantised panels are expanded to tiles of B: for a few rows to their levels, which are exact as bf16, each
 * block of 32 inputs summed in a C of its own and scaled in f32; for many rows to level * scale, rounded to bf16, once for
 * ROW_BLOCK rows.
 *
 * Large products, for each block of rows: K in slices of K_SLICE, so that a pair of panels and a pair of row tiles (16 KB
 * each) stay in L1 and the slice of the activations (256 KB) with the sums of the task (1 MB) in L2. Every sum adds its k in
 * rising order, so with bf16 weights a row's result does not depend on the rows beside it, nor on which of the two kernels
 * computed it. */
#include "num/cpu/kernels_amx.h"

#include "num/cpu/kernels_vnni.h"
#include "num/cpu/panels.h"
#include "num/cpu/vector.h"
#include "num/quantize.h"

#include <immintrin.h>

enum {
    TILE_ROWS = 16,
    TILE_K = 32,
    TILE_BYTES = 1024,
    LINE = 64,
    K_SLICE = 256,
    ROW_BLOCK = 512,
    SLICE_TILES = K_SLICE / TILE_K,
};

#define KERNEL_INLINE static inline __attribute__((always_inline))

/* Tile registers: sums 0-3, A 4-5, B 6-7. Rows of A and of the sums: `n_rows`. */
static void configure(int n_rows)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = LINE;
        config.rows[i] = (uint8_t)(i < 6 ? n_rows : TILE_ROWS);
    }
    __asm__ volatile(""
                     :
                     : "r"(&config)
                     : "memory"); /* gcc believes that only its first 8 bytes are read */
    _tile_loadconfig(&config);
}

/* Where a row tile's part of the slice that starts at k stands: slices one after the other, in each the row tiles. */
static size_t slice_offset(int row_tile, int n_row_tiles, int k, int at_k)
{
    int length = k - at_k < K_SLICE ? k - at_k : K_SLICE;
    return ((size_t)at_k * (size_t)n_row_tiles + (size_t)row_tile * (size_t)length) / TILE_K *
           TILE_BYTES;
}

/* A row of the activations, or zeros, to all its tiles. */
static void prepare_row(char *tiles, const float *x, int n_in, int k, int row, int n_row_tiles)
{
    for (int i = 0; i < k; i += TILE_K) {
        char *to = tiles + slice_offset(row / TILE_ROWS, n_row_tiles, k, i / K_SLICE * K_SLICE) +
                   (size_t)(i % K_SLICE / TILE_K) * TILE_BYTES + row % TILE_ROWS * LINE;
        __m512i bits[2];
        for (int half = 0; half < 2; half++) {
            int at = i + half * LANES, n = x ? n_in - at : 0;
            f32x16 v = n >= LANES ? load_f32(x + at)
                       : n > 0    ? load_f32_part(x + at, (size_t)n)
                                  : (f32x16){0};
            u32x16 rounded = round_bf16(v);
            memcpy(&bits[half], &rounded, sizeof rounded);
        }
        __m256i low = _mm512_cvtepi32_epi16(_mm512_srli_epi32(bits[0], 16));
        __m256i high = _mm512_cvtepi32_epi16(_mm512_srli_epi32(bits[1], 16));
        _mm256_storeu_si256((__m256i *)to, low);
        _mm256_storeu_si256((__m256i *)(to + 32), high);
    }
}

static size_t few_prepared_bytes(int k, int n_rows)
{
    (void)n_rows;
    return (size_t)(k / TILE_K) * TILE_BYTES;
}

static void few_prepare(void *to, const float *x, int n_in, int k, int n_rows)
{
    for (int r = 0; r < n_rows; r++)
        prepare_row(to, x + (size_t)r * (size_t)n_in, n_in, k, r, 1);
}

static void few_multiply_bf16(float *y, const void *panel, const void *x, int k, int n_rows)
{
    const char *a = x, *b = panel;
    configure(n_rows);
    _tile_zero(0);
    for (int i = 0; i < k; i += TILE_K, a += TILE_BYTES, b += TILE_BYTES) {
        for (int line = 0; line < TILE_BYTES; line += LINE)
            _mm_prefetch(b + line + PREFETCH_BYTES, _MM_HINT_T1);
        _tile_loadd(4, a, LINE);
        _tile_loadd(6, b, LINE);
        _tile_dpbf16ps(0, 4, 6);
    }
    _tile_stored(0, y, LINE);
    _tile_release();
}

/* The upper halves of two vectors of f32 as pairs of bf16. */
KERNEL_INLINE __m512i join(__m512 even, __m512 odd)
{
    const __m512i upper = _mm512_set1_epi32((int)0xffff0000);
    return _mm512_or_si512(_mm512_srli_epi32(_mm512_castps_si512(even), 16),
                           _mm512_and_si512(_mm512_castps_si512(odd), upper));
}

/* Sixteen whole numbers, first + step i, as a table of bf16, twice: vpermw looks at 5 bits of an index. */
KERNEL_INLINE __m512i table_of(__m512i numbers)
{
    __m512 values = _mm512_cvtepi32_ps(numbers);
    return _mm512_broadcast_i64x4(
        _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_castps_si512(values), 16)));
}

/* The four half bytes of the 16-bit lanes of `codes`, looked up. */
KERNEL_INLINE void look_up(__m512i values[4], __m512i codes, __m512i even_table, __m512i odd_table)
{
    values[0] = _mm512_permutexvar_epi16(codes, even_table);
    values[1] = _mm512_permutexvar_epi16(_mm512_srli_epi32(codes, 4), odd_table);
    values[2] = _mm512_permutexvar_epi16(_mm512_srli_epi32(codes, 8), even_table);
    values[3] = _mm512_permutexvar_epi16(_mm512_srli_epi32(codes, 12), odd_table);
}

/* A block of q8 codes as two tiles whose sum are the levels: level + 128 = 16 high + low, so 16 high - 128 and low. */
KERNEL_INLINE void levels_of_q8(char *tiles, const char *lines)
{
    const __m512i step = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i low = table_of(step);
    const __m512i high =
        table_of(_mm512_sub_epi32(_mm512_slli_epi32(step, 4), _mm512_set1_epi32(128)));
    for (int j = 0; j < 8; j++, tiles += 2 * LINE) {
        __m512i values[4];
        look_up(values, _mm512_loadu_si512(lines + LINE * j), low, high);
        _mm512_storeu_si512(tiles, values[0]);
        _mm512_storeu_si512(tiles + TILE_BYTES, values[1]);
        _mm512_storeu_si512(tiles + LINE, values[2]);
        _mm512_storeu_si512(tiles + TILE_BYTES + LINE, values[3]);
    }
}

/* A 32-bit lane of codes holds 8 inputs; its 16-bit halves, shifted by 0, 4, 8, 12, are inputs (0, 1), (4, 5), (2, 3), (6, 7). */
KERNEL_INLINE void levels_of_q4(char *tile, const char *lines)
{
    const __m512i table =
        table_of(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)quantize_q4_levels)));
    for (int j = 0; j < 4; j++, tile += 4 * LINE) {
        __m512i values[4];
        look_up(values, _mm512_loadu_si512(lines + LINE * j), table, table);
        _mm512_storeu_si512(tile, values[0]);
        _mm512_storeu_si512(tile + 2 * LINE, values[1]);
        _mm512_storeu_si512(tile + LINE, values[2]);
        _mm512_storeu_si512(tile + 3 * LINE, values[3]);
    }
}

KERNEL_INLINE __m512 block_scale(const char *superblock, int block)
{
    __m512i scales = _mm512_loadu_si512(superblock);
    return _mm512_castsi512_ps(block ? _mm512_and_si512(scales, _mm512_set1_epi32((int)0xffff0000))
                                     : _mm512_slli_epi32(scales, 16));
}

/* The tiles of levels of a superblock: two a block for q8, one for q4. */
KERNEL_INLINE void expand_superblock(char *tiles, const char *w, const int bits)
{
    for (int block = 0; block < 2; block++)
        if (bits == 8)
            levels_of_q8(tiles + block * 2 * TILE_BYTES, w + 64 + 512 * block);
        else
            levels_of_q4(tiles + block * TILE_BYTES, w + 64 + 256 * block);
}

KERNEL_INLINE void add_scaled(__m512 total[TILE_ROWS], const float *sums, const char *w, int n_rows)
{
    for (int block = 0; block < 2; block++, sums += TILE_ROWS * PANEL) {
        __m512 scale = block_scale(w, block);
        for (int r = 0; r < n_rows; r++)
            total[r] = _mm512_fmadd_ps(_mm512_loadu_ps(sums + r * PANEL), scale, total[r]);
    }
}

/* Three stages, one superblock apart, so that none waits for the stores of the one before: expand, multiply, scale. */
KERNEL_INLINE void few_multiply(float *y, const char *w, const char *a, int k, int n_rows,
                                const int bits)
{
    _Alignas(LINE) char tiles[8 * TILE_BYTES];
    _Alignas(LINE) float sums[2][2 * TILE_ROWS * PANEL];
    const int step = 64 + 128 * bits, n = k / SUPERBLOCK, block_bytes = bits / 4 * TILE_BYTES;
    __m512 total[TILE_ROWS];
    for (int r = 0; r < n_rows; r++)
        total[r] = _mm512_setzero_ps();
    configure(n_rows);
    if (n)
        expand_superblock(tiles, w, bits);
    for (int i = 0; i < n; i++, w += step, a += 2 * TILE_BYTES) {
        char *b = tiles + (i & 1) * 2 * block_bytes, *next = tiles + (~i & 1) * 2 * block_bytes;
        for (int line = 0; line < step; line += LINE)
            _mm_prefetch(w + line + PREFETCH_BYTES, _MM_HINT_T1);
        if (i + 1 < n)
            expand_superblock(next, w + step, bits);
        _tile_zero(0);
        _tile_zero(1);
        _tile_loadd(4, a, LINE);
        _tile_loadd(5, a + TILE_BYTES, LINE);
        _tile_loadd(6, b, LINE);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, b + block_bytes, LINE);
        _tile_dpbf16ps(1, 5, 7);
        if (bits == 8) {
            _tile_loadd(6, b + TILE_BYTES, LINE);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(7, b + block_bytes + TILE_BYTES, LINE);
            _tile_dpbf16ps(1, 5, 7);
        }
        if (i)
            add_scaled(total, sums[(i - 1) & 1], w - step, n_rows);
        _tile_stored(0, sums[i & 1], LINE);
        _tile_stored(1, sums[i & 1] + TILE_ROWS * PANEL, LINE);
    }
    _tile_release();
    if (n)
        add_scaled(total, sums[(n - 1) & 1], w - step, n_rows);
    for (int r = 0; r < n_rows; r++)
        _mm512_storeu_ps(y + r * PANEL, total[r]);
}

/* Up to 8 rows (q8) or 4 (q4) are faster with vector instructions, which have nothing to expand. */
enum { VNNI_ROWS_Q8 = 8, VNNI_ROWS_Q4 = 4 };

static size_t quantized_prepared_bytes(int k, int n_rows)
{
    size_t vector = n_rows <= VNNI_ROWS_Q8 ? vnni_q8.prepared_bytes(k, n_rows)
                                           : vnni_q8.prepared_bytes(k, VNNI_ROWS_Q8);
    size_t tiles = few_prepared_bytes(k, n_rows);
    return vector > tiles ? vector : tiles;
}

static void prepare_q8(void *to, const float *x, int n_in, int k, int n_rows)
{
    (n_rows <= VNNI_ROWS_Q8 ? vnni_q8.prepare : few_prepare)(to, x, n_in, k, n_rows);
}

static void prepare_q4(void *to, const float *x, int n_in, int k, int n_rows)
{
    (n_rows <= VNNI_ROWS_Q4 ? vnni_q4.prepare : few_prepare)(to, x, n_in, k, n_rows);
}

static void few_multiply_q8(float *y, const void *panel, const void *x, int k, int n_rows)
{
    if (n_rows <= VNNI_ROWS_Q8)
        vnni_q8.multiply(y, panel, x, k, n_rows);
    else
        few_multiply(y, panel, x, k, n_rows, 8);
}

static void few_multiply_q4(float *y, const void *panel, const void *x, int k, int n_rows)
{
    if (n_rows <= VNNI_ROWS_Q4)
        vnni_q4.multiply(y, panel, x, k, n_rows);
    else
        few_multiply(y, panel, x, k, n_rows, 4);
}

const struct panel_kernel amx_bf16 = {TILE_ROWS, few_prepared_bytes, few_prepare,
                                      few_multiply_bf16};
const struct panel_kernel amx_q8 = {TILE_ROWS, quantized_prepared_bytes, prepare_q8,
                                    few_multiply_q8};
const struct panel_kernel amx_q4 = {TILE_ROWS, quantized_prepared_bytes, prepare_q4,
                                    few_multiply_q4};

/* Activations of many rows: an even number of row tiles, the rows behind the last one zeros. */
static int row_tiles(int n_rows)
{
    return (n_rows + 2 * TILE_ROWS - 1) / (2 * TILE_ROWS) * 2;
}

static size_t block_prepared_bytes(int k, int n_rows)
{
    return (size_t)row_tiles(n_rows) * few_prepared_bytes(k, TILE_ROWS);
}

static void block_prepare(void *to, const float *x, int n_in, int k, int first_row, int n_rows,
                          int n_all_rows)
{
    int n_row_tiles = row_tiles(n_all_rows), end = first_row + n_rows;
    for (int r = first_row; r < end; r++)
        prepare_row(to, x + (size_t)r * (size_t)n_in, n_in, k, r, n_row_tiles);
    for (int r = end; r < row_tiles(end) * TILE_ROWS; r++)
        prepare_row(to, NULL, n_in, k, r, n_row_tiles);
}

/* Two lines of a tile from a line of level + 128: level * scale, rounded to nearest. */
KERNEL_INLINE void expand_values(char *to, __m512i line, __m512 scale, __m512 shift)
{
    const __m512i byte = _mm512_set1_epi32(0xff), half = _mm512_set1_epi32(0x8000);
    __m512 v[4];
    for (int b = 0; b < 4; b++) {
        __m512 level =
            _mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(line, 8 * (unsigned)b), byte));
        v[b] = _mm512_castsi512_ps(
            _mm512_add_epi32(_mm512_castps_si512(_mm512_fmadd_ps(level, scale, shift)), half));
    }
    _mm512_storeu_si512(to, join(v[0], v[2]));
    _mm512_storeu_si512(to + LINE, join(v[1], v[3]));
}

/* `n_tiles` tiles of values from the superblocks at w. */
KERNEL_INLINE void expand_tiles(char *to, const char *w, int n_tiles, const int bits)
{
    const __m512i low_half = _mm512_set1_epi8(15);
    const __m512i levels = _mm512_xor_si512(
        _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)quantize_q4_levels)),
        _mm512_set1_epi8((char)0x80));
    for (int t = 0; t < n_tiles; t += 2, w += 64 + 128 * bits)
        for (int block = 0; block < 2; block++, to += TILE_BYTES) {
            __m512 scale = block_scale(w, block),
                   shift = _mm512_mul_ps(scale, _mm512_set1_ps(-128));
            const char *lines = w + 64 + 64 * bits * block;
            for (int j = 0; j < bits; j++) {
                __m512i line = _mm512_loadu_si512(lines + LINE * j);
                if (bits == 8) {
                    expand_values(to + 2 * LINE * j, line, scale, shift);
                    continue;
                }
                __m512i low = _mm512_and_si512(line, low_half);
                __m512i high = _mm512_and_si512(_mm512_srli_epi16(line, 4), low_half);
                expand_values(to + 4 * LINE * j, _mm512_shuffle_epi8(levels, low), scale, shift);
                expand_values(to + 4 * LINE * j + 2 * LINE, _mm512_shuffle_epi8(levels, high),
                              scale, shift);
            }
        }
}

static size_t block_scratch_bytes(int k, int n_rows, int n_panels)
{
    int rows = n_rows < ROW_BLOCK ? n_rows : ROW_BLOCK;
    (void)k;
    return (size_t)row_tiles(rows) * (size_t)(n_panels + 1) * TILE_BYTES +
           2 * SLICE_TILES * TILE_BYTES;
}

/* Sums of 2 x 2 tiles over n_tiles of k; `c` and `d` are the sums of the two panels, two row tiles each. */
KERNEL_INLINE void multiply_tiles(float *c, float *d, const char *a0, const char *a1,
                                  const char *b0, const char *b1, int n_tiles, bool first)
{
    if (first) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    } else {
        _tile_loadd(0, c, LINE);
        _tile_loadd(1, d, LINE);
        _tile_loadd(2, c + TILE_ROWS * PANEL, LINE);
        _tile_loadd(3, d + TILE_ROWS * PANEL, LINE);
    }
    for (int t = 0; t < n_tiles; t++) {
        size_t at = (size_t)t * TILE_BYTES;
        _tile_loadd(6, b0 + at, LINE);
        _tile_loadd(4, a0 + at, LINE);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, b1 + at, LINE);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, a1 + at, LINE);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, LINE);
    _tile_stored(1, d, LINE);
    _tile_stored(2, c + TILE_ROWS * PANEL, LINE);
    _tile_stored(3, d + TILE_ROWS * PANEL, LINE);
}

/* Asks for part `i` of `n` of some memory that will be read soon. */
KERNEL_INLINE void prefetch_part(const char *memory, size_t n_bytes, int i, int n)
{
    size_t part = (n_bytes / LINE + (size_t)n - 1) / (size_t)n * LINE;
    for (size_t at = (size_t)i * part; at < (size_t)(i + 1) * part && at < n_bytes; at += LINE)
        _mm_prefetch(memory + at, _MM_HINT_T1);
}

/* Tiles of B of one slice of a panel: as they lie, or expanded to `buffer`. */
static const char *slice_tiles(const struct product *p, int panel, int k, int n_tiles, char *buffer)
{
    const char *w = (const char *)panel_at(p->w, panel) + panel_offset(p->w->type, k);
    if (p->w->type == WEIGHT_BF16)
        return w;
    if (p->w->type == WEIGHT_Q8)
        expand_tiles(buffer, w, n_tiles, 8);
    else
        expand_tiles(buffer, w, n_tiles, 4);
    return buffer;
}

/* Rows [first_row, first_row + n_rows) of y, 16 floats a panel. */
static void finish_rows(const struct product *p, const float *sums, size_t panel_floats,
                        int first_panel, int n_panels, int first_row, int n_rows)
{
    for (int r = 0; r < n_rows; r++) {
        float *y = p->y + (size_t)(first_row + r) * (size_t)p->w->n_out;
        for (int i = 0; i < n_panels; i++) {
            int at = (first_panel + i) * PANEL,
                n = p->w->n_out - at < PANEL ? p->w->n_out - at : PANEL;
            __mmask16 lanes = (__mmask16)((1u << n) - 1);
            __m512 value = _mm512_loadu_ps(sums + (size_t)i * panel_floats + (size_t)r * PANEL);
            if (p->bias)
                value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(lanes, p->bias + at));
            if (p->flags & LINEAR_ADD)
                value = _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, y + at), value);
            _mm512_mask_storeu_ps(y + at, lanes, value);
        }
    }
}

/* ROW_BLOCK rows or fewer from row tile `first_tile` on; `sums` (n_panels + 1, row tiles, 16, 16), of which the last takes
 * what the pair of an odd panel computes. */
static void multiply_rows(const struct product *p, int first_panel, int n_panels, int first_tile,
                          int n_row_tiles, float *sums, char *buffer)
{
    size_t panel_floats = (size_t)n_row_tiles * TILE_ROWS * PANEL;
    for (int k = 0; k < p->k; k += K_SLICE) {
        int n_tiles = (p->k - k < K_SLICE ? p->k - k : K_SLICE) / TILE_K;
        const char *a =
            (const char *)p->x + slice_offset(first_tile, row_tiles(p->n_rows), p->k, k);
        for (int i = 0; i < n_panels; i += 2) {
            bool alone = i + 1 == n_panels;
            float *c = sums + (size_t)i * panel_floats,
                  *d = sums + (size_t)(alone ? n_panels : i + 1) * panel_floats;
            const char *b0 = slice_tiles(p, first_panel + i, k, n_tiles, buffer);
            const char *b1 = alone ? b0
                                   : slice_tiles(p, first_panel + i + 1, k, n_tiles,
                                                 buffer + SLICE_TILES * TILE_BYTES);
            size_t slice_bytes = panel_offset(p->w->type, (n_tiles + 1) / 2 * 2 * TILE_K);
            for (int t = 0; t < n_row_tiles; t += 2) {
                for (int j = 2; j < 4 && i + j < n_panels; j++)
                    prefetch_part((const char *)panel_at(p->w, first_panel + i + j) +
                                      panel_offset(p->w->type, k),
                                  slice_bytes, t / 2, n_row_tiles / 2);
                size_t at = (size_t)t * TILE_ROWS * PANEL;
                const char *rows = a + (size_t)t * (size_t)n_tiles * TILE_BYTES;
                multiply_tiles(c + at, d + at, rows, rows + (size_t)n_tiles * TILE_BYTES, b0, b1,
                               n_tiles, k == 0);
            }
        }
    }
}

static void block_multiply(const struct product *p, int first_panel, int n_panels, void *scratch)
{
    configure(TILE_ROWS);
    for (int row = 0; row < p->n_rows; row += ROW_BLOCK) {
        int n_rows = p->n_rows - row < ROW_BLOCK ? p->n_rows - row : ROW_BLOCK,
            n_row_tiles = row_tiles(n_rows);
        size_t panel_floats = (size_t)n_row_tiles * TILE_ROWS * PANEL;
        float *sums = scratch;
        char *buffer = (char *)(sums + (size_t)(n_panels + 1) * panel_floats);
        multiply_rows(p, first_panel, n_panels, row / TILE_ROWS, n_row_tiles, sums, buffer);
        finish_rows(p, sums, panel_floats, first_panel, n_panels, row, n_rows);
    }
    _tile_release();
}

const struct block_kernel amx_block = {
    .min_rows = TILE_ROWS + 1,
    .n_panels = 32,
    .prepare_rows = 2 * TILE_ROWS,
    .prepared_bytes = block_prepared_bytes,
    .prepare = block_prepare,
    .scratch_bytes = block_scratch_bytes,
    .multiply = block_multiply,
};
