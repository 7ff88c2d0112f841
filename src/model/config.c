#include "model/config.h"

#include "base/error.h"
#include "model/config_text.h"
#include "model/config_vision.h"
#include "model/json_keys.h"

#include <string.h>

enum {
    MAX_CONFIG_BYTES = 1 << 24,
    MAX_PINPOINTS = 256,
    MAX_PINPOINT_SIDE = 1 << 15,
    MAX_TILES = 256, /* of one pinpoint */
    NO_IMAGE_TOKEN = -200,
};

static const int default_pinpoints[][2] = {
    {336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008}};

void model_config_clear(struct model_config *config)
{
    g_free(config->pinpoints);
    g_free(config->tower);
    g_free(config->tower_folder);
    g_free(config->dtype);
    *config = (struct model_config){0};
}

/* One pair of positive integers in `pair`, the other way round where `swap`. */
static bool read_pair(const json_t *item, bool swap, int pair[2])
{
    if (json_array_size(item) != 2) /* 0 for what is no array */
        return false;
    for (size_t i = 0; i < 2; i++) {
        json_int_t side = json_integer_value(json_array_get(item, i));
        if (side < 1 || side > MAX_PINPOINT_SIDE)
            return false;
        pair[swap ? 1 - i : i] = (int)side;
    }
    return true;
}

/* (height, width) in llava-hf's class, (width, height) in LLaVA's own code, whose lists may also be written as a string. */
static void read_pinpoints(struct model_config *config, struct json_keys *keys)
{
    static const char key[] = "image_grid_pinpoints";
    const json_t *value = json_keys_get(keys, key);
    bool original = config->layout == LAYOUT_ORIGINAL;
    if (!value && !original) {
        config->pinpoints = g_memdup2(default_pinpoints, sizeof default_pinpoints);
        config->n_pinpoints = G_N_ELEMENTS(default_pinpoints);
        return;
    }
    g_autoptr(json_t) parsed =
        original && json_is_string(value)
            ? json_parse(json_string_value(value), json_string_length(value), NULL)
            : NULL;
    value = parsed ? parsed : value;
    size_t n = json_array_size(value);
    bool ok = n >= 1 && n <= MAX_PINPOINTS;
    config->pinpoints = g_malloc0_n(ok ? n : 1, sizeof *config->pinpoints);
    for (size_t i = 0; ok && i < n; i++)
        ok = read_pair(json_array_get(value, i), original, config->pinpoints[i]);
    config->n_pinpoints = ok ? (int)n : 0;
    if (!ok)
        json_keys_fail(keys, key, "is not a list of 1 to %d pairs of sides of 1 to %d pixels",
                       MAX_PINPOINTS, MAX_PINPOINT_SIDE);
}

static void check_pinpoints(const struct model_config *config, struct json_keys *keys)
{
    int tile = config->vision.image_size;
    for (int i = 0; i < config->n_pinpoints; i++) {
        const int *pair = config->pinpoints[i];
        if (pair[0] % tile != 0 || pair[1] % tile != 0)
            json_keys_fail(keys, "image_grid_pinpoints",
                           "holds %d x %d, which is not made of tiles of %d pixels", pair[0],
                           pair[1], tile);
        else if (pair[0] / tile * (pair[1] / tile) > MAX_TILES)
            json_keys_fail(keys, "image_grid_pinpoints",
                           "holds %d x %d, which is more than %d tiles of %d pixels", pair[0],
                           pair[1], MAX_TILES, tile);
    }
}

static void check_feature_layer(const struct model_config *config, struct json_keys *keys)
{
    const char *key =
        config->layout == LAYOUT_HF ? "vision_feature_layer" : "mm_vision_select_layer";
    int n = config->vision.n_layers;
    if (config->vision.feature_layer < -n - 1 || config->vision.feature_layer > n)
        json_keys_fail(keys, key, "is %d; the tower has %d layers", config->vision.feature_layer,
                       n);
}

static void read_tokens(struct model_config *config, struct json_keys *keys)
{
    if (json_object_get(keys->object, "bos_token_id"))
        config->bos_token = json_keys_int(keys, "bos_token_id", -1, 0, G_MAXINT);
    const json_t *eos = json_object_get(keys->object, "eos_token_id");
    if (!eos)
        return;
    config->n_eos_tokens = 0;
    if (!json_is_array(eos)) {
        config->eos_tokens[0] = json_keys_int(keys, "eos_token_id", -1, 0, G_MAXINT);
        config->n_eos_tokens = config->eos_tokens[0] >= 0;
        return;
    }
    size_t n = json_array_size(eos);
    if (n > G_N_ELEMENTS(config->eos_tokens)) {
        json_keys_fail(keys, "eos_token_id", "holds %zu ids; at most %zu are supported", n,
                       G_N_ELEMENTS(config->eos_tokens));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *id = json_array_get(eos, i);
        if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > G_MAXINT)
            json_keys_fail(keys, "eos_token_id", "holds something that is not a token id");
        config->eos_tokens[i] = (int)json_integer_value(id);
    }
    config->n_eos_tokens = (int)n;
}

