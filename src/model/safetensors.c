#include "model/safetensors.h"

#include "base/json.h"

#include <string.h>

enum {
    LENGTH_BYTES = 8,
    MAX_HEADER_BYTES = 100000000, /* the reference implementation's */
    MAX_SIDES = 64,
    TYPE_OTHER = -1, /* of a type that we do not compute with */
};

/* A row of the header. */
struct row {
    const char *name;  /* borrowed from the header */
    size_t begin, end; /* of the values, from the end of the header */
    bool usable;
    struct tensor_view view; /* without data */
};

static const struct {
    const char *name;
    unsigned n_bits;
    int type;
} types[] = {
    {"F32", 32, TENSOR_F32},    {"F16", 16, TENSOR_F16},    {"BF16", 16, TENSOR_BF16},
    {"BOOL", 8, TYPE_OTHER},    {"U8", 8, TYPE_OTHER},      {"I8", 8, TYPE_OTHER},
    {"U16", 16, TYPE_OTHER},    {"I16", 16, TYPE_OTHER},    {"U32", 32, TYPE_OTHER},
    {"I32", 32, TYPE_OTHER},    {"U64", 64, TYPE_OTHER},    {"I64", 64, TYPE_OTHER},
    {"F64", 64, TYPE_OTHER},    {"C64", 64, TYPE_OTHER},    {"F8_E5M2", 8, TYPE_OTHER},
    {"F8_E4M3", 8, TYPE_OTHER}, {"F8_E8M0", 8, TYPE_OTHER}, {"F6_E2M3", 6, TYPE_OTHER},
    {"F6_E3M2", 6, TYPE_OTHER}, {"F4", 4, TYPE_OTHER},
};

/* The bytes that a shape takes in *n_bytes; fills the dimensions of the view as far as they go. */
static bool read_shape(const struct tensor_file *file, struct row *row, const json_t *shape,
                       unsigned n_bits, size_t *n_bytes, GError **error)
{
    size_t n_sides = json_array_size(shape), n_bits_all = n_bits;
    if (!json_is_array(shape) || n_sides > MAX_SIDES)
        return tensor_file_fail(file, row->name, error, "has no 'shape' of at most %d sides",
                                MAX_SIDES);
    for (size_t i = 0; i < n_sides; i++) {
        const json_t *side = json_array_get(shape, i);
        json_int_t value = json_integer_value(side);
        if (!json_is_integer(side) || value < 0)
            return tensor_file_fail(file, row->name, error,
                                    "has a side in its 'shape' that is not a count");
        if (!g_size_checked_mul(&n_bits_all, n_bits_all, (size_t)value))
            return tensor_file_fail(file, row->name, error, "has an absurd 'shape'");
        if (i < TENSOR_MAX_DIMS)
            row->view.dims[i] = value;
    }
    if (n_bits_all % 8 != 0)
        return tensor_file_fail(file, row->name, error, "does not fill whole bytes");
    row->view.n_dims = (int)n_sides;
    *n_bytes = n_bits_all / 8;
    return true;
}

