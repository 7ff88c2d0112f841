#include "num/ref/ref.h"

const struct backend backend_ref = {
    .name = "ref",
    .matrix_bytes = ref_matrix_bytes,
    .matrix_pack = ref_matrix_pack,
    .matrix_unpack = ref_matrix_unpack,
    .linear = ref_linear,
    .linear_work_bytes = ref_linear_work_bytes,
    .rms_norm = ref_rms_norm,
    .layer_norm = ref_layer_norm,
    .rope_table = ref_rope_table,
    .rope = ref_rope,
    .swiglu = ref_swiglu,
    .gelu = ref_gelu,
    .add = ref_add,
    .cache_store = ref_cache_store,
    .attention = ref_attention,
    .attention_work_bytes = ref_attention_work_bytes,
};
