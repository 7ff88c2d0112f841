/* tensor_file.h -- a mapped, read-only file of named tensors: safetensors, or what torch.save wrote. */
#ifndef FIRE_MODEL_TENSOR_FILE_H
#define FIRE_MODEL_TENSOR_FILE_H

#include "model/tensor_view.h"

#include <glib.h>
#include <stdbool.h>

struct tensor_file;

/* Maps the file, which must not shrink while it is open, and recognises its form by its first bytes. FIRE_ERROR_IO or
 * FIRE_ERROR_FORMAT names the file, the tensor and the cause. */
struct tensor_file *tensor_file_open(const char *path, GError **error);

/* The same over bytes that the caller keeps for as long; `name` is for messages. */
struct tensor_file *tensor_file_parse(const void *bytes, size_t n_bytes, const char *name,
                                      GError **error);

void tensor_file_close(struct tensor_file *file); /* accepts NULL */

const char *tensor_file_path(const struct tensor_file *file);

/* Tensors in the order of the file, of every type that the form knows. No name comes twice. */
size_t tensor_file_count(const struct tensor_file *file);
const char *tensor_file_name(const struct tensor_file *file, size_t i);

/* NULL where the tensor's type is none of enum tensor_type or it has more than TENSOR_MAX_DIMS sides. */
const struct tensor_view *tensor_file_view(const struct tensor_file *file, size_t i);

/* The view by name; NULL also where the file has no such tensor. */
const struct tensor_view *tensor_file_find(const struct tensor_file *file, const char *name);

/* Where the view's bytes lie in the file. */
size_t tensor_file_offset(const struct tensor_file *file, const struct tensor_view *view);

/* Tells the system that the view's pages are not needed again; does nothing to a view of another file, or to what was
 * parsed from memory. */
void tensor_file_release(const struct tensor_file *file, const struct tensor_view *view);

/* For the readers of the forms. `name` NULL: the whole file. Sets "'PATH': tensor 'NAME' CAUSE" and returns false. */
bool tensor_file_fail(const struct tensor_file *file, const char *name, GError **error,
                      const char *cause_format, ...) G_GNUC_PRINTF(4, 5);

/* For the readers: adds a tensor; `view` NULL: one that we do not compute with. False where the name is there already. */
bool tensor_file_add(struct tensor_file *file, const char *name, const struct tensor_view *view,
                     GError **error);

#endif
