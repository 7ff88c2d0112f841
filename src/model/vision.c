#include "model/vision.h"

#include <math.h>
#include <string.h>

int vision_patches(const struct vision_config *config)
{
    int side = config->image_size / config->patch_size;
    return side * side;
}

struct attention_shape vision_attention(const struct vision_config *config)
{
    int head_dim = config->hidden_size / config->n_heads;
    return (struct attention_shape){.n_heads = config->n_heads,
                                    .n_kv_heads = config->n_heads,
                                    .head_dim = head_dim,
                                    .scale = 1 / sqrtf((float)head_dim),
                                    .cache = CACHE_F32,
                                    .position_stride = (size_t)config->hidden_size,
                                    .head_stride = (size_t)head_dim};
}

/* cols (patches, 3 * p * p) of a tile (3, side, side): the patches row by row, in each the channels, rows, columns as the
 * convolution's weights have them. */
static void cut_patches(float *cols, const float *tile, const struct vision_config *config)
{
    size_t side = (size_t)config->image_size, p = (size_t)config->patch_size, n = side / p;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t c = 0; c < 3; c++)
                for (size_t y = 0; y < p; y++, cols += p)
                    memcpy(cols, tile + (c * side + i * p + y) * side + j * p, p * sizeof *cols);
}

static void linear(struct engine *engine, float *y, const float *x, const struct linear *w,
                   int n_rows, unsigned flags)
{
    engine->backend->linear(engine->workers, y, x, &w->w, w->bias, n_rows, flags | engine->flags,
                            engine->workspace.work);
}

static void watch_hidden(const struct engine *engine, int i, int n_rows)
{
    char name[32];
    g_snprintf(name, sizeof name, "vision_hidden_%d", i);
    if (engine->watch)
        engine->watch(name, engine->workspace.vision_x, n_rows, engine->config.vision.hidden_size,
                      engine->watch_user);
}

/* x (tiles * (1 + patches), width): class token and patches, with their positions, normed. */
static void embed(struct engine *engine, const float *pixels, int n_tiles)
{
    const struct vision_config *config = &engine->config.vision;
    const struct parameters *p = &engine->parameters;
    const struct workspace *w = &engine->workspace;
    size_t n_patches = (size_t)vision_patches(config), width = (size_t)config->hidden_size;
    size_t tile_size = 3 * (size_t)config->image_size * (size_t)config->image_size;
    size_t patch_size = (size_t)p->patch.w.n_in;
    for (size_t t = 0; t < (size_t)n_tiles; t++)
        cut_patches(w->patches + t * n_patches * patch_size, pixels + t * tile_size, config);
    linear(engine, w->vision_q, w->patches, &p->patch, n_tiles * (int)n_patches, 0);
    for (size_t t = 0; t < (size_t)n_tiles; t++) {
        float *x = w->vision_x + t * (1 + n_patches) * width;
        memcpy(x, p->class_token, width * sizeof *x);
        memcpy(x + width, w->vision_q + t * n_patches * width, n_patches * width * sizeof *x);
        engine->backend->add(engine->workers, x, p->position, (1 + n_patches) * width);
    }
    engine->backend->layer_norm(engine->workers, w->vision_x, w->vision_x, p->pre_norm.w,
                                p->pre_norm.b, n_tiles * (1 + (int)n_patches), (int)width,
                                config->layer_norm_eps);
}

