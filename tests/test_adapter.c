/* Adapters in every form of folder, against PEFT's own result; merging; what can be wrong with them. */
#include "model/adapter.h"

#include "model/merged_folder.h"
#include "model/safetensors.h"
#include "support/model_folder.h"
#include "support/support.h"

#include <glib/gstdio.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

/* A model and, where `folder` is not NULL, its adapter. */
struct opened {
    struct model_config config;
    struct weights *weights;
    struct adapter *adapter;
};

static bool open_both(struct opened *opened, const char *model, const char *adapter, GError **error)
{
    *opened = (struct opened){0};
    g_assert_true(model_config_load(&opened->config, model, NULL, NULL));
    opened->weights = weights_open(model, &opened->config, NULL);
    g_assert_nonnull(opened->weights);
    opened->adapter = adapter_open(adapter, opened->weights, error);
    return opened->adapter != NULL;
}

static void close_both(struct opened *opened)
{
    adapter_close(opened->adapter);
    weights_close(opened->weights);
    model_config_clear(&opened->config);
}

static void open_good(struct opened *opened, const char *model, const char *adapter)
{
    g_autoptr(GError) error = NULL;
    open_both(opened, model, adapter, &error);
    g_assert_no_error(error);
}

/* The same adapter under the names of both layouts. */
static void test_layouts(void)
{
    g_autofree char *a = support_shared("reference/engine/models/a-f32");
    g_autofree char *b = support_shared("reference/engine/models/b-f32");
    g_autofree char *first = support_shared("reference/engine/train/init_b_random");
    g_autofree char *second = support_shared("reference/engine/train/init_b_random_layout_b");
    if (!a || !b || !first || !second)
        return;
    struct opened one, other;
    open_good(&one, a, first);
    open_good(&other, b, second);
    g_assert_cmpuint(g_strv_length((char **)adapter_names(one.adapter)), ==, 8);
    g_assert_true(g_strv_equal(adapter_names(one.adapter), adapter_names(other.adapter)));
    for (const char *const *name = adapter_names(one.adapter); *name; name++) {
        const struct adapter_module *x = adapter_find(one.adapter, *name),
                                    *y = adapter_find(other.adapter, *name);
        bool q = g_str_has_suffix(*name, ".q");
        g_assert_cmpint(x->rank, ==, 8);
        g_assert_cmpint(x->n_in, ==, 64);
        g_assert_cmpint(x->n_out, ==, q ? 64 : 16);
        g_assert_cmpfloat(x->scale, ==, 4);
        g_assert_cmpfloat(y->scale, ==, 4);
        g_assert_cmpint(y->n_out, ==, x->n_out);
        g_assert_cmpmem(x->a, 8 * 64 * 4, y->a, 8 * 64 * 4);
        g_assert_cmpmem(x->b, (size_t)x->n_out * 8 * 4, y->b, (size_t)x->n_out * 8 * 4);
        g_assert_cmpfloat(fabsf(x->b[0]), >, 0);
        g_assert_null(adapter_find_replacement(one.adapter, *name));
    }
    g_assert_null(adapter_find(one.adapter, "layers.0.v"));
    close_both(&one);
    close_both(&other);
}

/* Values as the file has them, read with an offset found by hand: k_proj of layer 0 comes first. */
static void test_values(void)
{
    g_autofree char *model = support_shared("reference/engine/models/a-f32");
    g_autofree char *folder = support_shared("reference/engine/train/init_b_random");
    g_autofree char *bytes = NULL;
    if (!model || !folder)
        return;
    g_autofree char *path = g_build_filename(folder, "adapter_model.safetensors", NULL);
    g_assert_true(g_file_get_contents(path, &bytes, NULL, NULL));
    struct opened opened;
    open_good(&opened, model, folder);
    const struct adapter_module *k = adapter_find(opened.adapter, "layers.0.k");
    g_assert_cmpmem(k->a, 2048, bytes + 8 + 2256, 2048);
    g_assert_cmpmem(k->b, 512, bytes + 8 + 2256 + 2048, 512);
    close_both(&opened);
}

