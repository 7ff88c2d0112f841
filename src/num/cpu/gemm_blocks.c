/* gemm_blocks.c -- 16 panels at a time are expanded to plain rows, which stay in the cache, and handed to the library. */
#include "num/cpu/gemm_blocks.h"

#include "num/cpu/gemm.h"
#include "num/cpu/panels.h"

#include <glib.h>
#include <string.h>

enum { MIN_ROWS = 32, PANELS_A_TASK = 16, ROWS_A_TASK = 16 };

static size_t f32_prepared_bytes(int k, int n_rows)
{
    return (size_t)k * (size_t)n_rows * sizeof(float);
}

static size_t bf16_prepared_bytes(int k, int n_rows)
{
    return (size_t)k * (size_t)n_rows * sizeof(uint16_t);
}

static void prepare_f32(void *to, const float *x, int n_in, int k, int first_row, int n_rows,
                        int n_all_rows)
{
    (void)n_all_rows;
    for (int r = first_row; r < first_row + n_rows; r++) {
        float *row = (float *)to + (size_t)r * (size_t)k;
        memcpy(row, x + (size_t)r * (size_t)n_in, (size_t)n_in * sizeof *row);
        memset(row + n_in, 0, (size_t)(k - n_in) * sizeof *row);
    }
}

static void prepare_bf16(void *to, const float *x, int n_in, int k, int first_row, int n_rows,
                         int n_all_rows)
{
    (void)n_all_rows;
    for (int r = first_row; r < first_row + n_rows; r++) {
        uint16_t *row = (uint16_t *)to + (size_t)r * (size_t)k;
        cpu_kernels()->to_bf16(row, x + (size_t)r * (size_t)n_in, (size_t)n_in);
        memset(row + n_in, 0, (size_t)(k - n_in) * sizeof *row);
    }
}

static void prepare_rounded(void *to, const float *x, int n_in, int k, int first_row, int n_rows,
                            int n_all_rows)
{
    (void)n_all_rows;
    float *rows = (float *)to + (size_t)first_row * (size_t)k;
    cpu_kernels()->bf16[WEIGHT_F32].prepare(rows, x + (size_t)first_row * (size_t)n_in, n_in, k,
                                            n_rows);
}

static size_t f32_scratch_bytes(int k, int n_rows, int n_panels)
{
    (void)n_rows;
    return f32_prepared_bytes(k, n_panels * PANEL);
}

/* The rows of one panel in f32 first. */
static size_t bf16_scratch_bytes(int k, int n_rows, int n_panels)
{
    (void)n_rows;
    return f32_prepared_bytes(k, PANEL) + bf16_prepared_bytes(k, n_panels * PANEL);
}

static int outputs(const struct product *p, int first_panel, int n_panels)
{
    int left = p->w->n_out - first_panel * PANEL;
    return left < n_panels * PANEL ? left : n_panels * PANEL;
}

/* The library adds to y; the bias goes there before. Returns whether it must. */
static bool place_bias(const struct product *p, float *y, int first_panel, int n)
{
    for (int r = 0; p->bias && r < p->n_rows; r++)
        for (int i = 0; i < n; i++) {
            float *to = y + (size_t)r * (size_t)p->w->n_out + i,
                  b = p->bias[first_panel * PANEL + i];
            *to = p->flags & LINEAR_ADD ? *to + b : b;
        }
    return p->bias || p->flags & LINEAR_ADD;
}

static void multiply_f32(const struct product *p, int first_panel, int n_panels, void *scratch)
{
    int n = outputs(p, first_panel, n_panels);
    float *y = p->y + first_panel * PANEL, *rows = scratch;
    for (int i = 0; i < n_panels; i++)
        cpu_kernels()->expand(rows + (size_t)i * PANEL * (size_t)p->k,
                              panel_at(p->w, first_panel + i), p->w->type, p->k);
    gemm.f32(y, p->w->n_out, p->x, rows, p->n_rows, n, p->k, place_bias(p, y, first_panel, n));
}

static void multiply_bf16(const struct product *p, int first_panel, int n_panels, void *scratch)
{
    int n = outputs(p, first_panel, n_panels);
    size_t panel_floats = (size_t)PANEL * (size_t)p->k;
    float *y = p->y + first_panel * PANEL, *expanded = scratch;
    uint16_t *rows = (uint16_t *)(expanded + panel_floats);
    for (int i = 0; i < n_panels; i++) {
        cpu_kernels()->expand(expanded, panel_at(p->w, first_panel + i), p->w->type, p->k);
        cpu_kernels()->to_bf16(rows + (size_t)i * panel_floats, expanded, panel_floats);
    }
    bool done =
        gemm.bf16(y, p->w->n_out, p->x, rows, p->n_rows, n, p->k, place_bias(p, y, first_panel, n));
    g_assert(done);
}

const struct block_kernel *gemm_blocks_f32(void)
{
    static const struct block_kernel blocks = {MIN_ROWS,           PANELS_A_TASK, ROWS_A_TASK,
                                               f32_prepared_bytes, prepare_f32,   f32_scratch_bytes,
                                               multiply_f32};
    return gemm.f32 ? &blocks : NULL;
}

const struct block_kernel *gemm_blocks_rounded(void)
{
    static const struct block_kernel blocks = {
        MIN_ROWS,        PANELS_A_TASK,     ROWS_A_TASK, f32_prepared_bytes,
        prepare_rounded, f32_scratch_bytes, multiply_f32};
    return gemm.f32 ? &blocks : NULL;
}

/* A product of the usual kind tells whether the library has code for this machine. */
static bool can_bf16(void)
{
    enum { M = MIN_ROWS, N = PANELS_A_TASK * PANEL, K = SUPERBLOCK };
    g_autofree uint16_t *a = g_new0(uint16_t, M * K), *b = g_new0(uint16_t, N * K);
    g_autofree float *c = g_new0(float, M *N);
    return gemm.bf16 && gemm.bf16(c, N, a, b, M, N, K, true) &&
           gemm.bf16(c, N, a, b, M, N, K, false);
}

const struct block_kernel *gemm_blocks_bf16(void)
{
    static const struct block_kernel blocks = {
        MIN_ROWS,     PANELS_A_TASK,      ROWS_A_TASK,  bf16_prepared_bytes,
        prepare_bf16, bf16_scratch_bytes, multiply_bf16};
    return can_bf16() ? &blocks : NULL;
}
