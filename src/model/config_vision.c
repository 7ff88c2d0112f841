#include "model/config_vision.h"

#include "base/error.h"

#include <math.h>
#include <string.h>

enum { MAX_CONFIG_BYTES = 1 << 24 };

static const double clip_mean[3] = {0.48145466, 0.4578275, 0.40821073};
static const double clip_std[3] = {0.26862954, 0.26130258, 0.27577711};

/* The towers that model folders name without carrying their configuration. */
static const struct {
    const char *name;
    int image_size;
} known_large[] = {{"clip-vit-large-patch14-336", 336}, {"clip-vit-large-patch14", 224}};

static void set_normalisation(struct vision_config *vision)
{
    memcpy(vision->mean, clip_mean, sizeof clip_mean);
    memcpy(vision->std, clip_std, sizeof clip_std);
}

void vision_config_init_large(struct vision_config *vision)
{
    *vision = (struct vision_config){
        .hidden_size = 1024,
        .intermediate_size = 4096,
        .n_layers = 24,
        .n_heads = 16,
        .image_size = 336,
        .patch_size = 14,
        .layer_norm_eps = 1e-5F,
        .quick_gelu = true,
        .feature_layer = -2,
    };
    set_normalisation(vision);
}

void vision_config_read(struct vision_config *vision, struct json_keys *keys)
{
    json_keys_only(keys, "model_type", "clip_vision_model");
    vision->hidden_size = json_keys_int(keys, "hidden_size", 768, 1, 1 << 16);
    vision->intermediate_size = json_keys_int(keys, "intermediate_size", 3072, 1, 1 << 18);
    vision->n_layers = json_keys_int(keys, "num_hidden_layers", 12, 1, 256);
    vision->n_heads = json_keys_int(keys, "num_attention_heads", 12, 1, 256);
    vision->image_size = json_keys_int(keys, "image_size", 224, 1, 4096);
    vision->patch_size = json_keys_int(keys, "patch_size", 32, 1, 512);
    vision->layer_norm_eps = (float)json_keys_number(keys, "layer_norm_eps", 1e-5, 0, 1);
    vision->feature_layer = -2;
    set_normalisation(vision);
    if (vision->hidden_size % vision->n_heads != 0)
        json_keys_fail(keys, "num_attention_heads", "is %d, which does not divide hidden_size %d",
                       vision->n_heads, vision->hidden_size);
    if (vision->image_size % vision->patch_size != 0)
        json_keys_fail(keys, "patch_size", "is %d, which does not divide image_size %d",
                       vision->patch_size, vision->image_size);
    if (json_keys_int(keys, "num_channels", 3, 0, G_MAXINT) != 3)
        json_keys_fail(keys, "num_channels", "is not 3");
    const char *act = json_keys_string(keys, "hidden_act", "quick_gelu");
    vision->quick_gelu = strcmp(act, "quick_gelu") == 0;
    if (!vision->quick_gelu && strcmp(act, "gelu") != 0)
        json_keys_fail(keys, "hidden_act", "is '%s'; 'quick_gelu' and 'gelu' are supported", act);
}

/* A tower's folder holds the configuration of a whole CLIP or of its vision half. */
static bool read_tower(struct vision_config *vision, const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "config.json", NULL);
    g_autoptr(json_t) object = json_object_load(path, MAX_CONFIG_BYTES, error);
    if (!object)
        return false;
    struct json_keys keys = {object, path, "", NULL};
    const json_t *nested = json_keys_object(&keys, "vision_config");
    if (nested) {
        keys.object = nested;
        keys.prefix = "vision_config.";
    }
    if (!keys.error)
        vision_config_read(vision, &keys);
    return json_keys_done(&keys, error);
}

static bool is_tower(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "config.json", NULL);
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

