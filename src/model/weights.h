/* weights.h -- the tensors of a model folder under one set of names, whatever the layout.
 *
 * Names here: "embed", "layers.N.{q,k,v,o,gate,up,down}", "layers.N.{attention_norm,mlp_norm}" (and ".bias" after a
 * linear's name where the model has biases), "norm", "head"; "vision.patch", "vision.class", "vision.position",
 * "vision.pre_norm[.bias]", "vision.N.{q,k,v,o,fc1,fc2}[.bias]", "vision.N.{norm1,norm2}[.bias]", "projector.{1,2}[.bias]",
 * "newline". Every tensor that the configuration calls for is there with its shape, or loading fails. */
#ifndef FIRE_MODEL_WEIGHTS_H
#define FIRE_MODEL_WEIGHTS_H

#include "model/config.h"

#include <stddef.h>
#include <stdint.h>

enum tensor_type { TENSOR_F32, TENSOR_F16, TENSOR_BF16 };
size_t tensor_type_bytes(enum tensor_type type);

/* A read-only view of a tensor in a mapped file. */
struct tensor_view {
    enum tensor_type type;
    int n_dims;
    int64_t dims[4];   /* row-major, outermost first */
    const void *data;  /* little-endian, maybe unaligned */
    size_t n_bytes;
};

struct weights;

/* Maps the shards of `folder` (single file or index) and, for the original layout, those of its vision tower: the path in
 * the config as given, then a sibling of the folder with the same base name, or `tower` where it is not NULL.
 * FIRE_ERROR_FORMAT names the file and the tensor. */
struct weights *weights_open(const char *folder, const char *tower, const struct model_config *config, GError **error);
void weights_close(struct weights *weights); /* accepts NULL */

/* NULL where the model has no tensor of that name. Belongs to `weights`. */
const struct tensor_view *weights_find(const struct weights *weights, const char *name);

/* The name that the file gives to one of our names ("model.layers.0.self_attn.q_proj.weight"); for saving and messages.
 * Belongs to `weights`. */
const char *weights_file_name(const struct weights *weights, const char *name);

/* Tells the system that the tensor's pages are not needed again. */
void weights_release(const struct weights *weights, const struct tensor_view *view);

/* Converts elements [first, first + n) to f32. */
void tensor_view_to_f32(float *out, const struct tensor_view *view, size_t first, size_t n);

#endif
