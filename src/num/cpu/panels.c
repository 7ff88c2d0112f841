#include "num/cpu/panels.h"

#include "num/bf16.h"
#include "num/quantize.h"

#include <string.h>

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

int panel_inputs(enum weight_type type, int n_in)
{
    static const int padding[] = {
        [WEIGHT_F32] = 16, [WEIGHT_BF16] = 32, [WEIGHT_Q8] = 64, [WEIGHT_Q4] = 64};
    return (int)round_up((size_t)n_in, (size_t)padding[type]);
}

size_t panel_offset(enum weight_type type, int k)
{
    switch (type) {
    case WEIGHT_F32:
        return (size_t)k * PANEL * sizeof(float);
    case WEIGHT_BF16:
        return (size_t)k * PANEL * sizeof(uint16_t);
    case WEIGHT_Q8:
        return (size_t)(k / SUPERBLOCK) * SUPERBLOCK_Q8_BYTES;
    case WEIGHT_Q4:
        break;
    }
    return (size_t)(k / SUPERBLOCK) * SUPERBLOCK_Q4_BYTES;
}

size_t panel_bytes(enum weight_type type, int n_in)
{
    return panel_offset(type, panel_inputs(type, n_in));
}

int panel_count(int n_out)
{
    return (n_out + PANEL - 1) / PANEL;
}

size_t cpu_matrix_bytes(enum weight_type type, int n_out, int n_in)
{
    return (size_t)panel_count(n_out) * panel_bytes(type, n_in);
}

/* Where the code of input i (of 32) stands in its block; the byte of a q8 block, the half byte of a q4 block. */
static int byte_in_row(int i)
{
    static const int order[4] = {0, 2, 1, 3};
    return order[i % 4];
}

static int q8_at(int i, int lane)
{
    return i / 4 * 64 + lane * 4 + byte_in_row(i);
}

static int q4_at(int i, int lane)
{
    return i / 8 * 64 + lane * 4 + byte_in_row(i);
}

static int q4_shift(int i)
{
    return i / 4 % 2 * 4;
}

/* Where a block's scales and codes stand. */
struct block {
    uint16_t *scale;
    uint8_t *codes;
};

static struct block block_at(char *panel, enum weight_type type, int block, int lane)
{
    char *superblock = panel + panel_offset(type, block / 2 * SUPERBLOCK);
    int code_bytes = type == WEIGHT_Q8 ? 512 : 256;
    return (struct block){(uint16_t *)superblock + lane * 2 + block % 2,
                          (uint8_t *)superblock + 64 + block % 2 * code_bytes};
}

static void pack_block(struct block to, enum weight_type type, int lane,
                       const float x[QUANTIZE_BLOCK])
{
    uint8_t codes[QUANTIZE_BLOCK];
    if (type == WEIGHT_Q8) {
        *to.scale = quantize_q8((int8_t *)codes, x);
        for (int i = 0; i < QUANTIZE_BLOCK; i++)
            to.codes[q8_at(i, lane)] = (uint8_t)(codes[i] ^ 0x80);
        return;
    }
    *to.scale = quantize_q4(codes, x);
    for (int i = 0; i < QUANTIZE_BLOCK; i++) {
        uint8_t *at = &to.codes[q4_at(i, lane)];
        *at = (uint8_t)((*at & (0xf0 >> q4_shift(i))) | codes[i] << q4_shift(i));
    }
}

/* One row into its lane; `x` (n_in) or NULL for zeros, which also fill the padding. */
static void pack_row(char *panel, enum weight_type type, int n_in, int lane, const float *x)
{
    int padded = panel_inputs(type, n_in);
    for (int i = 0; i < padded; i += QUANTIZE_BLOCK) {
        float block[QUANTIZE_BLOCK] = {0};
        int n = padded - i < QUANTIZE_BLOCK ? padded - i : QUANTIZE_BLOCK;
        int n_given = n_in - i < n ? n_in - i : n;
        if (x && n_given > 0)
            memcpy(block, x + i, (size_t)n_given * sizeof *x);
        if (type == WEIGHT_F32)
            for (int j = 0; j < n; j++)
                ((float *)panel)[(size_t)(i + j) * PANEL + (size_t)lane] = block[j];
        else if (type == WEIGHT_BF16)
            for (int j = 0; j < n; j++)
                ((uint16_t *)
                     panel)[((size_t)(i + j) / 2 * PANEL + (size_t)lane) * 2 + (size_t)j % 2] =
                    bf16_from_f32(block[j]);
        else
            pack_block(block_at(panel, type, i / QUANTIZE_BLOCK, lane), type, lane, block);
    }
}

void cpu_matrix_pack(struct matrix *matrix, int first_row, int n, const float *rows)
{
    for (int r = first_row; r < first_row + n; r++, rows += matrix->n_in) {
        char *panel =
            (char *)matrix->data + (size_t)(r / PANEL) * panel_bytes(matrix->type, matrix->n_in);
        pack_row(panel, matrix->type, matrix->n_in, r % PANEL, rows);
        /* Lanes of the last panel that no row fills are zeros. */
        for (int lane = r % PANEL + 1; r == matrix->n_out - 1 && lane < PANEL; lane++)
            pack_row(panel, matrix->type, matrix->n_in, lane, NULL);
    }
}

static float unpack_one(char *panel, enum weight_type type, int i, int lane)
{
    if (type == WEIGHT_F32)
        return ((float *)panel)[(size_t)i * PANEL + (size_t)lane];
    if (type == WEIGHT_BF16)
        return bf16_to_f32(
            ((uint16_t *)panel)[((size_t)i / 2 * PANEL + (size_t)lane) * 2 + (size_t)i % 2]);
    struct block block = block_at(panel, type, i / QUANTIZE_BLOCK, lane);
    int j = i % QUANTIZE_BLOCK;
    int level = type == WEIGHT_Q8
                    ? block.codes[q8_at(j, lane)] - 128
                    : quantize_q4_levels[block.codes[q4_at(j, lane)] >> q4_shift(j) & 15];
    return bf16_to_f32(*block.scale) * (float)level;
}

void cpu_matrix_unpack(float *rows, const struct matrix *matrix, int first_row, int n)
{
    for (int r = first_row; r < first_row + n; r++)
        for (int i = 0; i < matrix->n_in; i++)
            *rows++ = unpack_one((char *)matrix->data +
                                     (size_t)(r / PANEL) * panel_bytes(matrix->type, matrix->n_in),
                                 matrix->type, i, r % PANEL);
}
