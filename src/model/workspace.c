#include "model/workspace.h"

#include "model/big_block.h"
#include "model/decoder.h"
#include "model/engine.h"
#include "model/vision.h"

#define ALIGN_BYTES 64
/* Tiles that go through the tower together: enough rows for large products, few enough to stay in a cache. */
#define MAX_TILES 5

/* Gives out parts of a block, or only counts where there is none yet. */
struct carver {
    char *base;
    size_t n_bytes;
};

static void *carve(struct carver *carver, size_t n, size_t unit)
{
    size_t at = carver->n_bytes;
    carver->n_bytes = at + (n * unit + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    return carver->base ? carver->base + at : NULL;
}

static void grow(size_t *most, size_t n)
{
    *most = MAX(*most, n);
}

static void grow_by_linear(size_t *most, const struct engine *engine, const struct matrix *matrix,
                           int n_rows)
{
    if (matrix->n_out > 0)
        grow(most, engine->backend->linear_work_bytes(engine->workers, matrix, n_rows));
}

static int max_rank(const struct engine *engine)
{
    int rank = 0;
    for (guint i = 0; i < engine->adapters->len; i++)
        rank = MAX(rank, ((const struct lora *)engine->adapters->pdata[i])->max_rank);
    return rank;
}

static void grow_by_adapter(size_t *most, const struct engine *engine, const struct lora *lora)
{
    for (int i = 0; i < engine->config.text.n_layers; i++)
        for (int target = 0; target < LORA_N_TARGETS; target++) {
            grow_by_linear(most, engine, &lora->layers[i][target].a, engine->max_rows);
            grow_by_linear(most, engine, &lora->layers[i][target].b, engine->max_rows);
        }
    for (int i = 0; i < 2; i++)
        if (lora->has_projector)
            grow_by_linear(most, engine, &lora->projector[i].w, engine->max_rows);
}

/* What the operators want at most at one time. */
static size_t work_bytes(const struct engine *engine, int max_tiles)
{
    const struct parameters *p = &engine->parameters;
    const struct text_config *text = &engine->config.text;
    const struct vision_config *vision = &engine->config.vision;
    size_t most = engine->backend->attention_work_bytes(engine->workers, &engine->kv.shape,
                                                        engine->max_rows, text->max_positions);
    for (int i = 0; i < text->n_layers; i++) {
        const struct decoder_layer *layer = &p->layers[i];
        const struct linear *const linears[] = {&layer->q,    &layer->k,  &layer->v,   &layer->o,
                                                &layer->gate, &layer->up, &layer->down};
        for (size_t j = 0; j < G_N_ELEMENTS(linears); j++)
            grow_by_linear(&most, engine, &linears[j]->w, engine->max_rows);
    }
    grow_by_linear(&most, engine, &p->head.w, MIN(engine->max_rows, WORKSPACE_HEAD_ROWS));
    for (guint i = 0; i < engine->adapters->len; i++)
        grow_by_adapter(&most, engine, engine->adapters->pdata[i]);
    if (!engine->config.has_vision)
        return most;
    int n_patches = vision_patches(vision), n_rows = max_tiles * (1 + n_patches);
    grow_by_linear(&most, engine, &p->patch.w, max_tiles * n_patches);
    grow_by_linear(&most, engine, &p->projector[0].w, engine->max_rows);
    grow_by_linear(&most, engine, &p->projector[1].w, engine->max_rows);
    const struct attention_shape shape = vision_attention(vision);
    grow(&most,
         engine->backend->attention_work_bytes(engine->workers, &shape, n_rows, 1 + n_patches));
    for (int i = 0; i < p->n_vision; i++) {
        const struct vision_layer *layer = &p->vision[i];
        const struct linear *const linears[] = {&layer->q, &layer->k,   &layer->v,
                                                &layer->o, &layer->fc1, &layer->fc2};
        for (size_t j = 0; j < G_N_ELEMENTS(linears); j++)
            grow_by_linear(&most, engine, &linears[j]->w, n_rows);
    }
    return most;
}

static void carve_decoder(struct workspace *w, struct carver *carver, const struct engine *engine)
{
    const struct text_config *text = &engine->config.text;
    size_t rows = (size_t)engine->max_rows, width = (size_t)text->hidden_size;
    size_t head = MIN(rows, WORKSPACE_HEAD_ROWS);
    size_t q_width = (size_t)text->n_heads * (size_t)text->head_dim,
           kv_width = (size_t)text->n_kv_heads * (size_t)text->head_dim;
    w->rows = carve(carver, rows, sizeof(struct decoder_row));
    w->owners = carve(carver, rows, sizeof(struct session *));
    w->hidden = carve(carver, rows * width, sizeof(float));
    w->normed = carve(carver, rows * width, sizeof(float));
    w->q = carve(carver, rows * q_width, sizeof(float));
    w->k = carve(carver, rows * kv_width, sizeof(float));
    w->v = carve(carver, rows * kv_width, sizeof(float));
    w->mixed = carve(carver, rows * q_width, sizeof(float));
    w->gate = carve(carver, rows * (size_t)text->intermediate_size, sizeof(float));
    w->up = carve(carver, rows * (size_t)text->intermediate_size, sizeof(float));
    w->low = carve(carver, rows * (size_t)max_rank(engine), sizeof(float));
    w->logits = carve(carver, head * (size_t)text->vocab_size, sizeof(float));
    w->positions = carve(carver, rows, sizeof(int));
    w->rope = carve(carver, rows * (size_t)text->head_dim, sizeof(float));
    w->kept_rows = carve(carver, rows, sizeof(struct decoder_row));
    w->kept = carve(carver, rows, sizeof(int));
    w->attention = carve(carver, rows, sizeof(struct attention_row));
    if (engine->config.has_vision) {
        w->features =
            carve(carver, rows * (size_t)engine->config.vision.hidden_size, sizeof(float));
        w->projected = carve(carver, 2 * rows * width, sizeof(float));
    }
}

static void carve_vision(struct workspace *w, struct carver *carver,
                         const struct vision_config *vision)
{
    size_t n_patches = (size_t)vision_patches(vision), tiles = (size_t)w->max_tiles;
    size_t rows = tiles * (1 + n_patches), width = (size_t)vision->hidden_size;
    size_t side = (size_t)vision->patch_size;
    w->patches = carve(carver, tiles * n_patches * 3 * side * side, sizeof(float));
    w->vision_x = carve(carver, rows * width, sizeof(float));
    w->vision_n = carve(carver, rows * width, sizeof(float));
    w->vision_q = carve(carver, rows * width, sizeof(float));
    w->vision_k = carve(carver, rows * width, sizeof(float));
    w->vision_v = carve(carver, rows * width, sizeof(float));
    w->vision_mlp = carve(carver, rows * (size_t)vision->intermediate_size, sizeof(float));
    w->vision_spans = carve(carver, tiles, sizeof(struct attention_span));
    w->vision_attention = carve(carver, rows, sizeof(struct attention_row));
}

/* Lays out the whole workspace over `base`, or only counts with NULL. Returns its bytes. */
static size_t workspace_carve(struct workspace *w, const struct engine *engine, char *base)
{
    struct carver decoder = {base, 0}, vision = {base, 0};
    carve_decoder(w, &decoder, engine);
    w->max_tiles = MAX_TILES;
    if (engine->config.has_vision)
        carve_vision(w, &vision, &engine->config.vision);
    struct carver work = {base, MAX(decoder.n_bytes, vision.n_bytes)};
    w->work = carve(&work, work_bytes(engine, w->max_tiles), 1);
    return work.n_bytes;
}

bool workspace_plan(struct workspace *workspace, const struct engine *engine, GError **error)
{
    struct workspace planned = {0};
    planned.n_bytes = workspace_carve(&planned, engine, NULL);
    planned.block = big_block_new(planned.n_bytes, "a step's work", error);
    if (!planned.block)
        return false;
    workspace_carve(&planned, engine, planned.block);
    workspace_clear(workspace);
    *workspace = planned;
    return true;
}

void workspace_clear(struct workspace *workspace)
{
    big_block_free(workspace->block, workspace->n_bytes);
    *workspace = (struct workspace){0};
}
