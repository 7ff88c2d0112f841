#include "model/engine.h"

#include "base/error.h"
#include "model/decoder.h"

#include <math.h>
#include <unistd.h>

static size_t machine_bytes(void)
{
    return (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t fixed_bytes(const struct engine *engine)
{
    size_t n = engine->parameters.n_bytes + engine->workspace.n_bytes + engine->max_picture_bytes;
    for (guint i = 0; i < engine->adapters->len; i++)
        n += ((const struct lora *)engine->adapters->pdata[i])->n_bytes;
    return n;
}

/* Work memory for all that is loaded, and what the bound then leaves for keys and values. */
static bool plan_memory(struct engine *engine, GError **error)
{
    const struct text_config *text = &engine->config.text;
    struct attention_shape shape = {.n_heads = text->n_heads,
                                    .n_kv_heads = text->n_kv_heads,
                                    .head_dim = text->head_dim,
                                    .scale = 1 / sqrtf((float)text->head_dim),
                                    .cache = engine->flags & LINEAR_BF16 ? CACHE_BF16 : CACHE_F32};
    if (engine->kv.n_layers == 0)
        kv_pool_init(&engine->kv, text->n_layers, &shape);
    if (!workspace_plan(&engine->workspace, engine, error))
        return false;
    size_t fixed = fixed_bytes(engine);
    if (fixed + engine->kv.block_bytes > engine->max_bytes) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO,
                    "the model needs at least %zu MB of memory; %zu MB are allowed",
                    (fixed + engine->kv.block_bytes) >> 20, engine->max_bytes >> 20);
        return false;
    }
    /* What is in use stays: sessions keep their blocks when an adapter is added. */
    kv_pool_limit(&engine->kv, engine->max_bytes - fixed);
    return true;
}

static bool load(struct engine *engine, const char *folder, const struct engine_options *options,
                 GError **error)
{
    if (!model_config_load(&engine->config, folder, options->tower, error) ||
        !(engine->weights = weights_open(folder, &engine->config, error)) ||
        !parameters_load(&engine->parameters, &engine->config, engine->weights, engine->backend,
                         engine->workers, options->kept, error))
        return false;
    if (options->compute == ENGINE_COMPUTE_BF16 || (options->compute == ENGINE_COMPUTE_AS_STORED &&
                                                    engine->parameters.embed->type == TENSOR_BF16))
        engine->flags = LINEAR_BF16;
    engine->rope_frequencies = g_new(float, engine->config.text.head_dim / 2);
    decoder_rope_frequencies(engine->rope_frequencies, &engine->config.text);
    return plan_memory(engine, error);
}

struct engine *engine_open(const char *folder, const struct engine_options *options, GError **error)
{
    struct engine *engine = g_new0(struct engine, 1);
    engine->backend = options->backend;
    engine->workers = workers_new(options->n_threads);
    engine->max_rows = options->max_rows;
    engine->adapters = g_ptr_array_new_with_free_func((GDestroyNotify)lora_free);
    engine->max_bytes = options->max_bytes ? options->max_bytes : machine_bytes() / 5 * 4;
    engine->max_picture_bytes =
        options->max_picture_bytes ? options->max_picture_bytes : engine->max_bytes / 16;
    engine->pictures = features_cache_new(engine->max_picture_bytes);
    g_queue_init(&engine->sessions);
    if (load(engine, folder, options, error))
        return engine;
    engine_close(engine);
    return NULL;
}

void engine_close(struct engine *engine)
{
    if (!engine)
        return;
    g_assert(g_queue_is_empty(&engine->sessions));
    kv_pool_clear(&engine->kv);
    features_cache_free(engine->pictures);
    workspace_clear(&engine->workspace);
    g_ptr_array_unref(engine->adapters);
    g_free(engine->rope_frequencies);
    parameters_clear(&engine->parameters);
    weights_close(engine->weights);
    model_config_clear(&engine->config);
    workers_free(engine->workers);
    g_free(engine);
}

int engine_max_positions(const struct engine *engine)
{
    return MIN(engine->config.text.max_positions, engine->kv.max_blocks * KV_BLOCK);
}

int engine_add_adapter(struct engine *engine, const char *folder, GError **error)
{
    for (guint i = 0; i < engine->adapters->len; i++)
        if (g_str_equal(((const struct lora *)engine->adapters->pdata[i])->folder, folder))
            return (int)i;
    struct lora *lora = lora_open(folder, engine, error);
    if (!lora)
        return -1;
    g_ptr_array_add(engine->adapters, lora);
    if (plan_memory(engine, error))
        return (int)engine->adapters->len - 1;
    g_ptr_array_remove_index(engine->adapters, engine->adapters->len - 1);
    return -1;
}