bool vision_config_find(struct vision_config *vision, const char *folder, const char *named,
                        const char *tower, char **found, GError **error)
{
    g_autofree char *base = g_path_get_basename(named);
    g_autofree char *whole = g_canonicalize_filename(folder, NULL);
    g_autofree char *parent = g_path_get_dirname(whole);
    g_autofree char *sibling = g_build_filename(parent, base, NULL);
    const char *places[] = {named, sibling};
    for (size_t i = 0; !tower && i < G_N_ELEMENTS(places); i++)
        if (is_tower(places[i]))
            tower = places[i];
    if (tower) {
        if (!read_tower(vision, tower, error))
            return false;
        *found = g_strdup(tower);
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(known_large); i++)
        if (strcmp(base, known_large[i].name) == 0) {
            vision_config_init_large(vision);
            vision->image_size = known_large[i].image_size;
            *found = NULL;
            return true;
        }
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                "the vision tower '%s' of '%s' is neither there nor at '%s'; name its folder with "
                "--vision-tower",
                named, folder, sibling);
    return false;
}

/* `size` and `crop_size` are a number, {"shortest_edge"} or {"height", "width"}. */
static void check_size(struct json_keys *keys, const char *key, int image_size)
{
    static const char *const sides[] = {"shortest_edge", "height", "width"};
    const json_t *value = json_keys_get(keys, key);
    if (!value)
        return;
    if (!json_is_object(value)) {
        if (json_keys_int(keys, key, image_size, 1, G_MAXINT) != image_size)
            json_keys_fail(keys, key, "is not the tower's image_size %d", image_size);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(sides); i++) {
        const json_t *side = json_object_get(value, sides[i]);
        if (side && (!json_is_integer(side) || json_integer_value(side) != image_size))
            json_keys_fail(keys, key, "has a %s that is not the tower's image_size %d", sides[i],
                           image_size);
    }
}

static void read_triple(struct json_keys *keys, const char *key, double triple[3], double min)
{
    const json_t *list = json_keys_array(keys, key);
    if (!list)
        return;
    bool ok = json_array_size(list) == 3;
    for (size_t i = 0; ok && i < 3; i++) {
        const json_t *item = json_array_get(list, i);
        triple[i] = json_number_value(item);
        ok = json_is_number(item) && triple[i] >= min && triple[i] <= 1e3;
    }
    if (!ok)
        json_keys_fail(keys, key, "is not a list of three numbers, %g to 1000", min);
}

static void check_pinpoints(struct json_keys *keys, int (*pinpoints)[2], int n_pinpoints)
{
    static const char key[] = "image_grid_pinpoints";
    const json_t *list = json_keys_array(keys, key);
    if (!list)
        return;
    bool equal = json_array_size(list) == (size_t)n_pinpoints;
    for (int i = 0; equal && i < n_pinpoints; i++) {
        const json_t *pair = json_array_get(list, (size_t)i);
        for (int k = 0; k < 2; k++)
            equal = equal && json_integer_value(json_array_get(pair, (size_t)k)) == pinpoints[i][k];
    }
    if (!equal)
        json_keys_fail(keys, key, "is not that of config.json");
}

bool vision_config_read_preprocessor(struct vision_config *vision, const char *folder,
                                     int (*pinpoints)[2], int n_pinpoints, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "preprocessor_config.json", NULL);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return true;
    g_autoptr(json_t) object = json_object_load(path, MAX_CONFIG_BYTES, error);
    if (!object)
        return false;
    struct json_keys keys = {object, path, "", NULL};
    read_triple(&keys, "image_mean", vision->mean, -1e3);
    read_triple(&keys, "image_std", vision->std, 1e-6);
    check_size(&keys, "size", vision->image_size);
    check_size(&keys, "crop_size", vision->image_size);
    if (json_keys_int(&keys, "resample", 3, 0, G_MAXINT) != 3)
        json_keys_fail(&keys, "resample", "is not 3 (bicubic)");
    if (fabs(json_keys_number(&keys, "rescale_factor", 1.0 / 255, 0, 1e3) - 1.0 / 255) > 1e-9)
        json_keys_fail(&keys, "rescale_factor", "is not 1/255");
    if (!json_keys_bool(&keys, "do_normalize", true))
        json_keys_fail(&keys, "do_normalize", "is false, which is not supported");
    if (!json_keys_bool(&keys, "do_rescale", true))
        json_keys_fail(&keys, "do_rescale", "is false, which is not supported");
    if (pinpoints)
        check_pinpoints(&keys, pinpoints, n_pinpoints);
    return json_keys_done(&keys, error);
}
