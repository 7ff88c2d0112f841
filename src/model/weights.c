#include "model/weights.h"

#include "base/error.h"
#include "model/shards.h"
#include "model/tensor_name.h"

#include <string.h>

struct item {
    const struct tensor_file *file;
    const char *file_name;
    const struct tensor_view *view; /* NULL: of a type that we do not compute with */
};

struct weights {
    GPtrArray *files;   /* struct tensor_file */
    GHashTable *found;  /* our name -> struct item: what the files hold */
    GHashTable *wanted; /* our name -> struct item of `found`: what the configuration calls for */
    GPtrArray *names;   /* of `wanted`, sorted, NULL-terminated; owns them */
    const struct model_config *config; /* while opening */
    const char *folder;                /* while opening */
};

static bool is_vision(const char *name)
{
    return g_str_has_prefix(name, "vision.");
}

/* Adds what the files hold under our names; of a tower's folder only the tower. */
static bool add_files(struct weights *weights, GPtrArray *files, bool only_vision, GError **error)
{
    bool ok = true;
    for (guint i = 0; i < files->len; i++) {
        struct tensor_file *file = files->pdata[i];
        g_ptr_array_add(weights->files, file);
        for (size_t k = 0; ok && k < tensor_file_count(file); k++) {
            g_autofree char *name = tensor_name_from_file(tensor_file_name(file, k));
            if (!name || (only_vision && !is_vision(name)))
                continue;
            struct item item = {file, tensor_file_name(file, k), tensor_file_view(file, k)};
            const struct item *other = g_hash_table_lookup(weights->found, name);
            if (other)
                g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                            "'%s': tensor '%s' is '%s' of '%s' again", tensor_file_path(file),
                            item.file_name, other->file_name, tensor_file_path(other->file));
            else
                g_hash_table_insert(weights->found, g_steal_pointer(&name),
                                    g_memdup2(&item, sizeof item));
            ok = !other;
        }
    }
    g_ptr_array_set_free_func(files, NULL); /* they are in weights->files now */
    g_ptr_array_free(files, TRUE);
    return ok;
}

static gboolean is_vision_entry(void *name, void *item, void *user)
{
    (void)item;
    (void)user;
    return is_vision(name);
}

/* The original layout: a tuned tower lies inside and wins, any other in its own folder, where there is one. */
static bool add_tower(struct weights *weights, GError **error)
{
    const struct model_config *config = weights->config;
    if (config->layout != LAYOUT_ORIGINAL)
        return true;
    bool inside = g_hash_table_find(weights->found, is_vision_entry, NULL) != NULL;
    if (!inside && (config->tower_tuned || !config->tower_folder)) {
        const char *why = config->tower_tuned
                              ? "unfreeze_mm_vision_tower is true, so it must be inside"
                              : "name its folder with --vision-tower";
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "'%s' holds no tensors of its vision tower '%s': %s", weights->folder,
                    config->tower, why);
        return false;
    }
    if (inside && (config->tower_tuned || !config->tower_folder))
        return true;
    g_hash_table_foreach_remove(weights->found, is_vision_entry, NULL);
    GPtrArray *files = shards_open(config->tower_folder, error);
    return files && add_files(weights, files, true, error);
}

/* Takes `name`, of the shape dims[0 .. n_dims - 1], into what is wanted. */
static bool want(struct weights *weights, const char *name, const int *sides, int n_dims,
                 GError **error)
{
    int64_t dims[TENSOR_MAX_DIMS];
    for (int i = 0; i < n_dims; i++)
        dims[i] = sides[i];
    struct item *item = g_hash_table_lookup(weights->found, name);
    if (!item) {
        bool outside =
            is_vision(name) && weights->config->tower_folder && !weights->config->tower_tuned;
        g_autofree char *file_name =
            tensor_name_to_file(name, outside ? LAYOUT_HF : weights->config->layout);
        const char *shown = outside ? strchr(file_name, '.') + 1 : file_name;
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s' has no tensor '%s'",
                    outside ? weights->config->tower_folder : weights->folder, shown);
        return false;
    }
    if (!item->view) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "'%s': tensor '%s' is not F32, F16 or BF16 of at most 4 sides",
                    tensor_file_path(item->file), item->file_name);
        return false;
    }
    if (item->view->n_dims != n_dims ||
        memcmp(item->view->dims, dims, (size_t)n_dims * sizeof *dims) != 0) {
        g_autofree char *is = tensor_dims_print(item->view->dims, item->view->n_dims);
        g_autofree char *should = tensor_dims_print(dims, n_dims);
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "'%s': tensor '%s' is %s, but config.json says %s",
                    tensor_file_path(item->file), item->file_name, is, should);
        return false;
    }
    char *key = g_strdup(name);
    g_ptr_array_add(weights->names, key);
    g_hash_table_insert(weights->wanted, key, item);
    return true;
}

static bool want_vector(struct weights *weights, const char *name, int n, GError **error)
{
    return want(weights, name, &n, 1, error);
}

/* A tensor PREFIX.NAME and, where `bias`, PREFIX.NAME.bias (n_out). n_in 0: a vector. */
static bool want_part(struct weights *weights, const char *prefix, const char *part, int n_out,
                      int n_in, bool bias, GError **error)
{
    g_autofree char *name = g_strconcat(prefix, part, NULL);
    g_autofree char *bias_name = g_strconcat(name, ".bias", NULL);
    return want(weights, name, (int[]){n_out, n_in}, n_in ? 2 : 1, error) &&
           (!bias || want_vector(weights, bias_name, n_out, error));
}

