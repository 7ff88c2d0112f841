/* tensor_view.h -- a read-only look at a tensor in memory that somebody else owns, usually a mapped file. */
#ifndef FIRE_MODEL_TENSOR_VIEW_H
#define FIRE_MODEL_TENSOR_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tensor_type { TENSOR_F32, TENSOR_F16, TENSOR_BF16 };
size_t tensor_type_bytes(enum tensor_type type);

enum { TENSOR_MAX_DIMS = 4 };

struct tensor_view {
    enum tensor_type type;
    int n_dims;
    int64_t dims[TENSOR_MAX_DIMS]; /* row-major, outermost first */
    const void *data;              /* little-endian, maybe unaligned */
    size_t n_bytes;
};

/* The product of the dimensions; 1 for a scalar. */
size_t tensor_view_count(const struct tensor_view *view);

/* Converts elements [first, first + n) to f32. */
void tensor_view_to_f32(float *out, const struct tensor_view *view, size_t first, size_t n);

/* The other way: `n` values to `type`, little-endian, rounded to nearest even; a value too large for the type becomes an
 * infinity. Equal to the source where it came from tensor_view_to_f32, except for the payload of a NaN. */
void tensor_from_f32(void *out, enum tensor_type type, const float *values, size_t n);

/* "[8, 64]", for messages. Free with g_free. */
char *tensor_dims_print(const int64_t *dims, int n_dims);

/* dims[0] * ... * element_bytes in *n_bytes; false where that overflows or a side is negative. */
bool tensor_dims_bytes(const int64_t *dims, int n_dims, size_t element_bytes, size_t *n_bytes);

#endif
