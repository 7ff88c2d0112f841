/* Weights: the reference models and newer ones under our names, against values read by other code; everything that can be
 * wrong with a folder of shards. */
#include "model/weights.h"

#include "model/safetensors.h"
#include "model/tensor_name.h"
#include "support/model_folder.h"
#include "support/support.h"

#include <glib/gstdio.h>
#include <string.h>

static struct weights *open_folder(const char *folder, const char *tower, GError **error)
{
    struct model_config config = {0};
    struct weights *weights = NULL;
    if (model_config_load(&config, folder, tower, error))
        weights = weights_open(folder, &config, error);
    model_config_clear(&config);
    return weights;
}

static char *find_model(const char *name)
{
    g_autofree char *relative = g_build_filename("models", name, NULL);
    char *data = support_data(relative);
    if (g_file_test(data, G_FILE_TEST_EXISTS))
        return data;
    g_free(data);
    g_autofree char *shared = g_build_filename("reference/engine", relative, NULL);
    return support_shared(shared);
}

/* Number of values, the last of them and their sum in double, as Python's safetensors reads them. */
static const struct {
    const char *model, *name;
    size_t n;
    double last, sum;
} values[] = {
    {"a-f32", "embed", 40960, -0.313840687, 42.1915155},
    {"a-f32", "head", 40960, 0.215463877, 4.55723926},
    {"a-f32", "norm", 64, 1.12702668, 62.3399656},
    {"a-f32", "layers.0.q", 4096, -0.114819787, -7.51622821},
    {"a-f32", "layers.1.k", 1024, 0.1424371, 1.20643607},
    {"a-f32", "layers.1.mlp_norm", 64, 1.10555542, 62.6823733},
    {"a-f32", "layers.1.down", 11264, -0.043313656, 1.6743809},
    {"a-f32", "projector.1.bias", 64, -0.0398710333, -1.17987945},
    {"a-f32", "projector.2", 4096, 0.102294147, -11.9827343},
    {"a-f32", "newline", 64, -0.0530114397, 0.617905838},
    {"a-f32", "vision.patch", 28224, 0.0453609973, -7.25887965},
    {"a-f32", "vision.class", 48, -0.0457096547, 0.956136894},
    {"a-f32", "vision.pre_norm.bias", 48, 0.0672860444, -0.780438899},
    {"a-f32", "vision.1.o", 2304, 0.0763864145, -10.9677684},
    {"a-f32", "vision.0.norm2.bias", 48, 0.0490961336, -0.329664986},
    {"a-bf16", "embed", 40960, -0.314453125, 42.0750307},
    {"a-bf16", "head", 40960, 0.215820312, 4.52022475},
    {"a-bf16", "norm", 64, 1.125, 62.3359375},
    {"a-bf16", "layers.0.q", 4096, -0.114746094, -7.50429058},
    {"a-bf16", "layers.1.k", 1024, 0.142578125, 1.19855785},
    {"a-bf16", "layers.1.mlp_norm", 64, 1.109375, 62.6757812},
    {"a-bf16", "layers.1.down", 11264, -0.0432128906, 1.67102551},
    {"a-bf16", "projector.1.bias", 64, -0.0397949219, -1.17858505},
    {"a-bf16", "projector.2", 4096, 0.102050781, -11.9651761},
    {"a-bf16", "newline", 64, -0.0529785156, 0.619628906},
    {"a-bf16", "vision.patch", 28224, 0.0454101562, -7.26936239},
    {"a-bf16", "vision.class", 48, -0.0456542969, 0.956466675},
    {"a-bf16", "vision.pre_norm.bias", 48, 0.0673828125, -0.782180786},
    {"a-bf16", "vision.1.o", 2304, 0.076171875, -10.9629019},
    {"a-bf16", "vision.0.norm2.bias", 48, 0.0490722656, -0.330242157},
    {"b-f32", "embed", 36864, 0.905198753, 40.8335226},
    {"b-f32", "head", 36864, -0.302970111, -2.75305305},
    {"b-f32", "norm", 64, 1.12702668, 62.3399656},
    {"b-f32", "layers.0.q", 4096, -0.114819787, -7.51622821},
    {"b-f32", "layers.1.k", 1024, 0.1424371, 1.20643607},
    {"b-f32", "layers.1.mlp_norm", 64, 1.10555542, 62.6823733},
    {"b-f32", "layers.1.down", 11264, -0.043313656, 1.6743809},
    {"b-f32", "projector.1.bias", 64, -0.0398710333, -1.17987945},
    {"b-f32", "projector.2", 4096, 0.102294147, -11.9827343},
    {"b-f32", "newline", 64, -0.0530114397, 0.617905838},
    {"b-f32", "vision.patch", 28224, 0.0453609973, -7.25887965},
    {"b-f32", "vision.class", 48, -0.0457096547, 0.956136894},
    {"b-f32", "vision.pre_norm.bias", 48, 0.0672860444, -0.780438899},
    {"b-f32", "vision.1.o", 2304, 0.0763864145, -10.9677684},
    {"b-f32", "vision.0.norm2.bias", 48, 0.0490961336, -0.329664986},
    {"b-bf16", "embed", 36864, 0.90625, 40.6141135},
    {"b-bf16", "head", 36864, -0.302734375, -2.82172275},
    {"b-bf16", "norm", 64, 1.125, 62.3359375},
    {"b-bf16", "layers.0.q", 4096, -0.114746094, -7.50429058},
    {"b-bf16", "layers.1.k", 1024, 0.142578125, 1.19855785},
    {"b-bf16", "layers.1.mlp_norm", 64, 1.109375, 62.6757812},
    {"b-bf16", "layers.1.down", 11264, -0.0432128906, 1.67102551},
    {"b-bf16", "projector.1.bias", 64, -0.0397949219, -1.17858505},
    {"b-bf16", "projector.2", 4096, 0.102050781, -11.9651761},
    {"b-bf16", "newline", 64, -0.0529785156, 0.619628906},
    {"b-bf16", "vision.patch", 28224, 0.0461425781, -7.28354926},
    {"b-bf16", "vision.class", 48, -0.0461425781, 0.973022461},
    {"b-bf16", "vision.pre_norm.bias", 48, 0.0688476562, -0.787368774},
    {"b-bf16", "vision.1.o", 2304, 0.0737304688, -10.9196067},
    {"b-bf16", "vision.0.norm2.bias", 48, 0.0478515625, -0.35993576},
    {"next-llama3", "embed", 192, 0.0185546875, 0.0232949257},
    {"next-llama3", "head", 192, 0.0297851562, 0.0890703201},
    {"next-llama3", "norm", 8, 1, 8},
    {"next-llama3", "layers.0.q", 64, 0.0339355469, -0.0410175323},
    {"next-llama3", "layers.1.k", 32, -0.0133056641, -0.257728577},
    {"next-llama3", "layers.1.mlp_norm", 8, 1, 8},
    {"next-llama3", "layers.1.down", 96, 0.0164794922, 0.172246933},
    {"next-llama3", "projector.1.bias", 8, 0, 0},
    {"next-llama3", "projector.2", 64, -0.0155639648, -0.0236282349},
    {"next-llama3", "newline", 8, -0.1640625, -0.343017578},
    {"next-llama3", "vision.patch", 96, 0.0158691406, -0.0912314504},
    {"next-llama3", "vision.class", 8, 0.185546875, 0.289428711},
    {"next-llama3", "vision.pre_norm.bias", 8, 0, 0},
    {"next-llama3", "vision.1.o", 64, -0.231445312, 5.28637695},
    {"next-llama3", "vision.0.norm2.bias", 8, 0, 0},
    {"next-mistral", "embed", 192, 0.0036315918, -0.203531623},
    {"next-mistral", "head", 192, 0.00867462158, 0.234604418},
    {"next-mistral", "norm", 8, 1, 8},
    {"next-mistral", "layers.0.q", 64, -0.0128707886, 0.108983696},
    {"next-mistral", "layers.1.k", 32, 0.00358009338, -0.0637504458},
    {"next-mistral", "layers.1.mlp_norm", 8, 1, 8},
    {"next-mistral", "layers.1.down", 96, -0.00965118408, 0.160872459},
    {"next-mistral", "projector.1.bias", 8, 0, 0},
    {"next-mistral", "projector.2", 64, 0.00834655762, -0.147743225},
    {"next-mistral", "newline", 8, -0.375488281, -2.56848145},
    {"next-mistral", "vision.patch", 96, 0.00225448608, 0.264919281},
    {"next-mistral", "vision.class", 8, -0.440673828, -1.24847412},
    {"next-mistral", "vision.pre_norm.bias", 8, 0, 0},
    {"next-mistral", "vision.1.o", 64, -0.795898438, 1.81523126},
    {"next-mistral", "vision.0.norm2.bias", 8, 0, 0},
    {"tied", "embed", 192, -0.0177054945, -0.588749838},
    {"tied", "norm", 8, 1, 8},
    {"tied", "layers.0.q", 64, -0.00943888724, 0.135542817},
    {"tied", "layers.1.k", 32, 0.00196705549, 0.157516895},
    {"tied", "layers.1.mlp_norm", 8, 1, 8},
    {"tied", "layers.1.down", 96, -0.0160453469, -0.111527781},
    {"tied", "head", 192, -0.0177054945, -0.588749838},
    {"bias", "embed", 192, -0.00739535317, -0.467358265},
    {"bias", "head", 192, -0.0116239609, 0.327454983},
    {"bias", "norm", 8, 1, 8},
    {"bias", "layers.0.q", 64, -0.00575264776, 0.0207614374},
    {"bias", "layers.1.k", 32, -0.0203990806, -0.147944028},
    {"bias", "layers.1.mlp_norm", 8, 1, 8},
    {"bias", "layers.1.down", 96, 0.0305220429, -0.154526759},
    {"bias", "layers.1.o.bias", 8, 0, 0},
};