static bool is_one_of(const char *name, const char *const *names)
{
    return g_strv_contains(names, name);
}

static void read_layout(struct model_config *config, struct json_keys *keys, bool *mistral)
{
    static const char *const text_types[] = {"llama", "mistral", NULL};
    static const char *const original_types[] = {"llava", "llava_llama", "llava_mistral", NULL};
    const char *type = json_keys_string(keys, "model_type", NULL);
    *mistral = type && strstr(type, "mistral");
    config->layout = LAYOUT_TEXT;
    if (!type)
        json_keys_fail(keys, "model_type", "is missing");
    else if (strcmp(type, "llava_next") == 0)
        config->layout = LAYOUT_HF;
    else if (json_keys_get(keys, "mm_vision_tower") && is_one_of(type, original_types))
        config->layout = LAYOUT_ORIGINAL;
    else if (!is_one_of(type, text_types))
        json_keys_fail(keys, "model_type",
                       "is '%s'; llava_next, LLaVA's own llava, llava_llama and llava_mistral, "
                       "llama and mistral are "
                       "supported",
                       type);
    config->has_vision = config->layout != LAYOUT_TEXT;
}

/* Reads a nested object; the first error of either stays in `keys`. */
static void read_hf_text(struct model_config *config, struct json_keys *keys)
{
    const json_t *object = json_keys_object(keys, "text_config");
    struct json_keys text = {object, keys->path, "text_config.", keys->error};
    const char *type = json_keys_string(&text, "model_type", "llama");
    if (strcmp(type, "llama") != 0 && strcmp(type, "mistral") != 0)
        json_keys_fail(&text, "model_type", "is '%s'; llama and mistral are supported", type);
    text_config_read(&config->text, &text, strcmp(type, "mistral") == 0);
    read_tokens(config, &text);
    keys->error = text.error;
}

static void read_hf_vision(struct model_config *config, struct json_keys *keys)
{
    const json_t *object = json_keys_object(keys, "vision_config");
    if (!object) {
        vision_config_init_large(&config->vision);
        return;
    }
    struct json_keys vision = {object, keys->path, "vision_config.", keys->error};
    vision_config_read(&config->vision, &vision);
    keys->error = vision.error;
}

static void read_hf(struct model_config *config, struct json_keys *keys)
{
    read_hf_text(config, keys);
    read_hf_vision(config, keys);
    config->vision.feature_layer = json_keys_int(keys, "vision_feature_layer", -2, -1000, 1000);
    json_keys_only(keys, "vision_feature_select_strategy", "default");
    json_keys_only(keys, "projector_hidden_act", "gelu");
    if (!json_keys_bool(keys, "multimodal_projector_bias", true))
        json_keys_fail(keys, "multimodal_projector_bias", "is false, which is not supported");
    int newer = json_keys_int(keys, "image_token_id", 32000, 0, 1 << 24);
    config->image_token = json_keys_int(keys, "image_token_index", newer, 0, 1 << 24);
    config->anyres = config->unpad = true;
    read_pinpoints(config, keys);
    check_pinpoints(config, keys);
    check_feature_layer(config, keys);
}

static void read_original(struct model_config *config, struct json_keys *keys)
{
    config->tower = g_strdup(json_keys_string(keys, "mm_vision_tower", ""));
    config->tower_tuned = json_keys_bool(keys, "unfreeze_mm_vision_tower", false);
    config->vision.feature_layer = json_keys_int(keys, "mm_vision_select_layer", -2, -1000, 1000);
    config->image_token = NO_IMAGE_TOKEN;
    json_keys_only(keys, "mm_vision_select_feature", "patch");
    json_keys_only(keys, "mm_projector_type", "mlp2x_gelu");
    if (!json_keys_get(keys, "mm_projector_type"))
        json_keys_fail(keys, "mm_projector_type", "is missing; only 'mlp2x_gelu' is supported");
    if (json_keys_bool(keys, "mm_use_im_start_end", false))
        json_keys_fail(keys, "mm_use_im_start_end", "is true, which is not supported");
    const char *aspect = json_keys_string(keys, "image_aspect_ratio", "square");
    config->anyres = strcmp(aspect, "anyres") == 0;
    if (!config->anyres && strcmp(aspect, "pad") != 0)
        json_keys_fail(keys, "image_aspect_ratio", "is '%s'; 'anyres' and 'pad' are supported",
                       aspect);
    const char *merge = json_keys_string(keys, "mm_patch_merge_type", "flat");
    config->unpad = strcmp(merge, "spatial_unpad") == 0;
    if (config->anyres
            ? !config->unpad
            : !config->unpad && strcmp(merge, "flat") != 0 && strcmp(merge, "spatial") != 0)
        json_keys_fail(keys, "mm_patch_merge_type",
                       "is '%s'; with these pictures 'spatial_unpad' is supported", merge);
    if (config->anyres || json_keys_get(keys, "image_grid_pinpoints"))
        read_pinpoints(config, keys);
}

