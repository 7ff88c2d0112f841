/* ref_linear.c -- weights row after row; a quantised row is blocks of a scale and 32 codes, one byte each. */
#include "num/bf16.h"
#include "num/quantize.h"
#include "num/ref/ref.h"

#include <string.h>

struct block {
    uint16_t scale;
    uint8_t codes[QUANTIZE_BLOCK]; /* q8: int8 levels; q4: indices */
};

static size_t row_bytes(enum weight_type type, int n_in)
{
    size_t n_blocks = ((size_t)n_in + QUANTIZE_BLOCK - 1) / QUANTIZE_BLOCK;
    switch (type) {
    case WEIGHT_F32:
        return (size_t)n_in * sizeof(float);
    case WEIGHT_BF16:
        return (size_t)n_in * sizeof(uint16_t);
    case WEIGHT_Q8:
    case WEIGHT_Q4:
        break;
    }
    return n_blocks * sizeof(struct block);
}

size_t ref_matrix_bytes(enum weight_type type, int n_out, int n_in)
{
    return (size_t)n_out * row_bytes(type, n_in);
}

static void *row_at(const struct matrix *matrix, int row)
{
    return (char *)matrix->data + (size_t)row * row_bytes(matrix->type, matrix->n_in);
}

/* A last block that is not full is filled up with zeros. */
static void pack_block(struct block *block, enum weight_type type, const float *x, int n)
{
    float full[QUANTIZE_BLOCK] = {0};
    memcpy(full, x, (size_t)(n < QUANTIZE_BLOCK ? n : QUANTIZE_BLOCK) * sizeof *x);
    block->scale = type == WEIGHT_Q8 ? quantize_q8((int8_t *)block->codes, full)
                                     : quantize_q4(block->codes, full);
}

void ref_matrix_pack(struct matrix *matrix, int first_row, int n, const float *rows)
{
    for (int r = 0; r < n; r++, rows += matrix->n_in) {
        void *to = row_at(matrix, first_row + r);
        if (matrix->type == WEIGHT_F32)
            memcpy(to, rows, row_bytes(WEIGHT_F32, matrix->n_in));
        else if (matrix->type == WEIGHT_BF16)
            for (int i = 0; i < matrix->n_in; i++)
                ((uint16_t *)to)[i] = bf16_from_f32(rows[i]);
        else
            for (int i = 0; i < matrix->n_in; i += QUANTIZE_BLOCK)
                pack_block((struct block *)to + i / QUANTIZE_BLOCK, matrix->type, rows + i,
                           matrix->n_in - i);
    }
}

static float weight(const void *row, enum weight_type type, int i)
{
    const struct block *block = (const struct block *)row + i / QUANTIZE_BLOCK;
    uint8_t code = 0;
    switch (type) {
    case WEIGHT_F32:
        return ((const float *)row)[i];
    case WEIGHT_BF16:
        return bf16_to_f32(((const uint16_t *)row)[i]);
    case WEIGHT_Q8:
    case WEIGHT_Q4:
        code = block->codes[i % QUANTIZE_BLOCK];
        break;
    }
    return bf16_to_f32(block->scale) *
           (type == WEIGHT_Q8 ? (int8_t)code : quantize_q4_levels[code]);
}

void ref_matrix_unpack(float *rows, const struct matrix *matrix, int first_row, int n)
{
    for (int r = 0; r < n; r++)
        for (int i = 0; i < matrix->n_in; i++)
            *rows++ = weight(row_at(matrix, first_row + r), matrix->type, i);
}

void ref_linear(struct workers *workers, float *y, const float *x, const struct matrix *w,
                const float *bias, int n_rows, unsigned flags, void *work)
{
    (void)workers;
    float *row = work;
    for (int o = 0; o < w->n_out; o++) {
        ref_matrix_unpack(row, w, o, 1);
        for (int r = 0; r < n_rows; r++) {
            const float *xr = x + (size_t)r * (size_t)w->n_in;
            float *at = y + (size_t)r * (size_t)w->n_out + o;
            double sum = bias ? bias[o] : 0;
            for (int i = 0; i < w->n_in; i++)
                sum += (double)row[i] *
                       (flags & LINEAR_BF16 ? bf16_to_f32(bf16_from_f32(xr[i])) : xr[i]);
            *at = (float)(flags & LINEAR_ADD ? *at + sum : sum);
        }
    }
}

size_t ref_linear_work_bytes(const struct workers *workers, const struct matrix *w, int n_rows)
{
    (void)workers;
    (void)n_rows;
    return (size_t)w->n_in * sizeof(float);
}
