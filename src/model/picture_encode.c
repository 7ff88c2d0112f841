#include "model/picture_encode.h"

#include "base/error.h"
#include "image/normalise.h"
#include "model/vision.h"

/* Is the picture cut in tiles? */
static bool resolve_mode(bool *tiles, const struct engine *engine, enum picture_mode mode,
                         GError **error)
{
    const struct model_config *config = &engine->config;
    if (!config->has_vision) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "the model takes no pictures");
        return false;
    }
    *tiles = mode == PICTURE_MODE_MODEL ? config->anyres : mode == PICTURE_MODE_ANYRES;
    if (*tiles && config->n_pinpoints == 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "the model has no tiles to cut pictures in");
        return false;
    }
    return true;
}

static bool plan_tiles(struct anyres_plan *plan, const struct engine *engine, bool tiles,
                       const struct image *image, GError **error)
{
    const struct model_config *config = &engine->config;
    const struct anyres_options options = {.tile = config->vision.image_size,
                                           .patches = config->vision.image_size /
                                                      config->vision.patch_size,
                                           .tiles = tiles,
                                           .unpad = config->unpad,
                                           .pinpoints = (const int(*)[2])config->pinpoints,
                                           .n_pinpoints = (size_t)config->n_pinpoints};
    return anyres_plan(plan, &options, image->width, image->height, error);
}

static struct features *encode(struct engine *engine, const char *key, const struct image *image,
                               bool tiles, GError **error)
{
    const struct vision_config *vision = &engine->config.vision;
    struct anyres_plan plan;
    if (!plan_tiles(&plan, engine, tiles, image, error))
        return NULL;
    struct normalise_scale scale;
    for (int i = 0; i < 3; i++) {
        scale.mean[i] = vision->mean[i];
        scale.std[i] = vision->std[i];
    }
    g_autofree float *pixels = normalise_tiles(&plan, image, &scale, error);
    if (!pixels)
        return NULL;
    size_t n_tiles = anyres_n_tiles(&plan), n_slots = anyres_n_tokens(&plan);
    size_t n_rows = n_tiles * (size_t)vision_patches(vision);
    float *rows = g_try_malloc_n(n_rows * (size_t)vision->hidden_size, sizeof *rows);
    int *order = g_try_malloc_n(n_slots, sizeof *order);
    if (!rows || !order) {
        g_free(rows);
        g_free(order);
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "no memory for the features of a picture");
        return NULL;
    }
    anyres_token_origins(&plan, order);
    vision_encode(engine, rows, pixels, (int)n_tiles);
    return features_new(key, rows, (int)n_rows, vision->hidden_size, order, (int)n_slots);
}

struct features *picture_encode(struct engine *engine, GBytes *file, const char *digest,
                                enum picture_mode mode, GError **error)
{
    bool tiles;
    if (!resolve_mode(&tiles, engine, mode, error))
        return NULL;
    g_autofree char *own = digest ? NULL : g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, file);
    g_autofree char *key = g_strconcat(digest ? digest : own, tiles ? "/anyres" : "/pad", NULL);
    struct features *picture = features_cache_find(engine->pictures, key);
    if (picture)
        return picture;
    gsize n_bytes;
    const void *bytes = g_bytes_get_data(file, &n_bytes);
    struct image image;
    if (!image_decode(&image, bytes, n_bytes, error))
        return NULL;
    picture = encode(engine, key, &image, tiles, error);
    image_clear(&image);
    if (picture)
        features_cache_add(engine->pictures, picture);
    return picture;
}
