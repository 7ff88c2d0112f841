#include "model/decoder.h"

#include "model/vision.h"

#include <math.h>
#include <string.h>

/* What the parts of one forward share. */
struct forward {
    struct engine *engine;
    const struct backend *backend;
    const struct text_config *config;
    const struct workspace *w;
    const struct decoder_row *rows;
    int n_rows;
};

static void watch(const struct forward *f, const char *name, const float *x, int n_rows)
{
    if (f->engine->watch)
        f->engine->watch(name, x, n_rows, f->config->hidden_size, f->engine->watch_user);
}

static size_t row_at(int i_row, int width)
{
    return (size_t)i_row * (size_t)width;
}

/* The end of the rows from `first` on that have its adapter. */
static int group_end(const struct forward *f, int first)
{
    int end = first + 1;
    while (end < f->n_rows && f->rows[end].adapter == f->rows[first].adapter)
        end++;
    return end;
}

/* y (+)= x W^T + bias for all rows; then each group of rows adds its adapter's part. */
static void project(const struct forward *f, float *y, const float *x, const struct linear *linear,
                    int i_layer, enum lora_target target, unsigned flags)
{
    struct engine *engine = f->engine;
    f->backend->linear(engine->workers, y, x, &linear->w, linear->bias, f->n_rows,
                       flags | engine->flags, f->w->work);
    for (int first = 0, end; first < f->n_rows; first = end) {
        end = group_end(f, first);
        if (f->rows[first].adapter < 0)
            continue;
        const struct lora *lora = engine->adapters->pdata[f->rows[first].adapter];
        const struct lora_pair *pair = &lora->layers[i_layer][target];
        if (pair->a.n_out == 0)
            continue;
        f->backend->linear(engine->workers, f->w->low, x + row_at(first, linear->w.n_in), &pair->a,
                           NULL, end - first, engine->flags, f->w->work);
        f->backend->linear(engine->workers, y + row_at(first, linear->w.n_out), f->w->low, &pair->b,
                           NULL, end - first, LINEAR_ADD | engine->flags, f->w->work);
    }
}

/* The rows of one adapter that show a picture go through its projector together. */
static void embed_features(const struct forward *f, int first, int end)
{
    int width = f->config->hidden_size, n_in = f->engine->config.vision.hidden_size, n = 0;
    for (int i = first; i < end; i++)
        if (f->rows[i].picture && f->rows[i].slot.feature >= 0)
            memcpy(f->w->features + row_at(n++, n_in),
                   f->rows[i].picture->rows + row_at(f->rows[i].slot.feature, n_in),
                   (size_t)n_in * sizeof(float));
    if (n == 0)
        return;
    vision_project(f->engine, f->w->projected, f->w->features, n, f->rows[first].adapter);
    const float *from = f->w->projected;
    for (int i = first; i < end; i++)
        if (f->rows[i].picture && f->rows[i].slot.feature >= 0) {
            memcpy(f->w->hidden + row_at(i, width), from, (size_t)width * sizeof(float));
            from += width;
        }
}

static void embed(const struct forward *f)
{
    const struct parameters *p = &f->engine->parameters;
    size_t width = (size_t)f->config->hidden_size;
    for (int i = 0; i < f->n_rows; i++) {
        const struct slot *slot = &f->rows[i].slot;
        float *hidden = f->w->hidden + (size_t)i * width;
        if (slot->token >= 0)
            tensor_view_to_f32(hidden, p->embed, (size_t)slot->token * width, width);
        else if (slot->feature == FEATURES_NEWLINE)
            memcpy(hidden, p->newline, width * sizeof *hidden);
    }
    for (int first = 0, end; first < f->n_rows; first = end) {
        end = group_end(f, first);
        embed_features(f, first, end);
    }
    watch(f, "embeds", f->w->hidden, f->n_rows);
}

/* Puts the new keys and values into the caches, and says what each row sees there. */
static void store_keys(const struct forward *f, int i_layer)
{
    size_t width = (size_t)f->config->n_kv_heads * (size_t)f->config->head_dim;
    int window = f->config->sliding_window;
    for (int i = 0; i < f->n_rows; i++) {
        const struct decoder_row *row = &f->rows[i];
        kv_cache_store(row->kv, f->backend, i_layer, row->position, f->w->k + (size_t)i * width,
                       f->w->v + (size_t)i * width);
        f->w->attention[i] = (struct attention_row){
            kv_cache_spans(row->kv, i_layer), (int)row->kv->blocks->len,
            window > 0 ? MAX(0, row->position + 1 - window) : 0, row->position + 1};
    }
}

/* normed = norm(hidden), and its keys and values into the caches */
static void read_rows(const struct forward *f, const struct decoder_layer *layer, int i_layer)
{
    const struct text_config *c = f->config;
    const struct workspace *w = f->w;
    struct engine *engine = f->engine;
    f->backend->rms_norm(engine->workers, w->normed, w->hidden, layer->attention_norm.w, f->n_rows,
                         c->hidden_size, c->rms_norm_eps);
    project(f, w->k, w->normed, &layer->k, i_layer, LORA_K, 0);
    project(f, w->v, w->normed, &layer->v, i_layer, LORA_V, 0);
    f->backend->rope(engine->workers, w->k, w->rope, f->n_rows, c->n_kv_heads, c->head_dim);
    store_keys(f, i_layer);
}

