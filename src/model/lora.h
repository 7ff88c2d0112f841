/* lora.h -- a low-rank adapter as the operators want it: y += (x A^T) (scale B)^T beside a linear of the base.
 *
 * Hu et al. 2021, in the folder layout of PEFT. Only the decoder has adapters; a training of LLaVA may also bring its own
 * projector, which then takes the place of the base's. */
#ifndef FIRE_MODEL_LORA_H
#define FIRE_MODEL_LORA_H

#include "model/parameters.h"

#include <glib.h>
#include <stdbool.h>

enum lora_target { LORA_Q, LORA_K, LORA_V, LORA_O, LORA_GATE, LORA_UP, LORA_DOWN, LORA_N_TARGETS };

struct lora_pair {
    struct matrix a, b; /* (rank, n_in), (n_out, rank) times the scale; a.n_out 0: not adapted */
};

struct lora {
    char *folder;
    struct lora_pair (*layers)[LORA_N_TARGETS]; /* (n_layers) */
    bool has_projector;
    struct linear
        projector[2]; /* where it has one; a part that the adapter leaves alone is the base's */
    int max_rank;
    void *block; /* the one allocation behind all of it */
    size_t n_bytes;
};

struct engine;

/* Reads a PEFT folder and packs it for `engine`. FIRE_ERROR_IO or FIRE_ERROR_FORMAT names the file, the key or the tensor;
 * what changes other parts of the model than those above is an error that names them. */
struct lora *lora_open(const char *folder, const struct engine *engine, GError **error);
void lora_free(struct lora *lora); /* accepts NULL */

#endif