/* x += o(attention(norm1(x))); x += fc2(gelu(fc1(norm2(x)))) */
static void run_layer(struct engine *engine, const struct vision_layer *layer, int n_rows)
{
    const struct vision_config *config = &engine->config.vision;
    const struct workspace *w = &engine->workspace;
    const struct backend *b = engine->backend;
    const struct attention_shape shape = vision_attention(config);
    int width = config->hidden_size;
    b->layer_norm(engine->workers, w->vision_n, w->vision_x, layer->norm1.w, layer->norm1.b, n_rows,
                  width, config->layer_norm_eps);
    linear(engine, w->vision_q, w->vision_n, &layer->q, n_rows, 0);
    linear(engine, w->vision_k, w->vision_n, &layer->k, n_rows, 0);
    linear(engine, w->vision_v, w->vision_n, &layer->v, n_rows, 0);
    b->attention(engine->workers, w->vision_n, w->vision_q, w->vision_attention, n_rows, &shape,
                 engine->flags, w->work);
    linear(engine, w->vision_x, w->vision_n, &layer->o, n_rows, LINEAR_ADD);
    b->layer_norm(engine->workers, w->vision_n, w->vision_x, layer->norm2.w, layer->norm2.b, n_rows,
                  width, config->layer_norm_eps);
    linear(engine, w->vision_mlp, w->vision_n, &layer->fc1, n_rows, 0);
    b->gelu(engine->workers, w->vision_mlp, config->quick_gelu, n_rows, config->intermediate_size);
    linear(engine, w->vision_x, w->vision_mlp, &layer->fc2, n_rows, LINEAR_ADD);
}

/* Every row of a tile sees all rows of it. */
static void plan_attention(const struct workspace *w, int n_tiles, int n_rows, int width)
{
    for (int t = 0; t < n_tiles; t++) {
        size_t first = (size_t)t * (size_t)n_rows * (size_t)width;
        w->vision_spans[t] =
            (struct attention_span){w->vision_k + first, w->vision_v + first, n_rows};
        for (int i = 0; i < n_rows; i++)
            w->vision_attention[t * n_rows + i] =
                (struct attention_row){&w->vision_spans[t], 1, 0, n_rows};
    }
}

static void encode(struct engine *engine, float *features, const float *pixels, int n_tiles)
{
    const struct vision_config *config = &engine->config.vision;
    const struct workspace *w = &engine->workspace;
    int n_patches = vision_patches(config), n_rows = n_tiles * (1 + n_patches);
    embed(engine, pixels, n_tiles);
    watch_hidden(engine, 0, n_rows);
    plan_attention(w, n_tiles, 1 + n_patches, config->hidden_size);
    for (int i = 0; i < engine->parameters.n_vision; i++) {
        run_layer(engine, &engine->parameters.vision[i], n_rows);
        watch_hidden(engine, i + 1, n_rows);
    }
    size_t n = (size_t)n_patches * (size_t)config->hidden_size;
    for (size_t t = 0; t < (size_t)n_tiles; t++)
        memcpy(features + t * n,
               w->vision_x + t * (n + (size_t)config->hidden_size) + config->hidden_size,
               n * sizeof *features);
}

void vision_encode(struct engine *engine, float *features, const float *pixels, int n_tiles)
{
    const struct vision_config *config = &engine->config.vision;
    size_t tile_size = 3 * (size_t)config->image_size * (size_t)config->image_size;
    size_t n = (size_t)vision_patches(config) * (size_t)config->hidden_size;
    for (int done = 0, take; done < n_tiles; done += take) {
        take = MIN(n_tiles - done, engine->workspace.max_tiles);
        encode(engine, features + (size_t)done * n, pixels + (size_t)done * tile_size, take);
    }
}

void vision_project(struct engine *engine, float *projected, const float *features, int n,
                    int adapter)
{
    const struct lora *lora = adapter >= 0 ? engine->adapters->pdata[adapter] : NULL;
    const struct linear *projector =
        lora && lora->has_projector ? lora->projector : engine->parameters.projector;
    size_t width = (size_t)engine->config.text.hidden_size,
           n_in = (size_t)engine->config.vision.hidden_size;
    float *middle = engine->workspace.projected + (size_t)engine->max_rows * width;
    for (int done = 0, take; done < n; done += take) {
        take = MIN(n - done, engine->max_rows);
        linear(engine, middle, features + (size_t)done * n_in, &projector[0], take, 0);
        engine->backend->gelu(engine->workers, middle, false, take, (int)width);
        linear(engine, projected + (size_t)done * width, middle, &projector[1], take, 0);
    }
}