static void test_trained_projector(void)
{
    g_autofree char *model = support_shared("reference/engine/models/a-f32");
    g_autofree char *folder =
        support_shared("reference/engine/train/lora_and_projector/after_3_steps");
    if (!model || !folder)
        return;
    struct opened opened;
    open_good(&opened, model, folder);
    g_assert_cmpuint(g_strv_length((char **)adapter_names(opened.adapter)), ==, 8 + 4);
    const struct tensor_view *projector = adapter_find_replacement(opened.adapter, "projector.1");
    g_assert_cmpint(projector->dims[0], ==, 64);
    g_assert_cmpint(projector->dims[1], ==, 48);
    /* Three small steps away from the model's. */
    float trained, before;
    tensor_view_to_f32(&trained, projector, 5, 1);
    tensor_view_to_f32(&before, weights_find(opened.weights, "projector.1"), 5, 1);
    g_assert_cmpfloat(trained, !=, before);
    g_assert_cmpfloat(fabsf(trained - before), <, 2e-3F);
    close_both(&opened);
}

/* PEFT's folder with a saved projector, and the same tensors as LLaVA's trainings write them. */
static void test_bin(void)
{
    g_autofree char *model = support_data("models/next-llama3");
    g_autofree char *first = support_data("adapters/projector"),
                    *second = support_data("adapters/projector-bin");
    struct opened one, other;
    open_good(&one, model, first);
    open_good(&other, model, second);
    g_assert_cmpuint(g_strv_length((char **)adapter_names(one.adapter)), ==, 4 + 4);
    g_assert_true(g_strv_equal(adapter_names(one.adapter), adapter_names(other.adapter)));
    for (const char *const *name = adapter_names(one.adapter); *name; name++) {
        const struct adapter_module *x = adapter_find(one.adapter, *name),
                                    *y = adapter_find(other.adapter, *name);
        const struct tensor_view *v = adapter_find_replacement(one.adapter, *name);
        const struct tensor_view *w = adapter_find_replacement(other.adapter, *name);
        g_assert_true((x == NULL) == (y == NULL) && (v == NULL) == (w == NULL) &&
                      (x == NULL) != (v == NULL));
        if (x)
            g_assert_cmpmem(x->a, 2 * 8 * 4, y->a, 2 * 8 * 4);
        else
            g_assert_cmpmem(v->data, v->n_bytes, w->data, w->n_bytes);
    }
    close_both(&one);
    close_both(&other);
}

/* Every tensor of `merged` is that of `model`, changed as the adapter says; within `tolerance` of the result in double. */
static void assert_merged(const struct opened *opened, const char *merged, double tolerance)
{
    struct model_config config;
    g_autoptr(GError) error = NULL;
    g_assert_true(model_config_load(&config, merged, opened->config.tower_folder, &error));
    struct weights *weights = weights_open(merged, &config, &error);
    g_assert_no_error(error);
    g_assert_true(g_strv_equal(weights_names(weights), weights_names(opened->weights)));
    for (const char *const *name = weights_names(weights); *name; name++) {
        const struct tensor_view *before = weights_find(opened->weights, *name),
                                 *after = weights_find(weights, *name);
        const struct tensor_view *replacement = adapter_find_replacement(opened->adapter, *name);
        const struct adapter_module *module = adapter_find(opened->adapter, *name);
        g_assert_cmpint(after->type, ==, before->type);
        if (!module && !replacement) {
            g_assert_cmpmem(after->data, after->n_bytes, before->data, before->n_bytes);
            continue;
        }
        size_t n = tensor_view_count(after), n_in = (size_t)after->dims[after->n_dims - 1];
        g_autofree float *is = g_new(float, n), *base = g_new(float, n);
        tensor_view_to_f32(is, after, 0, n);
        tensor_view_to_f32(base, replacement ? replacement : before, 0, n);
        for (size_t i = 0; i < n; i++) {
            double sum = 0;
            for (int r = 0; module && r < module->rank; r++)
                sum += (double)module->b[i / n_in * (size_t)module->rank + (size_t)r] *
                       module->a[(size_t)r * n_in + i % n_in];
            support_assert_near(is[i], base[i] + (module ? module->scale * sum : 0), tolerance);
        }
    }
    weights_close(weights);
    model_config_clear(&config);
}

