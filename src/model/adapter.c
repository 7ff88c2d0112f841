#include "model/adapter.h"

#include "base/error.h"
#include "model/json_keys.h"
#include "model/tensor_file.h"
#include "model/tensor_name.h"

#include <math.h>
#include <string.h>

enum { MAX_CONFIG_BYTES = 1 << 24, MAX_RANK = 1 << 16 };

/* What adapter_config.json says. */
struct settings {
    json_t *object; /* owns target_modules */
    int r;
    double alpha;
    bool rslora, ranks_differ;
    const json_t *targets; /* list of names, or NULL: the tensors alone decide */
};

/* What is done to one tensor of the model. */
struct part {
    const struct tensor_view *a, *b, *replacement; /* in the files */
    struct adapter_module module;                  /* rank 0: none */
    float *values;                                 /* of the module: A, then B */
};

struct adapter {
    GPtrArray *files;  /* struct tensor_file */
    GHashTable *parts; /* our name -> struct part */
    GPtrArray *names;  /* borrowed from `parts`, sorted, NULL-terminated */
};

static void free_part(void *data)
{
    struct part *part = data;
    g_free(part->values);
    g_free(part);
}

static void close_file(void *file)
{
    tensor_file_close(file);
}

/* Settings under which an adapter computes something else than is done here. */
static void refuse_variants(struct json_keys *keys)
{
    static const char *const variants[] = {
        "use_dora",          "use_qalora",
        "use_bdlora",        "lora_bias",
        "fan_in_fan_out",    "layer_replication",
        "alpha_pattern",     "trainable_token_indices",
        "target_parameters", "alora_invocation_tokens",
        "arrow_config",      "kasa_config",
        "monteclora_config",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(variants); i++) {
        const json_t *value = json_keys_get(keys, variants[i]);
        bool empty = json_is_array(value) ? json_array_size(value) == 0
                                          : json_is_object(value) && !json_object_size(value);
        if (value && !json_is_false(value) && !empty)
            json_keys_fail(keys, variants[i], "is set, which is not supported");
    }
    json_keys_only(keys, "peft_type", "LORA");
    json_keys_only(keys, "bias", "none");
}

static void read_targets(struct settings *settings, struct json_keys *keys)
{
    const json_t *targets = json_keys_get(keys, "target_modules");
    if (!targets || json_is_string(targets))
        return;
    settings->targets = json_keys_array(keys, "target_modules");
    for (size_t i = 0; i < json_array_size(targets); i++)
        if (!json_is_string(json_array_get(targets, i)))
            json_keys_fail(keys, "target_modules", "is not a list of names");
}

static bool read_settings(struct settings *settings, const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "adapter_config.json", NULL);
    settings->object = json_object_load(path, MAX_CONFIG_BYTES, error);
    if (!settings->object)
        return false;
    struct json_keys keys = {settings->object, path, "", NULL};
    if (!json_keys_get(&keys, "peft_type"))
        json_keys_fail(&keys, "peft_type", "is missing");
    settings->r = json_keys_int(&keys, "r", 8, 1, MAX_RANK); /* LoraConfig's defaults */
    settings->alpha = json_keys_number(&keys, "lora_alpha", 8, -1e6, 1e6);
    settings->rslora = json_keys_bool(&keys, "use_rslora", false);
    settings->ranks_differ = json_object_size(json_keys_object(&keys, "rank_pattern")) > 0;
    read_targets(settings, &keys);
    refuse_variants(&keys);
    return json_keys_done(&keys, error);
}

/* NAME.safetensors, else NAME.bin, else NULL without an error. */
static char *find_file(const char *folder, const char *name)
{
    static const char *const endings[] = {".safetensors", ".bin"};
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *base = g_strconcat(name, endings[i], NULL);
        g_autofree char *path = g_build_filename(folder, base, NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS))
            return g_steal_pointer(&path);
    }
    return NULL;
}

/* True where the last components of `module` are one of the names. */
static bool is_target(const json_t *targets, const char *module)
{
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const char *name = json_string_value(json_array_get(targets, i));
        g_autofree char *suffix = g_strconcat(".", name, NULL);
        if (strcmp(module, name) == 0 || g_str_has_suffix(module, suffix))
            return true;
    }
    return false;
}