static void test_values(void)
{
    g_autofree char *open = NULL;
    struct weights *weights = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        if (g_strcmp0(open, values[i].model) != 0) {
            g_autofree char *folder = find_model(values[i].model);
            g_autoptr(GError) error = NULL;
            if (!folder)
                continue;
            weights_close(weights);
            weights = open_folder(folder, NULL, &error);
            g_assert_no_error(error);
            g_free(open);
            open = g_strdup(values[i].model);
        }
        const struct tensor_view *view = weights_find(weights, values[i].name);
        g_assert_nonnull(view);
        g_assert_cmpuint(tensor_view_count(view), ==, values[i].n);
        g_autofree float *read = g_new(float, values[i].n);
        tensor_view_to_f32(read, view, 0, values[i].n);
        double sum = 0;
        for (size_t k = 0; k < values[i].n; k++)
            sum += read[k];
        support_assert_near(read[values[i].n - 1], values[i].last, 1e-8);
        support_assert_near(sum, values[i].sum, 1e-8);
        weights_release(weights, view); /* the pages come back when they are asked for */
        float last;
        tensor_view_to_f32(&last, view, values[i].n - 1, 1);
        g_assert_cmpfloat(last, ==, read[values[i].n - 1]);
    }
    weights_close(weights);
}

/* Every name of ours is the file's and back, in each layout; what is not ours is not taken for it. */
static void test_names(void)
{
    static const struct {
        const char *ours, *files[3]; /* by enum model_layout */
    } rows[] = {
        {"embed",
         {"language_model.model.embed_tokens.weight", "model.embed_tokens.weight",
          "model.embed_tokens.weight"}},
        {"head", {"language_model.lm_head.weight", "lm_head.weight", "lm_head.weight"}},
        {"layers.31.down",
         {"language_model.model.layers.31.mlp.down_proj.weight",
          "model.layers.31.mlp.down_proj.weight", "model.layers.31.mlp.down_proj.weight"}},
        {"layers.0.q.bias",
         {"language_model.model.layers.0.self_attn.q_proj.bias",
          "model.layers.0.self_attn.q_proj.bias", "model.layers.0.self_attn.q_proj.bias"}},
        {"newline", {"image_newline", "model.image_newline", NULL}},
        {"projector.2.bias",
         {"multi_modal_projector.linear_2.bias", "model.mm_projector.2.bias", NULL}},
        {"vision.class",
         {"vision_tower.vision_model.embeddings.class_embedding",
          "model.vision_tower.vision_tower.vision_model.embeddings.class_embedding", NULL}},
        {"vision.10.norm2",
         {"vision_tower.vision_model.encoder.layers.10.layer_norm2.weight",
          "model.vision_tower.vision_tower.vision_model.encoder.layers.10.layer_norm2.weight",
          NULL}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (int layout = 0; layout < 3; layout++) {
            g_autofree char *file = tensor_name_to_file(rows[i].ours, (enum model_layout)layout);
            g_assert_cmpstr(file, ==, rows[i].files[layout]);
            g_autofree char *ours = file ? tensor_name_from_file(file) : NULL;
            g_assert_cmpstr(ours, ==, file ? rows[i].ours : NULL);
        }
    static const char *const others[] = {
        "",
        "lm_head",
        "lm_head.weight2",
        "logit_scale",
        "text_model.embeddings.token_embedding.weight",
        "vision_model.embeddings.position_ids",
        "vision_model.post_layernorm.weight",
        "model.layers.0.self_attn.q_proj",
        "model.layers.00.self_attn.q_proj.weight",
        "model.layers.-1.self_attn.q_proj.weight",
        "model.layers..self_attn.q_proj.weight",
        "model.layers.99999999999999999999.self_attn.q_proj.weight",
        "model.layers.0.self_attn.rotary_emb.inv_freq",
        "image_newline.weight",
        "image_newline.bias",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        g_assert_null(tensor_name_from_file(others[i]));
    g_assert_null(tensor_name_to_file("layers.0.x", LAYOUT_HF));
    g_assert_null(tensor_name_to_file("vision.0.gate", LAYOUT_HF));
}

static bool has_name(const struct weights *weights, const char *name)
{
    return g_strv_contains(weights_names(weights), name);
}

static void test_contents(void)
{
    static const char *const models[] = {"a-f32", "a-bf16", "b-f32", "b-bf16"};
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        g_autofree char *folder = find_model(models[i]);
        if (!folder)
            return;
        struct weights *weights = open_folder(folder, NULL, NULL);
        g_assert_nonnull(weights);
        /* 3 + 9 a layer; 4 + newline; 5 + 16 a layer of the tower. */
        g_assert_cmpuint(g_strv_length((char **)weights_names(weights)), ==,
                         3 + 9 * 4 + 5 + 5 + 16 * 4);
        g_assert_true(has_name(weights, "head"));
        g_assert_null(weights_find(weights, "layers.4.q"));
        g_assert_null(weights_find(weights, "layers.0.q.bias"));
        g_assert_null(weights_file_path(weights, "layers.4.q"));
        enum tensor_type type = strstr(models[i], "bf16") ? TENSOR_BF16 : TENSOR_F32;
        for (const char *const *name = weights_names(weights); *name; name++)
            g_assert_cmpint(weights_find(weights, *name)->type, ==, type);
        weights_close(weights);
    }
}

static void test_tied(void)
{
    g_autofree char *folder = find_model("tied"), *bias = find_model("bias");
    struct weights *weights = open_folder(folder, NULL, NULL);
    g_assert_true(weights_find(weights, "head") == weights_find(weights, "embed"));
    g_assert_false(has_name(weights, "head"));
    weights_close(weights);
    weights = open_folder(bias, NULL, NULL);
    g_assert_true(has_name(weights, "head") && has_name(weights, "layers.1.o.bias"));
    weights_close(weights);
}

/* A tuned tower inside wins over the folder; an untuned one is read from the folder, whatever lies inside. */
static void test_tower(void)
{
    g_autofree char *tuned = find_model("b-bf16"), *tower = find_model("clip-vit-tiny-patch14-56");
    g_autofree char *plain = find_model("b-f32");
    if (!tuned || !tower || !plain)
        return;
    g_autoptr(GError) error = NULL;
    struct weights *weights = open_folder(tuned, NULL, &error);
    g_assert_true(g_str_has_prefix(weights_file_path(weights, "vision.class"), tuned));
    g_assert_cmpstr(weights_file_name(weights, "vision.class"), ==,
                    "model.vision_tower.vision_tower.vision_model.embeddings.class_embedding");
    weights_close(weights);
    g_autofree char *copy = model_folder_copy(tuned);
    model_folder_set(copy, "config.json", "unfreeze_mm_vision_tower", json_false());
    weights = open_folder(copy, tower, &error);
    g_assert_no_error(error);
    g_assert_true(g_str_has_prefix(weights_file_path(weights, "vision.class"), tower));
    weights_close(weights);
    g_autofree char *empty = model_folder_copy(plain);
    model_folder_set(empty, "config.json", "unfreeze_mm_vision_tower", json_true());
    g_assert_null(open_folder(empty, tower, &error));
    model_folder_assert_error(&error, "so it must be inside");
    /* A tower of another release has no prefix to its names; here it does not fit. */
    g_autofree char *other = support_data("models/tower");
    model_folder_set(empty, "config.json", "unfreeze_mm_vision_tower", json_false());
    model_folder_set(empty, "config.json", "image_aspect_ratio", json_string("pad"));
    model_folder_set(empty, "config.json", "mm_hidden_size", NULL);
    model_folder_set(empty, "config.json", "image_grid_pinpoints", NULL);
    g_assert_null(open_folder(empty, other, &error));
    model_folder_assert_error(
        &error, "tensor 'model.mm_projector.0.weight' is [64, 48], but config.json says [64, 8]");
}

/* All tensors of a model of one file, to be written again with a change. */
static struct safetensors_output *read_outputs(const struct tensor_file *file)
{
    size_t n = tensor_file_count(file);
    struct safetensors_output *outputs = g_new0(struct safetensors_output, n);
    for (size_t i = 0; i < n; i++) {
        const struct tensor_view *view = tensor_file_view(file, i);
        float *all = g_new(float, tensor_view_count(view) + 1);
        tensor_view_to_f32(all, view, 0, tensor_view_count(view));
        outputs[i] = (struct safetensors_output){
            tensor_file_name(file, i), view->type, view->n_dims, {0}, all};
        memcpy(outputs[i].dims, view->dims, sizeof view->dims);
    }
    return outputs;
}

/* Each tensor in turn left out, and in turn of another shape: each time the error names it. */
static void test_missing_and_misshapen(void)
{
    g_autofree char *source = find_model("next-llama3"), *folder = model_folder_copy(source);
    g_autofree char *from = g_build_filename(source, "model.safetensors", NULL);
    g_autofree char *to = g_build_filename(folder, "model.safetensors", NULL);
    struct tensor_file *file = tensor_file_open(from, NULL);
    struct safetensors_output *outputs = read_outputs(file);
    size_t n = tensor_file_count(file), n_unused = 0;
    for (size_t i = 0; i < n; i++) {
        g_autoptr(GError) error = NULL;
        struct safetensors_output changed = outputs[i];
        bool unused = strstr(changed.name, "post_layernorm") != NULL;
        outputs[i] = outputs[n - 1]; /* left out */
        g_remove(to);
        g_assert_true(safetensors_write(to, outputs, n - 1, NULL));
        struct weights *weights = open_folder(folder, NULL, &error);
        g_assert_true(unused == (weights != NULL));
        if (unused) {
            n_unused++;
            weights_close(weights);
            outputs[i] = changed;
            continue;
        }
        g_autofree char *ours = tensor_name_from_file(changed.name),
                        *written = tensor_name_to_file(ours, LAYOUT_HF);
        model_folder_assert_error(&error, written);
        outputs[i] = changed;
        outputs[i].dims[outputs[i].n_dims - 1]--;
        g_remove(to);
        g_assert_true(safetensors_write(to, outputs, n, NULL));
        g_assert_null(open_folder(folder, NULL, &error));
        g_assert_nonnull(strstr(error->message, changed.name));
        model_folder_assert_error(&error, "but config.json says [");
        outputs[i] = changed;
    }
    g_assert_cmpuint(n_unused, ==, 2);
    for (size_t i = 0; i < n; i++)
        g_free((float *)outputs[i].values);
    g_free(outputs);
    tensor_file_close(file);
}

static void test_wrong_type(void)
{
    g_autofree char *folder = support_folder(),
                    *path = g_build_filename(folder, "model.safetensors", NULL);
    g_autoptr(GError) error = NULL;
    g_free(support_write(folder, "config.json",
                         "{\"model_type\":\"llama\",\"vocab_size\":2,\"hidden_size\":64}"));
    model_folder_write_raw(path,
                           "{\"model.embed_tokens.weight\":{\"dtype\":\"I8\",\"shape\":[2,64],"
                           "\"data_offsets\":[0,128]}}",
                           128);
    g_assert_null(open_folder(folder, NULL, &error));
    model_folder_assert_error(&error, "tensor 'model.embed_tokens.weight' is not F32, F16 or BF16");
    model_folder_write_raw(
        path,
        "{\"model.embed_tokens.weight\":{\"dtype\":\"I8\",\"shape\":[2,64],\"data_offsets\":[0,128]"
        "},"
        "\"language_model.model.embed_tokens.weight\":{\"dtype\":\"I8\",\"shape\":[0],"
        "\"data_offsets\":[128,128]}}",
        128);
    g_assert_null(open_folder(folder, NULL, &error));
    model_folder_assert_error(&error, " again");
}

/* What an index can say wrong. */
static void test_index(void)
{
    static const struct {
        const char *key, *value, *cause; /* value NULL: removed */
    } rows[] = {
        {"weight_map", NULL, "key 'weight_map' is missing or empty"},
        {"weight_map", "{}", "key 'weight_map' is missing or empty"},
        {"weight_map", "[]", "key 'weight_map' is not an object"},
        {"weight_map", "{\"a\":1}", "tensor 'a' is not in a file of the folder"},
        {"weight_map", "{\"a\":\"\"}", "tensor 'a' is not in a file of the folder"},
        {"weight_map", "{\"a\":\"..\"}", "tensor 'a' is not in a file of the folder"},
        {"weight_map", "{\"a\":\"../model/x\"}", "tensor 'a' is not in a file of the folder"},
        {"weight_map", "{\"a\":\"/etc/passwd\"}", "tensor 'a' is not in a file of the folder"},
        {"weight_map", "{\"a\":\"absent.safetensors\"}", "absent.safetensors': No such file"},
        {"weight_map", "{\"a\":\"model.safetensors.index.json\"}", "not a safetensors file"},
        {"weight_map", "{\"a\":\"config.json\"}", "not a safetensors file"},
        {"weight_map", "{\"a\":\"model-00001-of-00002.safetensors\"}",
         "tensor 'a' is not in 'model-00001-of-00002.safetensors'"},
        {"weight_map", "{\"image_newline\":\"model-00001-of-00002.safetensors\"}", "has no tensor"},
    };
    g_autofree char *source = find_model("next-mistral"), *folder = model_folder_copy(source);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        json_t *value = rows[i].value ? json_loads(rows[i].value, 0, NULL) : NULL;
        model_folder_set(folder, "model.safetensors.index.json", rows[i].key, value);
        g_assert_null(open_folder(folder, NULL, &error));
        model_folder_assert_error(&error, rows[i].cause);
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *index = g_build_filename(folder, "model.safetensors.index.json", NULL);
    g_free(support_write(folder, "model.safetensors.index.json", "[1]"));
    g_assert_null(open_folder(folder, NULL, &error));
    model_folder_assert_error(&error, "not a JSON object");
    g_remove(index);
    g_assert_null(open_folder(folder, NULL, &error));
    model_folder_assert_error(&error,
                              "has neither model.safetensors nor model.safetensors.index.json");
}

/* One tensor in two shards; a shard that is cut. */
static void test_shards(void)
{
    static const char first[] = "model-00001-of-00002.safetensors",
                      second[] = "model-00002-of-00002.safetensors";
    g_autofree char *source = find_model("next-mistral"), *folder = model_folder_copy(source);
    g_autofree char *from = g_build_filename(folder, first, NULL),
                    *to = g_build_filename(folder, second, NULL);
    g_autofree char *bytes = NULL;
    g_autoptr(GError) error = NULL;
    gsize n;
    g_assert_true(g_file_get_contents(from, &bytes, &n, NULL));
    g_assert_true(g_file_set_contents(to, bytes, (gssize)n, NULL));
    g_assert_null(open_folder(folder, NULL, &error));
    model_folder_assert_error(&error, "is in another shard too");
    g_assert_true(g_file_set_contents(to, bytes, (gssize)n - 1, NULL));
    g_assert_null(open_folder(folder, NULL, &error));
    model_folder_assert_error(&error, second);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/weights/values", test_values);
    g_test_add_func("/weights/names", test_names);
    g_test_add_func("/weights/contents", test_contents);
    g_test_add_func("/weights/tied", test_tied);
    g_test_add_func("/weights/tower", test_tower);
    g_test_add_func("/weights/missing-and-misshapen", test_missing_and_misshapen);
    g_test_add_func("/weights/wrong-type", test_wrong_type);
    g_test_add_func("/weights/index", test_index);
    g_test_add_func("/weights/shards", test_shards);
    return g_test_run();
}