static void test_merge(void)
{
    static const struct {
        const char *model, *adapter;
        double tolerance;
    } rows[] = {
        {"a-f32", "init_b_random", 1e-6},
        {"a-bf16", "init_b_random", 0x1p-8},
        {"b-f32", "init_b_random_layout_b", 1e-6},
        {"b-bf16", "init_b_random", 0x1p-8}, /* names of the other layout are understood too */
        {"a-f32", "lora_and_projector/after_3_steps", 1e-6},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *model_name =
            g_build_filename("reference/engine/models", rows[i].model, NULL);
        g_autofree char *adapter_name =
            g_build_filename("reference/engine/train", rows[i].adapter, NULL);
        g_autofree char *model = support_shared(model_name),
                        *adapter = support_shared(adapter_name);
        if (!model || !adapter)
            return;
        g_autofree char *parent = support_folder(), *out = g_build_filename(parent, "out", NULL);
        struct opened opened;
        g_autoptr(GError) error = NULL;
        open_good(&opened, model, adapter);
        g_assert_true(merged_folder_write(model, opened.weights, opened.adapter, out, &error));
        assert_merged(&opened, out, rows[i].tolerance);
        close_both(&opened);
    }
}

/* All linears and the head, biases, rsLoRA, ranks that differ: as PEFT merges it. */
static void test_merge_as_peft(void)
{
    g_autofree char *model = support_data("models/bias"), *folder = support_data("adapters/rslora");
    g_autofree char *expected_path = support_data("adapters/rslora-merged/model.safetensors");
    g_autofree char *parent = support_folder(), *out = g_build_filename(parent, "out", NULL);
    g_autofree char *path = g_build_filename(out, "model.safetensors", NULL);
    struct opened opened;
    g_autoptr(GError) error = NULL;
    open_good(&opened, model, folder);
    g_assert_cmpint(adapter_find(opened.adapter, "layers.0.o")->rank, ==, 2);
    g_assert_cmpint(adapter_find(opened.adapter, "layers.0.q")->rank, ==, 3);
    support_assert_near(adapter_find(opened.adapter, "layers.0.o")->scale, 5 / sqrt(2), 1e-6);
    support_assert_near(adapter_find(opened.adapter, "head")->scale, 5 / sqrt(3), 1e-6);
    g_assert_nonnull(adapter_find_replacement(opened.adapter, "head"));
    g_assert_true(merged_folder_write(model, opened.weights, opened.adapter, out, &error));
    g_assert_no_error(error);
    struct tensor_file *merged = tensor_file_open(path, NULL),
                       *expected = tensor_file_open(expected_path, NULL);
    g_assert_cmpuint(tensor_file_count(merged), ==, tensor_file_count(expected));
    for (size_t i = 0; i < tensor_file_count(expected); i++) {
        const struct tensor_view *should = tensor_file_view(expected, i);
        const struct tensor_view *is = tensor_file_find(merged, tensor_file_name(expected, i));
        for (size_t k = 0; k < tensor_view_count(should); k++) {
            float a, b;
            tensor_view_to_f32(&a, is, k, 1);
            tensor_view_to_f32(&b, should, k, 1);
            support_assert_near(a, b, 1e-6);
        }
    }
    tensor_file_close(merged);
    tensor_file_close(expected);
    close_both(&opened);
}

