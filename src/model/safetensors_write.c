/* safetensors_write.c -- the writing half of safetensors.h. */
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "model/safetensors.h"

#include <string.h>

enum { CHUNK_VALUES = 1 << 14 };

static const char *type_name(enum tensor_type type)
{
    switch (type) {
    case TENSOR_F32:
        return "F32";
    case TENSOR_F16:
        return "F16";
    case TENSOR_BF16:
        return "BF16";
    }
    g_assert_not_reached();
}

/* Wider types first keep every tensor aligned to its type. */
static int compare_outputs(const void *a, const void *b)
{
    const struct safetensors_output *x = *(const struct safetensors_output *const *)a;
    const struct safetensors_output *y = *(const struct safetensors_output *const *)b;
    size_t x_bytes = tensor_type_bytes(x->type), y_bytes = tensor_type_bytes(y->type);
    if (x_bytes != y_bytes)
        return x_bytes > y_bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

static size_t output_count(const struct safetensors_output *tensor)
{
    size_t n = 1;
    for (int i = 0; i < tensor->n_dims; i++)
        n *= (size_t)tensor->dims[i];
    return n;
}

static json_t *describe(const struct safetensors_output *tensor, size_t begin, size_t end)
{
    json_t *shape = json_array(), *value = json_object(), *offsets = json_array();
    for (int i = 0; i < tensor->n_dims; i++)
        json_array_append_new(shape, json_integer(tensor->dims[i]));
    json_array_append_new(offsets, json_integer((json_int_t)begin));
    json_array_append_new(offsets, json_integer((json_int_t)end));
    json_object_set_new(value, "dtype", json_string(type_name(tensor->type)));
    json_object_set_new(value, "shape", shape);
    json_object_set_new(value, "data_offsets", offsets);
    return value;
}

/* The length and the header, padded with spaces so that the values begin at a multiple of 8. */
static void write_header(FILE *stream, const struct safetensors_output *const *sorted, size_t n)
{
    g_autoptr(json_t) header = json_object();
    json_object_set_new(header, "__metadata__", json_pack("{s:s}", "format", "pt"));
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        size_t end = at + output_count(sorted[i]) * tensor_type_bytes(sorted[i]->type);
        json_object_set_new(header, sorted[i]->name, describe(sorted[i], at, end));
        at = end;
    }
    g_autofree char *text = json_print(header);
    size_t n_text = strlen(text), n_padded = (n_text + 7) / 8 * 8;
    uint64_t length = GUINT64_TO_LE((uint64_t)n_padded);
    fwrite(&length, sizeof length, 1, stream);
    fprintf(stream, "%s%*s", text, (int)(n_padded - n_text), "");
}

static void write_values(FILE *stream, const struct safetensors_output *tensor)
{
    uint8_t chunk[CHUNK_VALUES * sizeof(float)];
    size_t n = output_count(tensor);
    for (size_t first = 0; first < n; first += CHUNK_VALUES) {
        size_t n_chunk = MIN(n - first, (size_t)CHUNK_VALUES);
        tensor_from_f32(chunk, tensor->type, tensor->values + first, n_chunk);
        fwrite(chunk, tensor_type_bytes(tensor->type), n_chunk, stream);
    }
}

bool safetensors_write(const char *path, const struct safetensors_output *tensors, size_t n,
                       GError **error)
{
    struct atomic_file *file = atomic_file_open(path, error);
    if (!file)
        return false;
    g_autofree const struct safetensors_output **sorted =
        g_new(const struct safetensors_output *, n + 1);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &tensors[i];
    qsort(sorted, n, sizeof *sorted, compare_outputs);
    write_header(atomic_file_stream(file), sorted, n);
    for (size_t i = 0; i < n; i++)
        write_values(atomic_file_stream(file), sorted[i]);
    return atomic_file_commit(file, error);
}