static struct part *get_part(struct adapter *adapter, const char *name)
{
    struct part *part = g_hash_table_lookup(adapter->parts, name);
    if (!part) {
        part = g_new0(struct part, 1);
        g_hash_table_insert(adapter->parts, g_strdup(name), part);
    }
    return part;
}

/* Half of a module: `module` is the linear's name in the file, `weight` the tensor in the model. */
static bool add_half(struct adapter *adapter, const struct tensor_file *file, size_t i,
                     const char *module, bool is_b, const struct settings *settings,
                     const struct weights *weights, GError **error)
{
    g_autofree char *file_name = g_strconcat(module, ".weight", NULL);
    g_autofree char *name = tensor_name_from_file(file_name);
    const struct tensor_view *weight = name ? weights_find(weights, name) : NULL;
    const struct tensor_view *view = tensor_file_view(file, i);
    const char *tensor = tensor_file_name(file, i);
    if (!weight || weight->n_dims != 2 || strcmp(name, "embed") == 0)
        return tensor_file_fail(file, tensor, error, "does not belong to a linear of the model");
    if (settings->targets && !is_target(settings->targets, module))
        return tensor_file_fail(file, tensor, error,
                                "is of no module that target_modules of adapter_config.json names");
    if (!view || view->n_dims != 2 || view->dims[is_b] < 1 || view->dims[is_b] > MAX_RANK ||
        view->dims[!is_b] != weight->dims[!is_b])
        return tensor_file_fail(file, tensor, error, "does not fit '%s' of the model",
                                weights_file_name(weights, name));
    if (!settings->ranks_differ && view->dims[is_b] != settings->r)
        return tensor_file_fail(file, tensor, error,
                                "is of rank %" G_GINT64_FORMAT ", but adapter_config.json says %d",
                                view->dims[is_b], settings->r);
    struct part *part = get_part(adapter, name);
    const struct tensor_view **half = is_b ? &part->b : &part->a;
    if (*half)
        return tensor_file_fail(file, tensor, error, "comes twice under different names");
    *half = view;
    return true;
}

static bool add_replacement(struct adapter *adapter, const struct tensor_file *file, size_t i,
                            const char *file_name, const struct weights *weights, GError **error)
{
    g_autofree char *name = tensor_name_from_file(file_name);
    const struct tensor_view *weight = name ? weights_find(weights, name) : NULL;
    const struct tensor_view *view = tensor_file_view(file, i);
    const char *tensor = tensor_file_name(file, i);
    if (!weight)
        return tensor_file_fail(file, tensor, error, "is none of the model's");
    if (!view || view->n_dims != weight->n_dims ||
        memcmp(view->dims, weight->dims, sizeof view->dims) != 0)
        return tensor_file_fail(file, tensor, error, "does not fit '%s' of the model",
                                weights_file_name(weights, name));
    struct part *part = get_part(adapter, name);
    if (part->replacement)
        return tensor_file_fail(file, tensor, error, "comes twice under different names");
    part->replacement = view;
    return true;
}

/* A linear that is adapted and saved as a whole too is "lm_head.base_layer.weight" there. */
static void drop_base_layer(char *name)
{
    static const char inserted[] = ".base_layer";
    char *at = strstr(name, ".base_layer.");
    if (at)
        memmove(at, at + strlen(inserted), strlen(at + strlen(inserted)) + 1);
}

static bool add_file(struct adapter *adapter, const char *path, const struct settings *settings,
                     const struct weights *weights, GError **error)
{
    static const char wrapped[] = "base_model.model.", half_a[] = ".lora_A.weight",
                      half_b[] = ".lora_B.weight";
    struct tensor_file *file = tensor_file_open(path, error);
    if (!file)
        return false;
    g_ptr_array_add(adapter->files, file);
    bool ok = true;
    for (size_t i = 0; ok && i < tensor_file_count(file); i++) {
        const char *name = tensor_file_name(file, i);
        name += g_str_has_prefix(name, wrapped) ? strlen(wrapped) : 0;
        bool is_a = g_str_has_suffix(name, half_a), is_b = g_str_has_suffix(name, half_b);
        g_autofree char *module =
            g_strndup(name, strlen(name) - (is_a || is_b ? strlen(half_a) : 0));
        drop_base_layer(module);
        ok = is_a || is_b ? add_half(adapter, file, i, module, is_b, settings, weights, error)
                          : add_replacement(adapter, file, i, module, weights, error);
    }
    return ok;
}