/* What belongs to the model comes along, what would contradict it does not; a folder in use is left alone. */
static void test_merge_folder(void)
{
    g_autofree char *source = support_data("models/next-llama3"),
                    *folder = model_folder_copy(source);
    g_autofree char *adapter = support_data("adapters/projector"), *parent = support_folder();
    g_autofree char *out = g_build_filename(parent, "out", NULL),
                    *slash = g_strconcat(out, "/", NULL);
    g_free(support_write(folder, "tokenizer.model", "pieces"));
    g_free(support_write(folder, "pytorch_model.bin", "old"));
    g_free(support_write(folder, "model-other.safetensors", "old"));
    g_free(support_write(folder, ".hidden.json", "{}"));
    struct opened opened;
    g_autoptr(GError) error = NULL;
    open_good(&opened, folder, adapter);
    g_assert_cmpint(g_mkdir(out, 0700), ==, 0); /* empty: may be */
    g_assert_true(merged_folder_write(folder, opened.weights, opened.adapter, slash, &error));
    assert_merged(&opened, out, 0x1p-8);
    static const struct {
        const char *name;
        bool there;
    } rows[] = {{"config.json", true},        {"generation_config.json", true},
                {"tokenizer.model", true},    {"model.safetensors", true},
                {"pytorch_model.bin", false}, {"model-other.safetensors", false},
                {".hidden.json", false}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_build_filename(out, rows[i].name, NULL);
        g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS) == rows[i].there);
    }
    g_assert_false(merged_folder_write(folder, opened.weights, opened.adapter, out, &error));
    model_folder_assert_error(&error, "it is there already");
    g_assert_false(
        merged_folder_write(folder, opened.weights, opened.adapter, "/nowhere/out", &error));
    model_folder_assert_error(&error, "cannot write '/nowhere/out'");
    close_both(&opened);
}