/* Once the last layer's keys and values are stored, only rows whose logits are wanted go on: they move to the front. */
static void keep_heads(struct forward *f)
{
    const struct workspace *w = f->w;
    size_t width = (size_t)f->config->hidden_size, head_dim = (size_t)f->config->head_dim;
    int n = 0;
    for (int i = 0; i < f->n_rows; i++) {
        if (!f->rows[i].head)
            continue;
        memmove(w->hidden + (size_t)n * width, w->hidden + (size_t)i * width,
                width * sizeof(float));
        memmove(w->normed + (size_t)n * width, w->normed + (size_t)i * width,
                width * sizeof(float));
        memmove(w->rope + (size_t)n * head_dim, w->rope + (size_t)i * head_dim,
                head_dim * sizeof(float));
        w->attention[n] = w->attention[i];
        w->kept_rows[n] = f->rows[i];
        w->kept[n++] = i;
    }
    f->rows = w->kept_rows;
    f->n_rows = n;
}

/* hidden += o(attention(rope(q), keys, values)) of the normed rows */
static void attend(const struct forward *f, const struct decoder_layer *layer, int i_layer)
{
    const struct text_config *c = f->config;
    const struct workspace *w = f->w;
    struct engine *engine = f->engine;
    project(f, w->q, w->normed, &layer->q, i_layer, LORA_Q, 0);
    f->backend->rope(engine->workers, w->q, w->rope, f->n_rows, c->n_heads, c->head_dim);
    f->backend->attention(engine->workers, w->mixed, w->q, w->attention, f->n_rows,
                          &engine->kv.shape, engine->flags, w->work);
    project(f, w->hidden, w->mixed, &layer->o, i_layer, LORA_O, LINEAR_ADD);
}

/* hidden += down(silu(gate) * up) of the normed rows */
static void think(const struct forward *f, const struct decoder_layer *layer, int i_layer)
{
    const struct text_config *c = f->config;
    const struct workspace *w = f->w;
    f->backend->rms_norm(f->engine->workers, w->normed, w->hidden, layer->mlp_norm.w, f->n_rows,
                         c->hidden_size, c->rms_norm_eps);
    project(f, w->gate, w->normed, &layer->gate, i_layer, LORA_GATE, 0);
    project(f, w->up, w->normed, &layer->up, i_layer, LORA_UP, 0);
    f->backend->swiglu(f->engine->workers, w->gate, w->gate, w->up, f->n_rows,
                       c->intermediate_size);
    project(f, w->hidden, w->gate, &layer->down, i_layer, LORA_DOWN, LINEAR_ADD);
}

/* Norm and head of the kept rows, WORKSPACE_HEAD_ROWS at a time. */
static void give_logits(const struct forward *f, decoder_take *take, void *user)
{
    int width = f->config->hidden_size, vocab = f->config->vocab_size;
    struct engine *engine = f->engine;
    const struct linear *head = &engine->parameters.head;
    f->backend->rms_norm(engine->workers, f->w->normed, f->w->hidden, engine->parameters.norm.w,
                         f->n_rows, width, f->config->rms_norm_eps);
    watch(f, "hidden_after_final_norm", f->w->normed, f->n_rows);
    for (int first = 0, n; first < f->n_rows; first += n) {
        n = MIN(f->n_rows - first, WORKSPACE_HEAD_ROWS);
        f->backend->linear(engine->workers, f->w->logits, f->w->normed + row_at(first, width),
                           &head->w, head->bias, n, engine->flags, f->w->work);
        for (int i = 0; i < n; i++)
            take(f->w->kept[first + i], f->w->logits + row_at(i, vocab), user);
    }
}

void decoder_forward(struct engine *engine, const struct decoder_row *rows, int n_rows,
                     decoder_take *take, void *user)
{
    g_assert(n_rows >= 1 && n_rows <= engine->max_rows);
    struct forward f = {engine, engine->backend, &engine->config.text, &engine->workspace,
                        rows,   n_rows};
    int n_layers = f.config->n_layers;
    for (int i = 0; i < n_rows; i++)
        f.w->positions[i] = rows[i].position;
    f.backend->rope_table(f.w->rope, f.w->positions, engine->rope_frequencies, n_rows,
                          f.config->head_dim);
    embed(&f);
    for (int i = 0; i < n_layers; i++) {
        const struct decoder_layer *layer = &engine->parameters.layers[i];
        read_rows(&f, layer, i);
        if (i == n_layers - 1)
            keep_heads(&f);
        if (f.n_rows == 0)
            return;
        attend(&f, layer, i);
        think(&f, layer, i);
        char name[40];
        g_snprintf(name, sizeof name, "hidden_after_layer_%d", i);
        watch(&f, name, f.w->hidden, f.n_rows);
    }
    give_logits(&f, take, user);
}

/* LLaMA-3.1's scaling: long waves are stretched, short ones kept, those between mixed. */
static double scale_llama3(double frequency, const struct text_config *c)
{
    double wave = 2 * G_PI / frequency, length = c->rope_original_positions;
    if (wave < length / c->rope_high_freq_factor)
        return frequency;
    if (wave > length / c->rope_low_freq_factor)
        return frequency / c->rope_factor;
    double keep = (length / wave - c->rope_low_freq_factor) /
                  (c->rope_high_freq_factor - c->rope_low_freq_factor);
    return (1 - keep) * frequency / c->rope_factor + keep * frequency;
}

void decoder_rope_frequencies(float *frequencies, const struct text_config *config)
{
    for (int i = 0; i < config->head_dim / 2; i++) {
        double frequency = pow(config->rope_theta, -2.0 * i / config->head_dim);
        if (config->rope_scaling == ROPE_LINEAR)
            frequency /= config->rope_factor;
        else if (config->rope_scaling == ROPE_LLAMA3)
            frequency = scale_llama3(frequency, config);
        frequencies[i] = (float)frequency;
    }
}
