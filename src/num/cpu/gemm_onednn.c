/* gemm_onednn.c -- oneDNN 2.x. Its primitives are made anew for each call; the library keeps the code it made for a shape. */
#include "num/cpu/gemm.h"

#include <dnnl.h>
#include <glib.h>

/* Of the OpenMP runtime that Debian's oneDNN is built with: the team of the calling thread's parallel regions. Without this
 * every one of our workers would start threads of its own. */
void omp_set_num_threads(int n);

static void product_f32(float *c, int c_stride, const float *a, const float *b, int m, int n, int k,
                        bool add)
{
    omp_set_num_threads(1);
    dnnl_status_t status = dnnl_sgemm('N', 'T', m, n, k, 1, a, k, b, k, add ? 1 : 0, c, c_stride);
    g_assert(status == dnnl_success);
}

/* The things a call makes; NULL where it did not come so far. */
struct call {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attributes;
    dnnl_post_ops_t post;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_memory_t a, b, c;
};

static bool describe(struct call *call, const dnnl_memory_desc_t *a, const dnnl_memory_desc_t *b,
                     const dnnl_memory_desc_t *c, bool add)
{
    dnnl_matmul_desc_t product;
    const char *kind = "ref";
    return dnnl_primitive_attr_create(&call->attributes) == dnnl_success &&
           dnnl_post_ops_create(&call->post) == dnnl_success &&
           (!add || dnnl_post_ops_append_sum(call->post, 1) == dnnl_success) &&
           dnnl_primitive_attr_set_post_ops(call->attributes, call->post) == dnnl_success &&
           dnnl_matmul_desc_init(&product, a, b, NULL, c) == dnnl_success &&
           dnnl_primitive_desc_create(&call->description, &product, call->attributes, call->engine,
                                      NULL) == dnnl_success &&
           dnnl_primitive_desc_query(call->description, dnnl_query_impl_info_str, 0, &kind) ==
               dnnl_success &&
           !g_str_has_prefix(kind, "ref"); /* its plain loops: slower than our own kernels */
}

static bool run(struct call *call, float *c, int c_stride, const uint16_t *a, const uint16_t *b,
                int m, int n, int k, bool add)
{
    dnnl_memory_desc_t a_layout, b_layout, c_layout;
    dnnl_dims_t a_dims = {m, k}, b_dims = {k, n}, c_dims = {m, n}, c_strides = {c_stride, 1};
    if (dnnl_engine_create(&call->engine, dnnl_cpu, 0) ||
        dnnl_stream_create(&call->stream, call->engine, dnnl_stream_default_flags) ||
        dnnl_memory_desc_init_by_tag(&a_layout, 2, a_dims, dnnl_bf16, dnnl_ab) ||
        dnnl_memory_desc_init_by_tag(&b_layout, 2, b_dims, dnnl_bf16, dnnl_ba) ||
        dnnl_memory_desc_init_by_strides(&c_layout, 2, c_dims, dnnl_f32, c_strides) ||
        !describe(call, &a_layout, &b_layout, &c_layout, add) ||
        dnnl_primitive_create(&call->primitive, call->description) ||
        dnnl_memory_create(&call->a, &a_layout, call->engine, (void *)a) ||
        dnnl_memory_create(&call->b, &b_layout, call->engine, (void *)b) ||
        dnnl_memory_create(&call->c, &c_layout, call->engine, c))
        return false;
    dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, call->a}, {DNNL_ARG_WEIGHTS, call->b}, {DNNL_ARG_DST, call->c}};
    return !dnnl_primitive_execute(call->primitive, call->stream, 3, arguments) &&
           !dnnl_stream_wait(call->stream);
}

static bool product_bf16(float *c, int c_stride, const uint16_t *a, const uint16_t *b, int m, int n,
                         int k, bool add)
{
    struct call call = {0};
    omp_set_num_threads(1);
    bool done = run(&call, c, c_stride, a, b, m, n, k, add);
    dnnl_memory_destroy(call.a);
    dnnl_memory_destroy(call.b);
    dnnl_memory_destroy(call.c);
    dnnl_primitive_destroy(call.primitive);
    dnnl_primitive_desc_destroy(call.description);
    dnnl_post_ops_destroy(call.post);
    dnnl_primitive_attr_destroy(call.attributes);
    dnnl_stream_destroy(call.stream);
    dnnl_engine_destroy(call.engine);
    return done;
}

const struct gemm gemm = {.name = "oneDNN", .f32 = product_f32, .bf16 = product_bf16};
