/* adapter.h -- a PEFT folder: low-rank changes of linears, y += scale * B (A x), and tensors that replace the model's.
 *
 * Hu et al. 2021; scale is alpha / rank, or alpha / sqrt(rank) with rsLoRA (Kalajdzievski 2023). Modules are those that
 * adapter_model has tensors of. Replacing tensors come from it too (modules_to_save) and from `non_lora_trainables`, which
 * LLaVA's trainings write beside it (the projector). Names are those of weights.h. */
#ifndef FIRE_MODEL_ADAPTER_H
#define FIRE_MODEL_ADAPTER_H

#include "model/weights.h"

struct adapter;

struct adapter_module {
    int rank, n_in, n_out;
    float scale;
    const float *a; /* (rank, n_in) */
    const float *b; /* (n_out, rank) */
};

/* Reads `folder`: adapter_config.json, adapter_model and, where there is one, non_lora_trainables, each .safetensors or
 * else .bin. Every tensor must fit one of `weights`, which need not outlive the adapter. FIRE_ERROR_IO or
 * FIRE_ERROR_FORMAT names the file, the key or the tensor. */
struct adapter *adapter_open(const char *folder, const struct weights *weights, GError **error);
void adapter_close(struct adapter *adapter); /* accepts NULL */

/* What it does to the tensor of that name; NULL: nothing. Where both are there, the module comes on top of the
 * replacement. Belong to `adapter`. */
const struct adapter_module *adapter_find(const struct adapter *adapter, const char *name);
const struct tensor_view *adapter_find_replacement(const struct adapter *adapter, const char *name);

/* The names of all tensors that it changes, sorted; NULL-terminated. Belongs to `adapter`. */
const char *const *adapter_names(const struct adapter *adapter);

#endif