/* A disk that is full on the way: nothing is left. */
static void test_merge_fails(void)
{
    g_autofree char *model = support_data("models/next-llama3"),
                    *adapter = support_data("adapters/projector");
    g_autofree char *parent = support_folder(), *out = g_build_filename(parent, "out", NULL);
    struct opened opened;
    struct rlimit before;
    g_autoptr(GError) error = NULL;
    open_good(&opened, model, adapter);
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
    struct rlimit small = {.rlim_cur = 5000, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
    bool ok = merged_folder_write(model, opened.weights, opened.adapter, out, &error);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
    g_assert_false(ok);
    model_folder_assert_error(&error, "cannot write '");
    GDir *dir = g_dir_open(parent, 0, NULL);
    g_assert_null(g_dir_read_name(dir));
    g_dir_close(dir);
    close_both(&opened);
}

/* A tower in a folder of its own cannot be changed by a copy of the model's. */
static void test_merge_outside(void)
{
    g_autofree char *model = support_shared("reference/engine/models/b-f32");
    if (!model)
        return;
    g_autofree char *folder = support_folder(), *out = g_build_filename(folder, "out", NULL);
    g_autofree char *path = g_build_filename(folder, "adapter_model.safetensors", NULL);
    const float values[48] = {1};
    const struct safetensors_output outputs[] = {
        {"vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.lora_A.weight",
         TENSOR_F32,
         2,
         {1, 48},
         values},
        {"vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.lora_B.weight",
         TENSOR_F32,
         2,
         {48, 1},
         values},
    };
    g_assert_true(safetensors_write(path, outputs, 2, NULL));
    g_free(support_write(folder, "adapter_config.json",
                         "{\"peft_type\":\"LORA\",\"r\":1,\"target_modules\":[\"q_proj\"]}"));
    struct opened opened;
    g_autoptr(GError) error = NULL;
    open_good(&opened, model, folder);
    g_assert_cmpfloat(adapter_find(opened.adapter, "vision.0.q")->scale, ==,
                      8); /* PEFT's default alpha */
    g_assert_false(merged_folder_write(model, opened.weights, opened.adapter, out, &error));
    model_folder_assert_error(&error, "which lies outside");
    g_assert_false(g_file_test(out, G_FILE_TEST_EXISTS));
    close_both(&opened);
}

static void test_merge_tied(void)
{
    g_autofree char *model = support_data("models/tied"), *folder = support_folder();
    g_autofree char *path = g_build_filename(folder, "adapter_model.safetensors", NULL);
    g_autofree char *out = g_build_filename(folder, "out", NULL);
    const float values[24] = {1};
    const struct safetensors_output outputs[] = {
        {"base_model.model.lm_head.lora_A.weight", TENSOR_F32, 2, {1, 8}, values},
        {"base_model.model.lm_head.lora_B.weight", TENSOR_F32, 2, {24, 1}, values},
    };
    g_assert_true(safetensors_write(path, outputs, 2, NULL));
    g_free(support_write(folder, "adapter_config.json",
                         "{\"peft_type\":\"LORA\",\"r\":1,\"lora_alpha\":0.5}"));
    struct opened opened;
    g_autoptr(GError) error = NULL;
    open_good(&opened, model, folder);
    g_assert_cmpfloat(adapter_find(opened.adapter, "head")->scale, ==, 0.5);
    g_assert_false(merged_folder_write(model, opened.weights, opened.adapter, out, &error));
    model_folder_assert_error(&error, "which is its embedding too");
    close_both(&opened);
}

static void test_bad_config(void)
{
    static const struct {
        const char *key, *value, *cause; /* value NULL: removed */
    } rows[] = {
        {"peft_type", NULL, "'peft_type' is missing"},
        {"peft_type", "\"LOHA\"", "'peft_type' is 'LOHA'"},
        {"r", "0", "'r' is 0"},
        {"r", "\"8\"", "'r' is not an integer"},
        {"r", "4", "is of rank 2, but adapter_config.json says 4"},
        {"lora_alpha", "[]", "'lora_alpha' is not a number"},
        {"use_rslora", "1", "'use_rslora' is not true or false"},
        {"use_dora", "true", "'use_dora' is set"},
        {"fan_in_fan_out", "true", "'fan_in_fan_out' is set"},
        {"bias", "\"all\"", "'bias' is 'all'"},
        {"alpha_pattern", "{\"q_proj\":1}", "'alpha_pattern' is set"},
        {"rank_pattern", "[]", "'rank_pattern' is not an object"},
        {"layer_replication", "[[0,2]]", "'layer_replication' is set"},
        {"target_modules", "7", "'target_modules' is not a list"},
        {"target_modules", "[7]", "'target_modules' is not a list of names"},
        {"target_modules", "[\"q_proj\"]",
         "v_proj.lora_A.weight' is of no module that target_modules"},
        {"target_modules", "[\"proj\"]", "is of no module that target_modules"},
    };
    g_autofree char *model = support_data("models/next-llama3"),
                    *source = support_data("adapters/projector");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *folder = model_folder_copy(source);
        struct opened opened;
        g_autoptr(GError) error = NULL;
        model_folder_set(folder, "adapter_config.json", rows[i].key,
                         rows[i].value ? json_loads(rows[i].value, JSON_DECODE_ANY, NULL) : NULL);
        g_assert_false(open_both(&opened, model, folder, &error));
        model_folder_assert_error(&error, rows[i].cause);
        close_both(&opened);
    }
}