static bool want_decoder(struct weights *weights, GError **error)
{
    const struct text_config *text = &weights->config->text;
    int hidden = text->hidden_size, inner = text->intermediate_size,
        q = text->n_heads * text->head_dim;
    int kv = text->n_kv_heads * text->head_dim;
    bool bias = text->attention_bias;
    bool ok =
        want_part(weights, "", "embed", text->vocab_size, hidden, false, error) &&
        want_vector(weights, "norm", hidden, error) &&
        (text->tied || want_part(weights, "", "head", text->vocab_size, hidden, false, error));
    for (int i = 0; ok && i < text->n_layers; i++) {
        char layer[32];
        g_snprintf(layer, sizeof layer, "layers.%d.", i);
        ok = want_part(weights, layer, "attention_norm", hidden, 0, false, error) &&
             want_part(weights, layer, "q", q, hidden, bias, error) &&
             want_part(weights, layer, "k", kv, hidden, bias, error) &&
             want_part(weights, layer, "v", kv, hidden, bias, error) &&
             want_part(weights, layer, "o", hidden, q, bias, error) &&
             want_part(weights, layer, "mlp_norm", hidden, 0, false, error) &&
             want_part(weights, layer, "gate", inner, hidden, false, error) &&
             want_part(weights, layer, "up", inner, hidden, false, error) &&
             want_part(weights, layer, "down", hidden, inner, false, error);
    }
    return ok;
}

static bool want_tower(struct weights *weights, GError **error)
{
    const struct vision_config *vision = &weights->config->vision;
    int hidden = vision->hidden_size, inner = vision->intermediate_size, patch = vision->patch_size;
    int side = vision->image_size / patch;
    bool ok = want(weights, "vision.patch", (int[]){hidden, 3, patch, patch}, 4, error) &&
              want_vector(weights, "vision.class", hidden, error) &&
              want_part(weights, "vision.", "position", 1 + side * side, hidden, false, error) &&
              want_part(weights, "vision.", "pre_norm", hidden, 0, true, error);
    for (int i = 0; ok && i < vision->n_layers; i++) {
        char layer[32];
        g_snprintf(layer, sizeof layer, "vision.%d.", i);
        ok = want_part(weights, layer, "norm1", hidden, 0, true, error) &&
             want_part(weights, layer, "q", hidden, hidden, true, error) &&
             want_part(weights, layer, "k", hidden, hidden, true, error) &&
             want_part(weights, layer, "v", hidden, hidden, true, error) &&
             want_part(weights, layer, "o", hidden, hidden, true, error) &&
             want_part(weights, layer, "norm2", hidden, 0, true, error) &&
             want_part(weights, layer, "fc1", inner, hidden, true, error) &&
             want_part(weights, layer, "fc2", hidden, inner, true, error);
    }
    return ok;
}

static bool want_all(struct weights *weights, GError **error)
{
    const struct model_config *config = weights->config;
    int hidden = config->text.hidden_size;
    return want_decoder(weights, error) &&
           (!config->has_vision ||
            (want_tower(weights, error) &&
             want_part(weights, "projector.", "1", hidden, config->vision.hidden_size, true,
                       error) &&
             want_part(weights, "projector.", "2", hidden, hidden, true, error) &&
             (!config->unpad || want_vector(weights, "newline", hidden, error))));
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct weights *weights_open(const char *folder, const struct model_config *config, GError **error)
{
    GPtrArray *files = shards_open(folder, error);
    if (!files)
        return NULL;
    struct weights *weights = g_new0(struct weights, 1);
    weights->files = g_ptr_array_new_with_free_func((GDestroyNotify)tensor_file_close);
    weights->found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    weights->wanted = g_hash_table_new(g_str_hash, g_str_equal);
    weights->names = g_ptr_array_new_with_free_func(g_free);
    weights->config = config;
    weights->folder = folder;
    if (!add_files(weights, files, false, error) || !add_tower(weights, error) ||
        !want_all(weights, error)) {
        weights_close(weights);
        return NULL;
    }
    weights->config = NULL;
    weights->folder = NULL;
    g_ptr_array_sort(weights->names, compare_strings);
    g_ptr_array_add(weights->names, NULL);
    if (config->text.tied)
        g_hash_table_insert(weights->wanted, (char *)"head",
                            g_hash_table_lookup(weights->found, "embed"));
    return weights;
}

void weights_close(struct weights *weights)
{
    if (!weights)
        return;
    g_hash_table_destroy(weights->wanted);
    g_hash_table_destroy(weights->found);
    g_ptr_array_free(weights->names, TRUE);
    g_ptr_array_free(weights->files, TRUE);
    g_free(weights);
}

const struct tensor_view *weights_find(const struct weights *weights, const char *name)
{
    const struct item *item = g_hash_table_lookup(weights->wanted, name);
    return item ? item->view : NULL;
}

const char *weights_file_name(const struct weights *weights, const char *name)
{
    const struct item *item = g_hash_table_lookup(weights->wanted, name);
    return item ? item->file_name : NULL;
}

const char *weights_file_path(const struct weights *weights, const char *name)
{
    const struct item *item = g_hash_table_lookup(weights->wanted, name);
    return item ? tensor_file_path(item->file) : NULL;
}

size_t weights_file_offset(const struct weights *weights, const char *name)
{
    const struct item *item = g_hash_table_lookup(weights->wanted, name);
    return item ? tensor_file_offset(item->file, item->view) : 0;
}

const char *const *weights_names(const struct weights *weights)
{
    return (const char *const *)weights->names->pdata;
}

void weights_release(const struct weights *weights, const struct tensor_view *view)
{
    for (guint i = 0; i < weights->files->len; i++)
        tensor_file_release(weights->files->pdata[i], view);
}
