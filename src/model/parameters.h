/* parameters.h -- the weights as the operators want them: matrices packed by the backend, vectors in f32.
 *
 * All of them lie in one block, whose size is known before the first is packed. Tensors are read one at a time and let
 * go: at its height loading takes the packed size and one tensor. The embedding stays in the mapped file, because a step
 * looks at a few of its rows only. */
#ifndef FIRE_MODEL_PARAMETERS_H
#define FIRE_MODEL_PARAMETERS_H

#include "model/config.h"
#include "model/weights.h"
#include "num/backend.h"

#include <stddef.h>

struct linear {
    struct matrix w;
    const float *bias; /* (n_out), or NULL */
};

/* A norm's scale, and the shift of those that have one (NULL in the decoder). */
struct norm {
    const float *w, *b;
};

struct decoder_layer {
    struct norm attention_norm, mlp_norm;
    struct linear q, k, v, o, gate, up, down;
};

struct vision_layer {
    struct norm norm1, norm2;
    struct linear q, k, v, o, fc1, fc2;
};

struct parameters {
    const struct tensor_view *embed;
    struct decoder_layer *layers; /* (text.n_layers) */
    struct norm norm;
    struct linear head;

    /* Only where the model has a tower. */
    struct linear patch;      /* (width, 3 * side * side) */
    const float *class_token; /* (width) */
    const float *position;    /* (1 + patches, width) */
    struct norm pre_norm;
    struct vision_layer *vision; /* (n_vision): those that run before the features are taken */
    int n_vision;
    struct linear projector[2];
    const float *newline; /* (text.hidden_size), or NULL: the model puts none */

    void *block; /* the one allocation behind all of it */
    size_t n_bytes;
};

/* How matrices are kept: as the file has them (f16 as f32) or made smaller. 8 and 4 bits are for the decoder, whose weights
 * every token reads; the tower and the projector see a picture once and stay as stored. */
enum weights_kept { WEIGHTS_AS_STORED, WEIGHTS_BF16, WEIGHTS_Q8, WEIGHTS_Q4 };

/* Packs the tensors of `weights`, which must outlive the parameters (the embedding). FIRE_ERROR_IO where memory is short. */
bool parameters_load(struct parameters *parameters, const struct model_config *config,
                     const struct weights *weights, const struct backend *backend,
                     struct workers *workers, enum weights_kept kept, GError **error);
/* Packs all rows of a tensor (n_out, n_in) into `matrix`, whose fields and memory are set. */
void parameters_pack(struct matrix *matrix, const struct tensor_view *view,
                     const struct backend *backend, struct workers *workers);

void parameters_clear(struct parameters *parameters); /* accepts a zeroed one */

#endif
