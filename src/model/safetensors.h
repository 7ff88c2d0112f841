/* safetensors.h -- Hugging Face's file of named tensors: the length of a header, the header in JSON, the values.
 *
 * The rules are those of the format's reference implementation: the values follow one another without gap or overlap up
 * to the end of the file, every tensor has as many bytes as its shape and type say, no name comes twice. */
#ifndef FIRE_MODEL_SAFETENSORS_H
#define FIRE_MODEL_SAFETENSORS_H

#include "model/tensor_file.h"

/* Adds the tensors of `bytes`, in the order of their values, to `file`. */
bool safetensors_read(struct tensor_file *file, const uint8_t *bytes, size_t n_bytes,
                      GError **error);

/* A tensor to be written: `values` are f32 and stored as `type`. */
struct safetensors_output {
    const char *name;
    enum tensor_type type;
    int n_dims;
    int64_t dims[TENSOR_MAX_DIMS];
    const float *values;
};

/* Writes a file that appears whole or not at all: header padded to 8 bytes, wider types first, then by name, as the
 * reference implementation orders them. Names must differ. */
bool safetensors_write(const char *path, const struct safetensors_output *tensors, size_t n,
                       GError **error);

#endif
