/* tensor_name.h -- from the names of tensors in files to ours (weights.h) and back; one table for every layout. */
#ifndef FIRE_MODEL_TENSOR_NAME_H
#define FIRE_MODEL_TENSOR_NAME_H

#include "model/config.h"

/* Our name of a tensor of a model folder or a tower's folder, in any layout; NULL where we have none ("logit_scale"). A
 * linear's name comes without ".weight". Free with g_free. */
char *tensor_name_from_file(const char *file_name);

/* The name that a folder of `layout` gives to ours; NULL where `name` is none of ours. Free with g_free. */
char *tensor_name_to_file(const char *name, enum model_layout layout);

#endif