/* Brings both halves into f32. */
static bool finish_part(struct part *part, const struct settings *settings, const char *folder,
                        const char *name, GError **error)
{
    if (!part->a && !part->b)
        return true;
    if (!part->a || !part->b || part->a->dims[0] != part->b->dims[1]) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "'%s': the adapter of '%s' has no lora_A and lora_B of one rank", folder, name);
        return false;
    }
    size_t n_a = tensor_view_count(part->a), n_b = tensor_view_count(part->b);
    int rank = (int)part->a->dims[0];
    part->values = g_try_new(float, n_a + n_b);
    if (!part->values) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "'%s': no memory for the adapter of '%s'",
                    folder, name);
        return false;
    }
    tensor_view_to_f32(part->values, part->a, 0, n_a);
    tensor_view_to_f32(part->values + n_a, part->b, 0, n_b);
    part->module = (struct adapter_module){
        .rank = rank,
        .n_in = (int)part->a->dims[1],
        .n_out = (int)part->b->dims[0],
        .scale = (float)(settings->alpha / (settings->rslora ? sqrt(rank) : rank)),
        .a = part->values,
        .b = part->values + n_a,
    };
    return true;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool finish(struct adapter *adapter, const struct settings *settings, const char *folder,
                   GError **error)
{
    GHashTableIter iter;
    gpointer name, part;
    g_hash_table_iter_init(&iter, adapter->parts);
    while (g_hash_table_iter_next(&iter, &name, &part)) {
        if (!finish_part(part, settings, folder, name, error))
            return false;
        g_ptr_array_add(adapter->names, name);
    }
    if (adapter->names->len == 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s' holds no tensors", folder);
        return false;
    }
    g_ptr_array_sort(adapter->names, compare_strings);
    g_ptr_array_add(adapter->names, NULL);
    return true;
}

static bool read_folder(struct adapter *adapter, const char *folder, const struct weights *weights,
                        GError **error)
{
    struct settings settings = {0};
    g_autofree char *model = find_file(folder, "adapter_model");
    g_autofree char *others = find_file(folder, "non_lora_trainables");
    bool ok = read_settings(&settings, folder, error);
    if (ok && !model) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "'%s' has neither adapter_model.safetensors nor adapter_model.bin", folder);
        ok = false;
    }
    ok = ok && add_file(adapter, model, &settings, weights, error) &&
         (!others || add_file(adapter, others, &settings, weights, error)) &&
         finish(adapter, &settings, folder, error);
    json_decref(settings.object);
    return ok;
}

struct adapter *adapter_open(const char *folder, const struct weights *weights, GError **error)
{
    struct adapter *adapter = g_new0(struct adapter, 1);
    adapter->files = g_ptr_array_new_with_free_func(close_file);
    adapter->parts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_part);
    adapter->names = g_ptr_array_new();
    if (!read_folder(adapter, folder, weights, error)) {
        adapter_close(adapter);
        return NULL;
    }
    return adapter;
}

void adapter_close(struct adapter *adapter)
{
    if (!adapter)
        return;
    g_ptr_array_free(adapter->names, TRUE);
    g_hash_table_destroy(adapter->parts);
    g_ptr_array_free(adapter->files, TRUE);
    g_free(adapter);
}

const struct adapter_module *adapter_find(const struct adapter *adapter, const char *name)
{
    const struct part *part = g_hash_table_lookup(adapter->parts, name);
    return part && part->module.rank > 0 ? &part->module : NULL;
}

const struct tensor_view *adapter_find_replacement(const struct adapter *adapter, const char *name)
{
    const struct part *part = g_hash_table_lookup(adapter->parts, name);
    return part ? part->replacement : NULL;
}

const char *const *adapter_names(const struct adapter *adapter)
{
    return (const char *const *)adapter->names->pdata;
}
