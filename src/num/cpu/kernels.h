/* kernels.h -- what an instruction set contributes: a table of kernels, filled by the files that are compiled for it.
 *
 * Kernels compute one piece on one thread. What to split, and between whom, is decided once for all instruction sets in
 * cpu_linear.c, cpu_attention.c and cpu_elementwise.c. */
#ifndef FIRE_NUM_CPU_KERNELS_H
#define FIRE_NUM_CPU_KERNELS_H

#include "num/backend.h"

enum { PANEL_MAX_ROWS = 16 };

/* How panels of one weight type meet a few rows: first a block of at most `max_rows` rows is brought into the form that the
 * kernel reads, then every panel is multiplied with it. */
struct panel_kernel {
    int max_rows;
    size_t (*prepared_bytes)(int k, int n_rows);
    /* x (n_rows, n_in) to `to`; k is n_in as panel_inputs() pads it. */
    void (*prepare)(void *to, const float *x, int n_in, int k, int n_rows);
    /* y (n_rows, 16) = the block times one panel. */
    void (*multiply)(float *y, const void *panel, const void *x, int k, int n_rows);
};

/* A large product: y (n_rows, n_out) of prepared activations and a matrix. */
struct product {
    float *y;
    const void *x;
    const struct matrix *w;
    const float *bias;
    int n_rows, k;
    unsigned flags;
};

/* How panels meet many rows. */
struct block_kernel {
    int min_rows;     /* fewer rows are the panel kernel's */
    int n_panels;     /* panels a task, at most */
    int prepare_rows; /* rows a task of preparation */
    size_t (*prepared_bytes)(int k, int n_rows);
    /* Rows [first_row, first_row + n_rows) of x (n_all_rows, n_in). */
    void (*prepare)(void *to, const float *x, int n_in, int k, int first_row, int n_rows,
                    int n_all_rows);
    size_t (*scratch_bytes)(int k, int n_rows, int n_panels); /* a thread */
    void (*multiply)(const struct product *product, int first_panel, int n_panels, void *scratch);
};

/* How a few rows of one sequence attend. */
struct attention_kernel {
    int max_queries; /* rows times heads that share a key-value head; one row may have more */
    size_t (*scratch_bytes)(const struct attention_shape *shape, int n_queries); /* a thread */
    /* The heads of one key-value head of y and q (n_rows, H, D); the rows share their spans. */
    void (*attend)(float *y, const float *q, const struct attention_row *rows, int n_rows,
                   const struct attention_shape *shape, int kv_head, void *scratch);
};

struct cpu_kernels {
    const char *name;
    struct panel_kernel f32[4];  /* by weight type: activations as they are */
    struct panel_kernel bf16[4]; /* activations rounded to bf16 */
    const struct block_kernel *f32_blocks[4],
        *bf16_blocks[4]; /* the same for many rows; NULL: none */

    struct attention_kernel f32_attention, bf16_attention;

    void (*rms_norm)(float *y, const float *x, const float *w, int width, float eps);
    void (*layer_norm)(float *y, const float *x, const float *w, const float *b, int width,
                       float eps);
    void (*rope)(float *x, const float *table, int n_heads, int head_dim);
    void (*swiglu)(float *y, const float *gate, const float *up, size_t n);
    void (*gelu)(float *x, bool quick, size_t n);
    void (*add)(float *y, const float *x, size_t n);
    void (*to_bf16)(uint16_t *to, const float *from, size_t n);
    /* Values of a panel as rows (16, k); k as padded, to a multiple of 16. */
    void (*expand)(float *rows, const void *panel, enum weight_type type, int k);
};

/* The table in use (cpu.c). */
const struct cpu_kernels *cpu_kernels(void);

/* Writes lanes of one row where they belong: y[i] = or += lanes[i] + bias[i]. */
void finish_lanes(float *y, const float *lanes, const float *bias, int n, unsigned flags);

#endif
