/* safetensors.h -- Hugging Face's file of named tensors: the length of a header, the header in JSON, the values.
 *
 * The rules are those of the format's reference implementation: the values follow one another without gap or overlap up
 * to the end of the file, every tensor has as many bytes as its shape and type say, no name comes twice. */
#ifndef FIRE_MODEL_SAFETENSORS_H
#define FIRE_MODEL_SAFETENSORS_H

#include "model/tensor_view.h"

#include <glib.h>
#include <stdbool.h>

struct safetensors;

/* Maps the file, which must not shrink while it is open. FIRE_ERROR_IO or FIRE_ERROR_FORMAT names the file, the tensor and
 * the cause. */
struct safetensors *safetensors_open(const char *path, GError **error);

/* The same over bytes that the caller keeps for as long; `name` is for messages. */
struct safetensors *safetensors_parse(const void *bytes, size_t n_bytes, const char *name,
                                      GError **error);

void safetensors_close(struct safetensors *file); /* accepts NULL */

const char *safetensors_path(const struct safetensors *file);

/* Tensors in the order of the file, of every type that the format knows. */
size_t safetensors_count(const struct safetensors *file);
const char *safetensors_name(const struct safetensors *file, size_t i);

/* NULL where the tensor's type is none of enum tensor_type or it has more than TENSOR_MAX_DIMS sides. */
const struct tensor_view *safetensors_view(const struct safetensors *file, size_t i);

/* The view by name; NULL also where the file has no such tensor. */
const struct tensor_view *safetensors_find(const struct safetensors *file, const char *name);

/* Where the view's bytes lie in the file. */
size_t safetensors_offset(const struct safetensors *file, const struct tensor_view *view);

/* Tells the system that the view's pages are not needed again; does nothing to a view of another file, or to what was
 * parsed from memory. */
void safetensors_release(const struct safetensors *file, const struct tensor_view *view);

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
