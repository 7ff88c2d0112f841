/* cpu_attention.c -- splits attention into tasks: some rows of one sequence times one key-value head. */
#include "num/cpu/cpu_operators.h"

#include "num/cpu/kernels.h"

#include <string.h>

void cpu_cache_store(void *at, const float *row, const struct attention_shape *shape)
{
    for (int g = 0; g < shape->n_kv_heads; g++, row += shape->head_dim)
        if (shape->cache == CACHE_F32)
            memcpy((float *)at + (size_t)g * shape->head_stride, row,
                   (size_t)shape->head_dim * sizeof *row);
        else
            cpu_kernels()->to_bf16((uint16_t *)at + (size_t)g * shape->head_stride, row,
                                   (size_t)shape->head_dim);
}

/* What the tasks of one call share. A group is `group_rows` rows, counted from the start of the batch; where the rows of
 * a group belong to several sequences, its task goes through them one sequence at a time. */
struct attention {
    const struct attention_kernel *kernel;
    const struct attention_shape *shape;
    const struct attention_row *rows;
    float *y;
    const float *q;
    char *scratch;
    size_t scratch_bytes;
    int n_rows, group_rows;
};

static int group_rows(const struct attention_kernel *kernel, const struct attention_shape *shape)
{
    int heads = shape->n_heads / shape->n_kv_heads;
    return heads < kernel->max_queries ? kernel->max_queries / heads : 1;
}

static const struct attention_kernel *attention_kernel(unsigned flags)
{
    return flags & LINEAR_BF16 ? &cpu_kernels()->bf16_attention : &cpu_kernels()->f32_attention;
}

static void attend_group(int task, int thread, void *user)
{
    struct attention *a = user;
    int first = task / a->shape->n_kv_heads * a->group_rows, kv_head = task % a->shape->n_kv_heads;
    int end = first + a->group_rows < a->n_rows ? first + a->group_rows : a->n_rows;
    size_t row_floats = (size_t)a->shape->n_heads * (size_t)a->shape->head_dim;
    for (int row = first, n; row < end; row += n) {
        for (n = 1; row + n < end && a->rows[row + n].spans == a->rows[row].spans; n++)
            ;
        a->kernel->attend(a->y + (size_t)row * row_floats, a->q + (size_t)row * row_floats,
                          a->rows + row, n, a->shape, kv_head,
                          a->scratch + (size_t)thread * a->scratch_bytes);
    }
}

static size_t scratch_bytes(const struct attention_kernel *kernel,
                            const struct attention_shape *shape)
{
    size_t bytes = kernel->scratch_bytes(shape, group_rows(kernel, shape) *
                                                    (shape->n_heads / shape->n_kv_heads));
    return (bytes + 63) / 64 * 64;
}

void cpu_attention(struct workers *workers, float *y, const float *q,
                   const struct attention_row *rows, int n_rows,
                   const struct attention_shape *shape, unsigned flags, void *work)
{
    const struct attention_kernel *kernel = attention_kernel(flags);
    struct attention a = {.kernel = kernel,
                          .shape = shape,
                          .rows = rows,
                          .y = y,
                          .q = q,
                          .n_rows = n_rows,
                          .scratch = work,
                          .scratch_bytes = scratch_bytes(kernel, shape),
                          .group_rows = group_rows(kernel, shape)};
    workers_run(workers, (n_rows + a.group_rows - 1) / a.group_rows * shape->n_kv_heads,
                attend_group, &a);
}

size_t cpu_attention_work_bytes(const struct workers *workers, const struct attention_shape *shape,
                                int n_rows, int max_positions)
{
    (void)n_rows;
    (void)max_positions;
    size_t f32 = scratch_bytes(attention_kernel(0), shape),
           bf16 = scratch_bytes(attention_kernel(LINEAR_BF16), shape);
    return (size_t)workers_count(workers) * (f32 > bf16 ? f32 : bf16);
}
