#include "model/lora.h"

#include "base/error.h"
#include "model/adapter.h"
#include "model/engine.h"

#include <stdlib.h>
#include <string.h>

#define ALIGN_BYTES 64

static const char *const target_names[LORA_N_TARGETS] = {"q", "k", "v", "o", "gate", "up", "down"};
static const char *const projector_names[2] = {"projector.1", "projector.2"};

/* Goes through an adapter twice, as the loader of parameters.c does: counting, then placing and packing. */
struct packer {
    const struct adapter *adapter;
    const struct engine *engine;
    char *base; /* NULL: counting */
    size_t n_bytes;
};

static void *place(struct packer *packer, size_t n_bytes)
{
    size_t at = packer->n_bytes;
    packer->n_bytes = at + (n_bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    return packer->base ? packer->base + at : NULL;
}

static struct matrix place_matrix(struct packer *packer, enum weight_type type, int n_out, int n_in)
{
    size_t n_bytes = packer->engine->backend->matrix_bytes(type, n_out, n_in);
    return (struct matrix){type, n_out, n_in, place(packer, n_bytes)};
}

static void pack_pair(struct packer *packer, struct lora_pair *pair,
                      const struct adapter_module *module)
{
    const struct engine *engine = packer->engine;
    enum weight_type type = engine->flags & LINEAR_BF16 ? WEIGHT_BF16 : WEIGHT_F32;
    pair->a = place_matrix(packer, type, module->rank, module->n_in);
    pair->b = place_matrix(packer, type, module->n_out, module->rank);
    if (!packer->base)
        return;
    size_t n = (size_t)module->n_out * (size_t)module->rank;
    g_autofree float *scaled = g_new(float, n);
    for (size_t i = 0; i < n; i++)
        scaled[i] = module->scale * module->b[i];
    engine->backend->matrix_pack(&pair->a, 0, module->rank, module->a);
    engine->backend->matrix_pack(&pair->b, 0, module->n_out, scaled);
}

static void pack_projector(struct packer *packer, struct lora *lora, int i)
{
    const struct engine *engine = packer->engine;
    const struct linear *base = &engine->parameters.projector[i];
    g_autofree char *bias_name = g_strconcat(projector_names[i], ".bias", NULL);
    const struct tensor_view *w = adapter_find_replacement(packer->adapter, projector_names[i]);
    const struct tensor_view *b = adapter_find_replacement(packer->adapter, bias_name);
    lora->projector[i] = *base;
    lora->has_projector |= w || b;
    if (w) {
        struct matrix *matrix = &lora->projector[i].w;
        *matrix = place_matrix(packer, base->w.type, base->w.n_out, base->w.n_in);
        if (packer->base)
            parameters_pack(matrix, w, engine->backend, engine->workers);
    }
    if (b) {
        float *bias = place(packer, (size_t)base->w.n_out * sizeof *bias);
        if (bias)
            tensor_view_to_f32(bias, b, 0, (size_t)base->w.n_out);
        lora->projector[i].bias = bias;
    }
}

static void pack_all(struct packer *packer, struct lora *lora)
{
    packer->n_bytes = 0;
    for (int i = 0; i < packer->engine->config.text.n_layers; i++)
        for (int target = 0; target < LORA_N_TARGETS; target++) {
            g_autofree char *name = g_strdup_printf("layers.%d.%s", i, target_names[target]);
            const struct adapter_module *module = adapter_find(packer->adapter, name);
            if (!module)
                continue;
            lora->max_rank = MAX(lora->max_rank, module->rank);
            pack_pair(packer, &lora->layers[i][target], module);
        }
    for (int i = 0; i < 2 && packer->engine->config.has_vision; i++)
        pack_projector(packer, lora, i);
}

/* Is a change of that tensor one that pack_all applies? */
static bool is_known(const struct adapter *adapter, const char *name)
{
    if (g_str_has_prefix(name, "projector."))
        return !adapter_find(adapter, name);
    if (!g_str_has_prefix(name, "layers.") || adapter_find_replacement(adapter, name))
        return false;
    const char *last = strrchr(name, '.') + 1;
    for (int i = 0; i < LORA_N_TARGETS; i++)
        if (strcmp(last, target_names[i]) == 0)
            return true;
    return false;
}

static bool check(const struct adapter *adapter, const char *folder, GError **error)
{
    for (const char *const *name = adapter_names(adapter); *name; name++)
        if (!is_known(adapter, *name)) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                        "adapter '%s' changes '%s', which can only be merged (fire merge)", folder,
                        *name);
            return false;
        }
    return true;
}

struct lora *lora_open(const char *folder, const struct engine *engine, GError **error)
{
    struct adapter *adapter = adapter_open(folder, engine->weights, error);
    if (!adapter || !check(adapter, folder, error)) {
        adapter_close(adapter);
        return NULL;
    }
    struct packer packer = {adapter, engine, NULL, 0};
    struct lora *lora = g_new0(struct lora, 1);
    lora->folder = g_strdup(folder);
    lora->layers = g_malloc0_n((gsize)engine->config.text.n_layers, sizeof *lora->layers);
    pack_all(&packer, lora);
    lora->n_bytes = MAX(packer.n_bytes, ALIGN_BYTES);
    lora->block = aligned_alloc(ALIGN_BYTES, lora->n_bytes);
    packer.base = lora->block;
    if (packer.base) {
        pack_all(&packer, lora);
    } else {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "no memory for adapter '%s'", folder);
        g_clear_pointer(&lora, lora_free);
    }
    adapter_close(adapter);
    return lora;
}

void lora_free(struct lora *lora)
{
    if (!lora)
        return;
    free(lora->block);
    g_free(lora->layers);
    g_free(lora->folder);
    g_free(lora);
}
