/* weights.h -- the tensors of a model folder under one set of names, whatever the layout.
 *
 * Names here: "embed", "layers.N.{q,k,v,o,gate,up,down}", "layers.N.{attention_norm,mlp_norm}" (and ".bias" after a
 * linear's name where the model has biases), "norm", "head"; "vision.patch", "vision.class", "vision.position",
 * "vision.pre_norm[.bias]", "vision.N.{q,k,v,o,fc1,fc2}[.bias]", "vision.N.{norm1,norm2}[.bias]", "projector.{1,2}[.bias]",
 * "newline" (where the model puts one). Every tensor that the configuration calls for is there with its shape, or loading
 * fails; what it does not call for is not there. A tied head is the embedding under another name. */
#ifndef FIRE_MODEL_WEIGHTS_H
#define FIRE_MODEL_WEIGHTS_H

#include "model/config.h"
#include "model/tensor_view.h"

struct weights;

/* Maps the shards of `folder` (single file or index) and, for the original layout, those of its vision tower
 * (config->tower_folder), unless the tower was tuned and lies inside. FIRE_ERROR_IO or FIRE_ERROR_FORMAT names the file and
 * the tensor. */
struct weights *weights_open(const char *folder, const struct model_config *config, GError **error);
void weights_close(struct weights *weights); /* accepts NULL */

/* NULL where the model has no tensor of that name. Belongs to `weights`. */
const struct tensor_view *weights_find(const struct weights *weights, const char *name);

/* The name that the file gives to one of our names ("model.layers.0.self_attn.q_proj.weight"), and the path of that file;
 * NULL where the model has no such tensor. For saving and messages. Belongs to `weights`. */
const char *weights_file_name(const struct weights *weights, const char *name);
const char *weights_file_path(const struct weights *weights, const char *name);

/* Where in that file its values begin, in bytes. 0 where there is none. */
size_t weights_file_offset(const struct weights *weights, const char *name);

/* Our names, sorted, without a tied head; NULL-terminated. Belongs to `weights`. */
const char *const *weights_names(const struct weights *weights);

/* Tells the system that the tensor's pages are not needed again. */
void weights_release(const struct weights *weights, const struct tensor_view *view);

#endif
