/* shards.h -- the weight files of a model folder. */
#ifndef FIRE_MODEL_SHARDS_H
#define FIRE_MODEL_SHARDS_H

#include "model/tensor_file.h"

/* Opens `model.safetensors`, or else every file that `model.safetensors.index.json` names, sorted by name. Every row of the
 * index must be true. Elements are struct tensor_file, closed with the array. */
GPtrArray *shards_open(const char *folder, GError **error);

#endif
