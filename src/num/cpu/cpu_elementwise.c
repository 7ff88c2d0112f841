/* cpu_elementwise.c -- splits norms, rotation and activations into tasks; a few rows stay on the caller. */
#include "num/cpu/cpu_operators.h"

#include "num/cpu/kernels.h"

enum { TASK_ELEMENTS = 8192 };

/* What the tasks of one operator share. */
struct elementwise {
    float *y;
    const float *x, *w, *b;
    float eps;
    bool quick;
    int n_rows, task_rows, width;
    int n_heads, head_dim;
    size_t n;
};

static void run_rows(struct workers *workers, struct elementwise *e,
                     void (*work)(int task, int thread, void *user))
{
    e->task_rows = e->width < TASK_ELEMENTS ? TASK_ELEMENTS / (e->width + 1) + 1 : 1;
    workers_run(workers, (e->n_rows + e->task_rows - 1) / e->task_rows, work, e);
}

static int end_row(const struct elementwise *e, int task)
{
    return (task + 1) * e->task_rows < e->n_rows ? (task + 1) * e->task_rows : e->n_rows;
}

static void run_elements(struct workers *workers, struct elementwise *e,
                         void (*work)(int task, int thread, void *user))
{
    workers_run(workers, (int)((e->n + TASK_ELEMENTS - 1) / TASK_ELEMENTS), work, e);
}

static size_t task_elements(const struct elementwise *e, size_t first)
{
    return e->n - first < TASK_ELEMENTS ? e->n - first : TASK_ELEMENTS;
}

static void rms_norm_task(int task, int thread, void *user)
{
    (void)thread;
    struct elementwise *e = user;
    for (int r = task * e->task_rows; r < end_row(e, task); r++) {
        size_t at = (size_t)r * (size_t)e->width;
        cpu_kernels()->rms_norm(e->y + at, e->x + at, e->w, e->width, e->eps);
    }
}

void cpu_rms_norm(struct workers *workers, float *y, const float *x, const float *w, int n_rows,
                  int width, float eps)
{
    struct elementwise e = {.y = y, .x = x, .w = w, .eps = eps, .n_rows = n_rows, .width = width};
    run_rows(workers, &e, rms_norm_task);
}

static void layer_norm_task(int task, int thread, void *user)
{
    (void)thread;
    struct elementwise *e = user;
    for (int r = task * e->task_rows; r < end_row(e, task); r++) {
        size_t at = (size_t)r * (size_t)e->width;
        cpu_kernels()->layer_norm(e->y + at, e->x + at, e->w, e->b, e->width, e->eps);
    }
}

void cpu_layer_norm(struct workers *workers, float *y, const float *x, const float *w,
                    const float *b, int n_rows, int width, float eps)
{
    struct elementwise e = {
        .y = y, .x = x, .w = w, .b = b, .eps = eps, .n_rows = n_rows, .width = width};
    run_rows(workers, &e, layer_norm_task);
}

static void rope_task(int task, int thread, void *user)
{
    (void)thread;
    struct elementwise *e = user;
    for (int r = task * e->task_rows; r < end_row(e, task); r++)
        cpu_kernels()->rope(e->y + (size_t)r * (size_t)e->width,
                            e->x + (size_t)r * (size_t)e->head_dim, e->n_heads, e->head_dim);
}

void cpu_rope(struct workers *workers, float *x, const float *table, int n_rows, int n_heads,
              int head_dim)
{
    struct elementwise e = {.y = x,
                            .x = table,
                            .n_rows = n_rows,
                            .width = n_heads * head_dim,
                            .n_heads = n_heads,
                            .head_dim = head_dim};
    run_rows(workers, &e, rope_task);
}

static void swiglu_task(int task, int thread, void *user)
{
    (void)thread;
    struct elementwise *e = user;
    size_t first = (size_t)task * TASK_ELEMENTS;
    cpu_kernels()->swiglu(e->y + first, e->x + first, e->w + first, task_elements(e, first));
}

void cpu_swiglu(struct workers *workers, float *y, const float *gate, const float *up, int n_rows,
                int width)
{
    struct elementwise e = {.y = y, .x = gate, .w = up, .n = (size_t)n_rows * (size_t)width};
    run_elements(workers, &e, swiglu_task);
}

static void gelu_task(int task, int thread, void *user)
{
    (void)thread;
    struct elementwise *e = user;
    size_t first = (size_t)task * TASK_ELEMENTS;
    cpu_kernels()->gelu(e->y + first, e->quick, task_elements(e, first));
}

void cpu_gelu(struct workers *workers, float *x, bool quick, int n_rows, int width)
{
    struct elementwise e = {.y = x, .quick = quick, .n = (size_t)n_rows * (size_t)width};
    run_elements(workers, &e, gelu_task);
}

static void add_task(int task, int thread, void *user)
{
    (void)thread;
    struct elementwise *e = user;
    size_t first = (size_t)task * TASK_ELEMENTS;
    cpu_kernels()->add(e->y + first, e->x + first, task_elements(e, first));
}

void cpu_add(struct workers *workers, float *y, const float *x, size_t n)
{
    struct elementwise e = {.y = y, .x = x, .n = n};
    run_elements(workers, &e, add_task);
}
