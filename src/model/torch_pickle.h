/* torch_pickle.h -- reads the pickle of a torch.save of a dictionary of tensors, and nothing else.
 *
 * A pickle is a program. This reader knows the few instructions and the five functions that such a file needs, builds
 * values only and calls nothing; anything else is an error. */
#ifndef FIRE_MODEL_TORCH_PICKLE_H
#define FIRE_MODEL_TORCH_PICKLE_H

#include "model/tensor_view.h"

#include <glib.h>

/* One tensor as the pickle describes it. */
struct torch_tensor {
    const char *name;
    const char *storage; /* "FloatStorage" */
    const char *key;     /* of its storage: the member data/KEY */
    int64_t offset;      /* in elements of the storage */
    int n_dims; /* may be above TENSOR_MAX_DIMS: then dims and strides hold the first of them */
    int64_t dims[TENSOR_MAX_DIMS], strides[TENSOR_MAX_DIMS];
};

/* Gets each tensor in turn; false with an error ends the reading. */
typedef bool torch_tensor_function(void *user, const struct torch_tensor *tensor, GError **error);

/* `path` is for messages. FIRE_ERROR_FORMAT where the pickle is something else than a dictionary of tensors. */
bool torch_pickle_read(const uint8_t *bytes, size_t n_bytes, const char *path,
                       torch_tensor_function *take, void *user, GError **error);

#endif