/* Everything that config.json itself says. */
static void read_config(struct model_config *config, struct json_keys *keys)
{
    bool mistral;
    config->bos_token = 1; /* the class defaults */
    config->eos_tokens[0] = 2;
    config->n_eos_tokens = 1;
    read_layout(config, keys, &mistral);
    if (!config->has_vision)
        config->image_token = NO_IMAGE_TOKEN;
    if (config->layout == LAYOUT_HF) {
        read_hf(config, keys);
    } else {
        text_config_read(&config->text, keys, mistral);
        read_tokens(config, keys);
        if (config->layout == LAYOUT_ORIGINAL)
            read_original(config, keys);
    }
    config->dtype =
        g_strdup(json_keys_string(keys, "torch_dtype", json_keys_string(keys, "dtype", NULL)));
}

bool model_config_parse(struct model_config *config, const char *text, size_t n_bytes,
                        const char *path, GError **error)
{
    g_autoptr(json_t) object = json_parse(text, n_bytes, error);
    if (!object) {
        g_prefix_error(error, "'%s': ", path);
        return false;
    }
    struct json_keys keys = {object, path, "", NULL};
    struct model_config parsed = {0};
    read_config(&parsed, &keys);
    if (!json_keys_done(&keys, error)) {
        model_config_clear(&parsed);
        return false;
    }
    *config = parsed;
    return true;
}

static bool load_tower(struct model_config *config, const char *folder, const char *tower,
                       struct json_keys *keys, GError **error)
{
    int feature_layer = config->vision.feature_layer;
    if (!vision_config_find(&config->vision, folder, config->tower, tower, &config->tower_folder,
                            error))
        return false;
    config->vision.feature_layer = feature_layer;
    check_feature_layer(config, keys);
    check_pinpoints(config, keys);
    int hidden = json_keys_int(keys, "mm_hidden_size", config->vision.hidden_size, 1, G_MAXINT);
    if (hidden != config->vision.hidden_size)
        json_keys_fail(keys, "mm_hidden_size", "is %d, but the tower's is %d", hidden,
                       config->vision.hidden_size);
    return json_keys_done(keys, error) &&
           (!config->tower_folder ||
            vision_config_read_preprocessor(&config->vision, config->tower_folder, NULL, 0, error));
}

static bool load_generation(struct model_config *config, const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "generation_config.json", NULL);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return true;
    g_autoptr(json_t) object = json_object_load(path, MAX_CONFIG_BYTES, error);
    if (!object)
        return false;
    struct json_keys keys = {object, path, "", NULL};
    read_tokens(config, &keys);
    return json_keys_done(&keys, error);
}

static bool load(struct model_config *config, const char *folder, const char *tower, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "config.json", NULL);
    g_autoptr(json_t) object = json_object_load(path, MAX_CONFIG_BYTES, error);
    if (!object)
        return false;
    struct json_keys keys = {object, path, "", NULL};
    read_config(config, &keys);
    if (!json_keys_done(&keys, error))
        return false;
    if (tower && config->layout != LAYOUT_ORIGINAL) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "'%s' takes no other vision tower",
                    folder);
        return false;
    }
    if (config->layout == LAYOUT_ORIGINAL && !load_tower(config, folder, tower, &keys, error))
        return false;
    if (config->layout == LAYOUT_HF &&
        !vision_config_read_preprocessor(&config->vision, folder, config->pinpoints,
                                         config->n_pinpoints, error))
        return false;
    return load_generation(config, folder, error);
}

bool model_config_load(struct model_config *config, const char *folder, const char *tower,
                       GError **error)
{
    struct model_config loaded = {0};
    if (!load(&loaded, folder, tower, error)) {
        model_config_clear(&loaded);
        return false;
    }
    *config = loaded;
    return true;
}
