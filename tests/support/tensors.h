/* tensors.h -- reads safetensors files, for comparing with reference arrays. */
#ifndef FIRE_TESTS_TENSORS_H
#define FIRE_TESTS_TENSORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tensors {
    char *bytes;    /* the whole file */
    json_t *header; /* name -> {"dtype", "shape", "data_offsets"} */
    size_t at;      /* where offset 0 lies in `bytes` */
};

/* Aborts the test where the file cannot be read. */
void tensors_open(struct tensors *tensors, const char *path);
void tensors_close(struct tensors *tensors);

/* The values of a tensor of bytes of `n_sides` dimensions, and its shape; aborts the test where
 * there is none of that name and form. */
const uint8_t *tensors_get_u8(const struct tensors *tensors, const char *name, size_t *shape,
                              size_t n_sides);

/* The values of a tensor of floats, and their number; aborts the test where there is none of that name. */
const float *tensors_get_f32(const struct tensors *tensors, const char *name, size_t *n);

bool tensors_has(const struct tensors *tensors, const char *name);

#endif
