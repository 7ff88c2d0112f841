#include "model/parameters.h"

#include "model/big_block.h"

#define ALIGN_BYTES 64
/* Rows of a matrix are packed in bands: a multiple of every backend's panel, and what fits a core's cache in f32. */
#define BAND_ROWS 64

/* Goes through the tensors in a fixed order, twice: first only counting, then with `base` placing and filling. */
struct loader {
    const struct weights *weights;
    const struct backend *backend;
    struct workers *workers;
    enum weights_kept kept;
    char *base;     /* NULL: counting */
    size_t n_bytes; /* so far */
};

static void *place(struct loader *loader, size_t n_bytes)
{
    size_t at = loader->n_bytes;
    loader->n_bytes = at + (n_bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    return loader->base ? loader->base + at : NULL;
}

static size_t view_elements(const struct tensor_view *view)
{
    size_t n = 1;
    for (int i = 0; i < view->n_dims; i++)
        n *= (size_t)view->dims[i];
    return n;
}

/* NULL where the model has no such tensor. */
static const float *load_vector(struct loader *loader, const char *name)
{
    const struct tensor_view *view = weights_find(loader->weights, name);
    if (!view)
        return NULL;
    size_t n = view_elements(view);
    float *vector = place(loader, n * sizeof *vector);
    if (vector) {
        tensor_view_to_f32(vector, view, 0, n);
        weights_release(loader->weights, view);
    }
    return vector;
}

static enum weight_type type_of(const struct tensor_view *view, enum weights_kept kept)
{
    switch (kept) {
    case WEIGHTS_BF16:
        return WEIGHT_BF16;
    case WEIGHTS_Q8:
        return WEIGHT_Q8;
    case WEIGHTS_Q4:
        return WEIGHT_Q4;
    case WEIGHTS_AS_STORED:
        break;
    }
    return view->type == TENSOR_BF16 ? WEIGHT_BF16 : WEIGHT_F32;
}

struct packing {
    const struct backend *backend;
    const struct tensor_view *view;
    struct matrix *matrix;
};

static void pack_band(int i, int thread G_GNUC_UNUSED, void *user)
{
    const struct packing *packing = user;
    struct matrix *matrix = packing->matrix;
    size_t n_in = (size_t)matrix->n_in, first = (size_t)i * BAND_ROWS;
    size_t n = MIN(BAND_ROWS, (size_t)matrix->n_out - first);
    g_autofree float *rows = g_new(float, n *n_in);
    tensor_view_to_f32(rows, packing->view, first * n_in, n * n_in);
    packing->backend->matrix_pack(matrix, (int)first, (int)n, rows);
}

void parameters_pack(struct matrix *matrix, const struct tensor_view *view,
                     const struct backend *backend, struct workers *workers)
{
    struct packing packing = {backend, view, matrix};
    workers_run(workers, (matrix->n_out + BAND_ROWS - 1) / BAND_ROWS, pack_band, &packing);
}

static void load_matrix(struct loader *loader, struct matrix *matrix, const char *name,
                        enum weights_kept kept)
{
    const struct tensor_view *view = weights_find(loader->weights, name);
    int n_out = (int)view->dims[0], n_in = (int)(view_elements(view) / (size_t)n_out);
    enum weight_type type = type_of(view, kept);
    *matrix = (struct matrix){type, n_out, n_in,
                              place(loader, loader->backend->matrix_bytes(type, n_out, n_in))};
    if (!matrix->data)
        return;
    parameters_pack(matrix, view, loader->backend, loader->workers);
    weights_release(loader->weights, view);
}

static struct linear load_linear(struct loader *loader, const char *prefix, const char *name)
{
    g_autofree char *matrix = g_strconcat(prefix, name, NULL);
    g_autofree char *bias = g_strconcat(matrix, ".bias", NULL);
    struct linear linear;
    load_matrix(loader, &linear.w, matrix, loader->kept);
    linear.bias = load_vector(loader, bias);
    return linear;
}

static struct norm load_norm(struct loader *loader, const char *prefix, const char *name)
{
    g_autofree char *scale = g_strconcat(prefix, name, NULL);
    g_autofree char *shift = g_strconcat(scale, ".bias", NULL);
    struct norm norm;
    norm.w = load_vector(loader, scale);
    norm.b = load_vector(loader, shift);
    return norm;
}

static void load_decoder_layer(struct loader *loader, struct decoder_layer *layer, int i_layer)
{
    g_autofree char *prefix = g_strdup_printf("layers.%d.", i_layer);
    layer->attention_norm = load_norm(loader, prefix, "attention_norm");
    layer->q = load_linear(loader, prefix, "q");
    layer->k = load_linear(loader, prefix, "k");
    layer->v = load_linear(loader, prefix, "v");
    layer->o = load_linear(loader, prefix, "o");
    layer->mlp_norm = load_norm(loader, prefix, "mlp_norm");
    layer->gate = load_linear(loader, prefix, "gate");
    layer->up = load_linear(loader, prefix, "up");
    layer->down = load_linear(loader, prefix, "down");
}

static void load_vision_layer(struct loader *loader, struct vision_layer *layer, int i_layer)
{
    g_autofree char *prefix = g_strdup_printf("vision.%d.", i_layer);
    layer->norm1 = load_norm(loader, prefix, "norm1");
    layer->q = load_linear(loader, prefix, "q");
    layer->k = load_linear(loader, prefix, "k");
    layer->v = load_linear(loader, prefix, "v");
    layer->o = load_linear(loader, prefix, "o");
    layer->norm2 = load_norm(loader, prefix, "norm2");
    layer->fc1 = load_linear(loader, prefix, "fc1");
    layer->fc2 = load_linear(loader, prefix, "fc2");
}

static void load_vision(struct parameters *parameters, struct loader *loader)
{
    if (loader->kept == WEIGHTS_Q8 || loader->kept == WEIGHTS_Q4)
        loader->kept = WEIGHTS_AS_STORED;
    parameters->patch = load_linear(loader, "", "vision.patch");
    parameters->class_token = load_vector(loader, "vision.class");
    parameters->position = load_vector(loader, "vision.position");
    parameters->pre_norm = load_norm(loader, "", "vision.pre_norm");
    for (int i = 0; i < parameters->n_vision; i++)
        load_vision_layer(loader, &parameters->vision[i], i);
    parameters->projector[0] = load_linear(loader, "", "projector.1");
    parameters->projector[1] = load_linear(loader, "", "projector.2");
    parameters->newline = load_vector(loader, "newline");
}

static void load_all(struct parameters *parameters, struct loader *loader,
                     const struct model_config *config)
{
    const enum weights_kept kept = loader->kept;
    loader->n_bytes = 0;
    for (int i = 0; i < config->text.n_layers; i++)
        load_decoder_layer(loader, &parameters->layers[i], i);
    parameters->norm = load_norm(loader, "", "norm");
    load_matrix(loader, &parameters->head.w, config->text.tied ? "embed" : "head", loader->kept);
    if (config->has_vision)
        load_vision(parameters, loader);
    loader->kept = kept;
}

/* Hidden state `feature_layer` counts from the input of the first layer (0), or from the output of the last (-1). */
static int layers_before_features(const struct vision_config *vision)
{
    int layer = vision->feature_layer;
    return layer < 0 ? vision->n_layers + 1 + layer : layer;
}

bool parameters_load(struct parameters *parameters, const struct model_config *config,
                     const struct weights *weights, const struct backend *backend,
                     struct workers *workers, enum weights_kept kept, GError **error)
{
    struct loader loader = {weights, backend, workers, kept, NULL, 0};
    struct parameters loaded = {.embed = weights_find(weights, "embed")};
    loaded.layers = g_new0(struct decoder_layer, config->text.n_layers);
    if (config->has_vision) {
        loaded.n_vision = layers_before_features(&config->vision);
        loaded.vision = g_new0(struct vision_layer, loaded.n_vision);
    }
    load_all(&loaded, &loader, config);
    loaded.n_bytes = big_block_bytes(loader.n_bytes);
    loaded.block = big_block_new(loaded.n_bytes, "the weights", error);
    if (!loaded.block) {
        parameters_clear(&loaded);
        return false;
    }
    loader.base = loaded.block;
    load_all(&loaded, &loader, config);
    *parameters = loaded;
    return true;
}

void parameters_clear(struct parameters *parameters)
{
    big_block_free(parameters->block, parameters->n_bytes);
    g_free(parameters->layers);
    g_free(parameters->vision);
    *parameters = (struct parameters){0};
}
