/* panels.h -- how the CPU backend keeps a weight matrix: one layout for every instruction set, read front to back.
 *
 * A panel is 16 rows (outputs), one lane each, so a product needs no horizontal sum and a panel is one contiguous stream:
 *
 *   f32   [panel][k][16]                                                      k padded to 16
 *   bf16  [panel][k/2][16][2]                                                 k padded to 32
 *   q8    [panel][k/64]{ bf16 scale[16][2]; u8 level[2][8][16][4] }            k padded to 64
 *   q4    [panel][k/64]{ bf16 scale[16][2]; u8 two_codes[2][4][16][4] }        k padded to 64
 *
 * A `[2]` before the codes is the block of 32. One line of 64 bytes holds 4 inputs of 16 rows; the 4 bytes of a row are inputs
 * 0, 2, 1, 3 of its four, so that the even bytes of a line, and the odd ones, are two neighbouring inputs as 16-bit lanes.
 * q8 keeps level + 128. A q4 line j is lines 2j (low halves of the bytes) and 2j + 1 (high halves).
 * bf16 panels are at the same time the B tiles of AMX: 32 inputs of 16 rows are 1,024 bytes in the order the tile wants. */
#ifndef FIRE_NUM_CPU_PANELS_H
#define FIRE_NUM_CPU_PANELS_H

#include "num/backend.h"

enum {
    PANEL = 16,
    SUPERBLOCK = 64,
    SUPERBLOCK_Q8_BYTES = 64 + 1024,
    SUPERBLOCK_Q4_BYTES = 64 + 512
};

/* How far ahead of its reading a kernel asks for weights, into L2: the line buffers of L1 alone do not hold enough of them to
 * cover the way to memory. Measured: 70% of the read loop without, 90% with. */
enum { PREFETCH_BYTES = 3072 };

/* `n_in` rounded up to what the layout pads it to. */
int panel_inputs(enum weight_type type, int n_in);
size_t panel_bytes(enum weight_type type, int n_in);
/* Bytes of the first `k` inputs of a panel; k a multiple of the padding. */
size_t panel_offset(enum weight_type type, int k);
int panel_count(int n_out);

static inline const void *panel_at(const struct matrix *matrix, int panel)
{
    return (const char *)matrix->data + (size_t)panel * panel_bytes(matrix->type, matrix->n_in);
}

/* The backend's matrix functions; contracts in backend.h. */
size_t cpu_matrix_bytes(enum weight_type type, int n_out, int n_in);
void cpu_matrix_pack(struct matrix *matrix, int first_row, int n, const float *rows);
void cpu_matrix_unpack(float *rows, const struct matrix *matrix, int first_row, int n);

#endif