/* One tensor of an adapter of rank 1 on "bias" beside a good pair. */
static void test_bad_tensors(void)
{
    static const char q[] = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
    static const struct {
        struct safetensors_output tensor;
        const char *cause;
    } rows[] = {
        {{q, TENSOR_F32, 2, {1, 8}, NULL}, "'layers.0.q' has no lora_A and lora_B of one rank"},
        {{q, TENSOR_F32, 2, {1, 7}, NULL}, "does not fit 'model.layers.0.self_attn.q_proj.weight'"},
        {{q, TENSOR_F32, 2, {0, 8}, NULL}, "does not fit"},
        {{q, TENSOR_F32, 1, {8}, NULL}, "does not fit"},
        {{q, TENSOR_F32, 2, {2, 8}, NULL}, "is of rank 2, but adapter_config.json says 1"},
        {{"base_model.model.model.layers.2.self_attn.q_proj.lora_A.weight",
          TENSOR_F32,
          2,
          {1, 8},
          NULL},
         "does not belong to a linear of the model"},
        {{"base_model.model.model.embed_tokens.lora_A.weight", TENSOR_F32, 2, {1, 8}, NULL},
         "does not belong to a linear of the model"},
        {{"base_model.model.model.norm.lora_A.weight", TENSOR_F32, 2, {1, 8}, NULL},
         "does not belong to a linear"},
        {{"base_model.model.model.embed_tokens.lora_embedding_A", TENSOR_F32, 2, {1, 8}, NULL},
         "is none of the model's"},
        {{"base_model.model.model.norm.weight", TENSOR_F32, 1, {7}, NULL},
         "does not fit 'model.norm.weight'"},
        {{"base_model.model.model.layers.1.self_attn.k_proj.bias", TENSOR_F32, 2, {4, 1}, NULL},
         "does not fit"},
        {{"model.layers.1.mlp.up_proj.lora_A.weight", TENSOR_F32, 2, {1, 8}, NULL},
         "comes twice under different names"},
    };
    const float values[16] = {1};
    g_autofree char *model = support_data("models/bias");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *folder = support_folder(),
                        *path = g_build_filename(folder, "adapter_model.safetensors", NULL);
        struct safetensors_output outputs[] = {
            {"base_model.model.model.layers.1.mlp.up_proj.lora_A.weight",
             TENSOR_F32,
             2,
             {1, 8},
             values},
            {"base_model.model.model.layers.1.mlp.up_proj.lora_B.weight",
             TENSOR_F32,
             2,
             {12, 1},
             values},
            rows[i].tensor,
        };
        outputs[2].values = values;
        g_assert_true(safetensors_write(path, outputs, 3, NULL));
        g_free(support_write(folder, "adapter_config.json", "{\"peft_type\":\"LORA\",\"r\":1}"));
        struct opened opened;
        g_autoptr(GError) error = NULL;
        g_assert_false(open_both(&opened, model, folder, &error));
        model_folder_assert_error(&error, rows[i].cause);
        close_both(&opened);
    }
}

static void test_bad_folders(void)
{
    g_autofree char *model = support_data("models/bias"), *folder = support_folder();
    g_autofree char *path = g_build_filename(folder, "adapter_model.safetensors", NULL);
    struct opened opened;
    g_autoptr(GError) error = NULL;
    g_assert_false(open_both(&opened, model, folder, &error));
    model_folder_assert_error(&error, "adapter_config.json': No such file");
    close_both(&opened);
    g_free(support_write(folder, "adapter_config.json", "{\"peft_type\":\"LORA\"}"));
    g_assert_false(open_both(&opened, model, folder, &error));
    model_folder_assert_error(&error,
                              "has neither adapter_model.safetensors nor adapter_model.bin");
    close_both(&opened);
    g_assert_true(safetensors_write(path, NULL, 0, NULL));
    g_assert_false(open_both(&opened, model, folder, &error));
    model_folder_assert_error(&error, "holds no tensors");
    close_both(&opened);
    g_free(support_write(folder, "adapter_model.safetensors", "not one"));
    g_assert_false(open_both(&opened, model, folder, &error));
    model_folder_assert_error(&error, "too short");
    close_both(&opened);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/adapter/layouts", test_layouts);
    g_test_add_func("/adapter/values", test_values);
    g_test_add_func("/adapter/trained-projector", test_trained_projector);
    g_test_add_func("/adapter/bin", test_bin);
    g_test_add_func("/adapter/merge", test_merge);
    g_test_add_func("/adapter/merge-as-peft", test_merge_as_peft);
    g_test_add_func("/adapter/merge-folder", test_merge_folder);
    g_test_add_func("/adapter/merge-fails", test_merge_fails);
    g_test_add_func("/adapter/merge-outside", test_merge_outside);
    g_test_add_func("/adapter/merge-tied", test_merge_tied);
    g_test_add_func("/adapter/bad-config", test_bad_config);
    g_test_add_func("/adapter/bad-tensors", test_bad_tensors);
    g_test_add_func("/adapter/bad-folders", test_bad_folders);
    return g_test_run();
}