static bool read_offsets(const struct tensor_file *file, struct row *row, const json_t *offsets,
                         GError **error)
{
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return tensor_file_fail(file, row->name, error, "has no 'data_offsets' of two integers");
    if (json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        return tensor_file_fail(file, row->name, error, "has 'data_offsets' that run backwards");
    row->begin = (size_t)json_integer_value(begin);
    row->end = (size_t)json_integer_value(end);
    return true;
}

static bool read_row(const struct tensor_file *file, struct row *row, const json_t *value,
                     GError **error)
{
    if (!json_is_object(value))
        return tensor_file_fail(file, row->name, error, "is not described by an object");
    const char *dtype = json_get_string(value, "dtype");
    if (!dtype)
        return tensor_file_fail(file, row->name, error, "has no 'dtype'");
    size_t type = 0;
    while (type < G_N_ELEMENTS(types) && strcmp(dtype, types[type].name) != 0)
        type++;
    if (type == G_N_ELEMENTS(types))
        return tensor_file_fail(file, row->name, error, "is of the unknown type '%s'", dtype);
    size_t n_bytes = 0;
    if (!read_shape(file, row, json_object_get(value, "shape"), types[type].n_bits, &n_bytes,
                    error) ||
        !read_offsets(file, row, json_object_get(value, "data_offsets"), error))
        return false;
    if (n_bytes != row->end - row->begin)
        return tensor_file_fail(file, row->name, error,
                                "takes %zu bytes, but its shape and type need %zu",
                                row->end - row->begin, n_bytes);
    row->view.n_bytes = n_bytes;
    row->usable = types[type].type != TYPE_OTHER && row->view.n_dims <= TENSOR_MAX_DIMS;
    if (row->usable)
        row->view.type = (enum tensor_type)types[type].type;
    return true;
}

static int compare_offsets(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Values without gap or overlap, from the end of the header to the end of the file. */
static bool place_rows(struct tensor_file *file, GArray *rows, const uint8_t *values,
                       size_t n_values, GError **error)
{
    size_t at = 0;
    g_array_sort(rows, compare_offsets);
    for (size_t i = 0; i < rows->len; i++) {
        struct row *row = &g_array_index(rows, struct row, i);
        if (row->begin != at)
            return tensor_file_fail(file, row->name, error,
                                    "begins at byte %zu of the values, where %s ends at %zu",
                                    row->begin, i ? "the one before" : "the header", at);
        if (row->end > n_values)
            return tensor_file_fail(file, row->name, error,
                                    "ends at byte %zu of the values, of which there are %zu",
                                    row->end, n_values);
        row->view.data = values + row->begin;
        if (!tensor_file_add(file, row->name, row->usable ? &row->view : NULL, error))
            return false;
        at = row->end;
    }
    if (at != n_values)
        return tensor_file_fail(file, NULL, error, "%zu bytes after the last tensor",
                                n_values - at);
    return true;
}

static bool check_metadata(const struct tensor_file *file, const json_t *metadata, GError **error)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return tensor_file_fail(file, NULL, error, "'__metadata__' is not an object");
    json_object_foreach ((json_t *)metadata, key, value)
        if (!json_is_string(value))
            return tensor_file_fail(file, NULL, error,
                                    "'__metadata__' holds something that is not a string");
    return true;
}

static bool read_rows(const struct tensor_file *file, GArray *rows, const json_t *header,
                      GError **error)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)header, key, value) {
        if (strcmp(key, "__metadata__") == 0) {
            if (!check_metadata(file, value, error))
                return false;
            continue;
        }
        struct row row = {.name = key};
        if (!read_row(file, &row, value, error))
            return false;
        g_array_append_val(rows, row);
    }
    return true;
}

bool safetensors_read(struct tensor_file *file, const uint8_t *bytes, size_t n_bytes,
                      GError **error)
{
    uint64_t n_header;
    if (n_bytes < LENGTH_BYTES)
        return tensor_file_fail(file, NULL, error, "too short for a safetensors file");
    memcpy(&n_header, bytes, LENGTH_BYTES);
    n_header = GUINT64_FROM_LE(n_header);
    if (n_header > MAX_HEADER_BYTES)
        return tensor_file_fail(file, NULL, error,
                                "not a safetensors file (a header of %" G_GUINT64_FORMAT " bytes)",
                                n_header);
    if (n_header > n_bytes - LENGTH_BYTES)
        return tensor_file_fail(file, NULL, error,
                                "cut off: the header should have %" G_GUINT64_FORMAT " bytes",
                                n_header);
    const char *text = (const char *)bytes + LENGTH_BYTES;
    g_autoptr(json_t) header = json_parse(text, n_header, error);
    if (!header) {
        g_prefix_error(error, "'%s': header: ", tensor_file_path(file));
        return false;
    }
    if (!json_is_object(header))
        return tensor_file_fail(file, NULL, error, "the header is not an object");
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct row));
    return read_rows(file, rows, header, error) &&
           place_rows(file, rows, (const uint8_t *)text + n_header,
                      n_bytes - LENGTH_BYTES - n_header, error);
}
