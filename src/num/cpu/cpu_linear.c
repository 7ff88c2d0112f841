/* cpu_linear.c -- splits a product into tasks of a few panels each, and picks the kernel by the number of rows. */
#include "num/cpu/cpu_operators.h"

#include "num/cpu/kernels.h"
#include "num/cpu/panels.h"

enum { ALIGNMENT = 64, TASK_BYTES = 256 * 1024 };

static size_t aligned(size_t n)
{
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int parts(int n, int part)
{
    return (n + part - 1) / part;
}

void finish_lanes(float *y, const float *lanes, const float *bias, int n, unsigned flags)
{
    for (int i = 0; i < n; i++) {
        float value = bias ? lanes[i] + bias[i] : lanes[i];
        y[i] = flags & LINEAR_ADD ? y[i] + value : value;
    }
}

/* What the tasks of one linear share. */
struct linear {
    struct product product;
    const struct panel_kernel *panels;
    const struct block_kernel *blocks;
    const float *x;
    char *prepared, *scratch;
    size_t prepared_block_bytes, scratch_bytes;
    int task_panels;
};

static const struct block_kernel *block_kernel(const struct matrix *w, unsigned flags, int n_rows)
{
    const struct cpu_kernels *kernels = cpu_kernels();
    const struct block_kernel *block =
        flags & LINEAR_BF16 ? kernels->bf16_blocks[w->type] : kernels->f32_blocks[w->type];
    return block && w->n_in && n_rows >= block->min_rows ? block : NULL;
}

static const struct panel_kernel *panel_kernel(enum weight_type type, unsigned flags)
{
    const struct cpu_kernels *kernels = cpu_kernels();
    return flags & LINEAR_BF16 ? &kernels->bf16[type] : &kernels->f32[type];
}

static int rows_of_block(const struct linear *linear, int block)
{
    int left = linear->product.n_rows - block * linear->panels->max_rows;
    return left < linear->panels->max_rows ? left : linear->panels->max_rows;
}

static void prepare_rows(int task, int thread, void *user)
{
    (void)thread;
    struct linear *linear = user;
    const struct product *p = &linear->product;
    int first = task * linear->panels->max_rows;
    linear->panels->prepare(linear->prepared + (size_t)task * linear->prepared_block_bytes,
                            linear->x + (size_t)first * (size_t)p->w->n_in, p->w->n_in, p->k,
                            rows_of_block(linear, task));
}

static void multiply_panels(int task, int thread, void *user)
{
    (void)thread;
    struct linear *linear = user;
    const struct product *p = &linear->product;
    int n_panels = panel_count(p->w->n_out), first = task * linear->task_panels;
    for (int panel = first; panel < n_panels && panel < first + linear->task_panels; panel++)
        for (int block = 0; block * linear->panels->max_rows < p->n_rows; block++) {
            float lanes[PANEL_MAX_ROWS * PANEL];
            int n_rows = rows_of_block(linear, block), row = block * linear->panels->max_rows;
            int n = p->w->n_out - panel * PANEL < PANEL ? p->w->n_out - panel * PANEL : PANEL;
            linear->panels->multiply(
                lanes, panel_at(p->w, panel),
                linear->prepared + (size_t)block * linear->prepared_block_bytes, p->k, n_rows);
            for (int r = 0; r < n_rows; r++)
                finish_lanes(p->y + (size_t)(row + r) * (size_t)p->w->n_out + panel * PANEL,
                             lanes + r * PANEL, p->bias ? p->bias + panel * PANEL : NULL, n,
                             p->flags);
        }
}

static void prepare_block(int task, int thread, void *user)
{
    (void)thread;
    struct linear *linear = user;
    const struct product *p = &linear->product;
    int first = task * linear->blocks->prepare_rows, left = p->n_rows - first;
    linear->blocks->prepare(
        linear->prepared, linear->x, p->w->n_in, p->k, first,
        left < linear->blocks->prepare_rows ? left : linear->blocks->prepare_rows, p->n_rows);
}

static void multiply_block(int task, int thread, void *user)
{
    struct linear *linear = user;
    int n_panels = panel_count(linear->product.w->n_out), first = task * linear->task_panels;
    int n = n_panels - first < linear->task_panels ? n_panels - first : linear->task_panels;
    linear->blocks->multiply(&linear->product, first, n,
                             linear->scratch + (size_t)thread * linear->scratch_bytes);
}

/* As many panels a task as the kernel likes, or fewer, so that each thread has a few tasks. */
static int block_task_panels(const struct block_kernel *blocks, int n_panels, int n_threads)
{
    enum { TASKS_A_THREAD = 4, FEWEST = 8 };
    int n = blocks->n_panels;
    while (n > FEWEST && n * n_threads * TASKS_A_THREAD > n_panels)
        n /= 2;
    return n;
}

void cpu_linear(struct workers *workers, float *y, const float *x, const struct matrix *w,
                const float *bias, int n_rows, unsigned flags, void *work)
{
    int k = panel_inputs(w->type, w->n_in), n_panels = panel_count(w->n_out);
    struct linear linear = {
        .product =
            {.y = y, .x = work, .w = w, .bias = bias, .n_rows = n_rows, .k = k, .flags = flags},
        .blocks = block_kernel(w, flags, n_rows),
        .panels = panel_kernel(w->type, flags),
        .x = x,
        .prepared = work,
    };
    if (n_rows == 0 || w->n_out == 0)
        return;
    if (linear.blocks) {
        linear.task_panels = block_task_panels(linear.blocks, n_panels, workers_count(workers));
        linear.scratch_bytes = aligned(linear.blocks->scratch_bytes(k, n_rows, linear.task_panels));
        linear.scratch = linear.prepared + aligned(linear.blocks->prepared_bytes(k, n_rows));
        workers_run(workers, parts(n_rows, linear.blocks->prepare_rows), prepare_block, &linear);
        workers_run(workers, parts(n_panels, linear.task_panels), multiply_block, &linear);
        return;
    }
    size_t bytes = panel_bytes(w->type, w->n_in);
    linear.task_panels = bytes < TASK_BYTES ? TASK_BYTES / (int)(bytes + 1) : 1;
    linear.prepared_block_bytes =
        aligned(linear.panels->prepared_bytes(k, linear.panels->max_rows));
    workers_run(workers, parts(n_rows, linear.panels->max_rows), prepare_rows, &linear);
    workers_run(workers, parts(n_panels, linear.task_panels), multiply_panels, &linear);
}

/* For either precision, so that the caller need not say which. */
size_t cpu_linear_work_bytes(const struct workers *workers, const struct matrix *w, int n_rows)
{
    int k = panel_inputs(w->type, w->n_in);
    size_t most = 0;
    for (unsigned flags = 0; flags <= LINEAR_BF16; flags += LINEAR_BF16) {
        const struct panel_kernel *panels = panel_kernel(w->type, flags);
        const struct block_kernel *blocks = block_kernel(w, flags, n_rows);
        size_t bytes = (size_t)parts(n_rows, panels->max_rows) *
                       aligned(panels->prepared_bytes(k, panels->max_rows));
        if (blocks)
            bytes = aligned(blocks->prepared_bytes(k, n_rows)) +
                    (size_t)workers_count(workers) *
                        aligned(blocks->scratch_bytes(k, n_rows, blocks->n_panels));
        most = bytes > most ? bytes : most;
    }
    return most;
}
