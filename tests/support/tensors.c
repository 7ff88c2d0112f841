#include "support/tensors.h"

#include <glib.h>
#include <string.h>

void tensors_open(struct tensors *tensors, const char *path)
{
    gsize n_bytes;
    g_assert_true(g_file_get_contents(path, &tensors->bytes, &n_bytes, NULL));
    uint64_t n_header;
    g_assert_cmpuint(n_bytes, >=, sizeof n_header);
    memcpy(&n_header, tensors->bytes, sizeof n_header);
    n_header = GUINT64_FROM_LE(n_header);
    g_assert_cmpuint(n_header, <=, n_bytes - sizeof n_header);
    tensors->at = sizeof n_header + n_header;
    tensors->header = json_loadb(tensors->bytes + sizeof n_header, n_header, 0, NULL);
    g_assert_nonnull(tensors->header);
}

void tensors_close(struct tensors *tensors)
{
    g_free(tensors->bytes);
    json_decref(tensors->header);
}

const uint8_t *tensors_get_u8(const struct tensors *tensors, const char *name, size_t *shape,
                              size_t n_sides)
{
    const json_t *entry = json_object_get(tensors->header, name);
    const json_t *sides = json_object_get(entry, "shape");
    g_assert_cmpstr(json_string_value(json_object_get(entry, "dtype")), ==, "U8");
    g_assert_cmpuint(json_array_size(sides), ==, n_sides);
    for (size_t i = 0; i < n_sides; i++)
        shape[i] = (size_t)json_integer_value(json_array_get(sides, i));
    const json_t *offsets = json_object_get(entry, "data_offsets");
    return (const uint8_t *)tensors->bytes + tensors->at +
           json_integer_value(json_array_get(offsets, 0));
}

const float *tensors_get_f32(const struct tensors *tensors, const char *name, size_t *n)
{
    const json_t *entry = json_object_get(tensors->header, name);
    g_assert_cmpstr(json_string_value(json_object_get(entry, "dtype")), ==, "F32");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    json_int_t first = json_integer_value(json_array_get(offsets, 0));
    json_int_t end = json_integer_value(json_array_get(offsets, 1));
    const char *at = tensors->bytes + tensors->at + first;
    g_assert_cmpuint((uintptr_t)at % sizeof(float), ==, 0);
    *n = (size_t)(end - first) / sizeof(float);
    return (const float *)(const void *)at;
}

bool tensors_has(const struct tensors *tensors, const char *name)
{
    return json_object_get(tensors->header, name) != NULL;
}
