#include "model/safetensors.h"

#include "base/error.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LENGTH_BYTES = 8,
    MAX_HEADER_BYTES = 100000000, /* the reference implementation's */
    MAX_SIDES = 64,
    TYPE_OTHER = -1, /* of a type that we do not compute with */
};

struct entry {
    char *name;
    size_t begin, end; /* of the values, from the end of the header */
    bool usable;
    struct tensor_view view;
};

struct safetensors {
    char *path;
    void *map; /* NULL: the bytes are the caller's */
    const uint8_t *bytes;
    size_t n_bytes;
    GArray *entries;   /* struct entry, by offset */
    GHashTable *names; /* name -> index + 1; keys belong to the entries */
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

static void clear_entry(void *data)
{
    g_free(((struct entry *)data)->name);
}

static struct entry *entry_at(const struct safetensors *file, size_t i)
{
    return &g_array_index(file->entries, struct entry, i);
}

static bool fail(const struct safetensors *file, const char *tensor, GError **error,
                 const char *cause_format, ...) G_GNUC_PRINTF(4, 5);

/* "'PATH': tensor 'NAME' CAUSE", or "'PATH': CAUSE" where `tensor` is NULL. */
static bool fail(const struct safetensors *file, const char *tensor, GError **error,
                 const char *cause_format, ...)
{
    va_list arguments;
    va_start(arguments, cause_format);
    g_autofree char *cause = g_strdup_vprintf(cause_format, arguments);
    va_end(arguments);
    if (tensor)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s': tensor '%s' %s", file->path,
                    tensor, cause);
    else
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s': %s", file->path, cause);
    return false;
}

/* The bytes that a shape takes in *n_bytes; fills the dimensions of `view` as far as they go. */
static bool read_shape(const struct safetensors *file, struct entry *entry, const json_t *shape,
                       unsigned n_bits, size_t *n_bytes, GError **error)
{
    size_t n_sides = json_array_size(shape), n_elements = 1;
    if (!json_is_array(shape) || n_sides > MAX_SIDES)
        return fail(file, entry->name, error, "has no 'shape' of at most %d sides", MAX_SIDES);
    for (size_t i = 0; i < n_sides; i++) {
        const json_t *side = json_array_get(shape, i);
        json_int_t value = json_integer_value(side);
        if (!json_is_integer(side) || value < 0)
            return fail(file, entry->name, error, "has a side in its 'shape' that is not a count");
        if (!g_size_checked_mul(&n_elements, n_elements, (size_t)value))
            return fail(file, entry->name, error, "has an absurd 'shape'");
        if (i < TENSOR_MAX_DIMS)
            entry->view.dims[i] = value;
    }
    size_t total;
    if (!g_size_checked_mul(&total, n_elements, n_bits))
        return fail(file, entry->name, error, "has an absurd 'shape'");
    if (total % 8 != 0)
        return fail(file, entry->name, error, "does not fill whole bytes");
    entry->view.n_dims = (int)n_sides;
    *n_bytes = total / 8;
    return true;
}

static bool read_offsets(const struct safetensors *file, struct entry *entry, const json_t *offsets,
                         GError **error)
{
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return fail(file, entry->name, error, "has no 'data_offsets' of two integers");
    if (json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        return fail(file, entry->name, error, "has 'data_offsets' that run backwards");
    entry->begin = (size_t)json_integer_value(begin);
    entry->end = (size_t)json_integer_value(end);
    return true;
}

static bool read_entry(const struct safetensors *file, struct entry *entry, const json_t *value,
                       GError **error)
{
    if (!json_is_object(value))
        return fail(file, entry->name, error, "is not described by an object");
    const char *dtype = json_get_string(value, "dtype");
    if (!dtype)
        return fail(file, entry->name, error, "has no 'dtype'");
    size_t type = 0;
    while (type < G_N_ELEMENTS(types) && strcmp(dtype, types[type].name) != 0)
        type++;
    if (type == G_N_ELEMENTS(types))
        return fail(file, entry->name, error, "is of the unknown type '%s'", dtype);
    size_t n_bytes = 0;
    if (!read_shape(file, entry, json_object_get(value, "shape"), types[type].n_bits, &n_bytes,
                    error) ||
        !read_offsets(file, entry, json_object_get(value, "data_offsets"), error))
        return false;
    if (n_bytes != entry->end - entry->begin)
        return fail(file, entry->name, error, "takes %zu bytes, but its shape and type need %zu",
                    entry->end - entry->begin, n_bytes);
    entry->view.n_bytes = n_bytes;
    entry->usable = types[type].type != TYPE_OTHER && entry->view.n_dims <= TENSOR_MAX_DIMS;
    if (entry->usable)
        entry->view.type = (enum tensor_type)types[type].type;
    return true;
}

static int compare_offsets(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Values without gap or overlap, from the end of the header to the end of the file. */
static bool place_entries(const struct safetensors *file, const uint8_t *values, size_t n_values,
                          GError **error)
{
    size_t at = 0;
    g_array_sort(file->entries, compare_offsets);
    for (size_t i = 0; i < file->entries->len; i++) {
        struct entry *entry = entry_at(file, i);
        if (entry->begin != at)
            return fail(file, entry->name, error,
                        "begins at byte %zu of the values, where %s ends at %zu", entry->begin,
                        i ? "the one before" : "the header", at);
        if (entry->end > n_values)
            return fail(file, entry->name, error,
                        "ends at byte %zu of the values, of which there are %zu", entry->end,
                        n_values);
        entry->view.data = values + entry->begin;
        at = entry->end;
    }
    if (at != n_values)
        return fail(file, NULL, error, "%zu bytes after the last tensor", n_values - at);
    return true;
}

static bool check_metadata(const struct safetensors *file, const json_t *metadata, GError **error)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return fail(file, NULL, error, "'__metadata__' is not an object");
    json_object_foreach ((json_t *)metadata, key, value)
        if (!json_is_string(value))
            return fail(file, NULL, error, "'__metadata__' holds something that is not a string");
    return true;
}

static bool read_entries(const struct safetensors *file, const json_t *header, GError **error)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)header, key, value) {
        if (strcmp(key, "__metadata__") == 0) {
            if (!check_metadata(file, value, error))
                return false;
            continue;
        }
        struct entry entry = {.name = g_strdup(key)};
        bool ok = read_entry(file, &entry, value, error);
        g_array_append_val(file->entries, entry);
        if (!ok)
            return false;
    }
    return true;
}

static bool read_file(const struct safetensors *file, GError **error)
{
    uint64_t n_header;
    if (file->n_bytes < LENGTH_BYTES)
        return fail(file, NULL, error, "too short for a safetensors file");
    memcpy(&n_header, file->bytes, LENGTH_BYTES);
    n_header = GUINT64_FROM_LE(n_header);
    if (n_header > MAX_HEADER_BYTES)
        return fail(file, NULL, error,
                    "not a safetensors file (a header of %" G_GUINT64_FORMAT " bytes)", n_header);
    if (n_header > file->n_bytes - LENGTH_BYTES)
        return fail(file, NULL, error,
                    "cut off: the header should have %" G_GUINT64_FORMAT " bytes", n_header);
    const char *text = (const char *)file->bytes + LENGTH_BYTES;
    g_autoptr(json_t) header = json_parse(text, n_header, error);
    if (!header) {
        g_prefix_error(error, "'%s': header: ", file->path);
        return false;
    }
    if (!json_is_object(header))
        return fail(file, NULL, error, "the header is not an object");
    if (!read_entries(file, header, error) ||
        !place_entries(file, (const uint8_t *)text + n_header,
                       file->n_bytes - LENGTH_BYTES - n_header, error))
        return false;
    for (size_t i = 0; i < file->entries->len; i++)
        g_hash_table_insert(file->names, entry_at(file, i)->name, GSIZE_TO_POINTER(i + 1));
    return true;
}

/* Takes over `map`. */
static struct safetensors *new_file(void *map, const void *bytes, size_t n_bytes, const char *path,
                                    GError **error)
{
    struct safetensors *file = g_new0(struct safetensors, 1);
    file->path = g_strdup(path);
    file->map = map;
    file->bytes = bytes;
    file->n_bytes = n_bytes;
    file->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
    g_array_set_clear_func(file->entries, clear_entry);
    file->names = g_hash_table_new(g_str_hash, g_str_equal);
    if (!read_file(file, error)) {
        safetensors_close(file);
        return NULL;
    }
    return file;
}

struct safetensors *safetensors_parse(const void *bytes, size_t n_bytes, const char *name,
                                      GError **error)
{
    return new_file(NULL, bytes, n_bytes, name, error);
}

struct safetensors *safetensors_open(const char *path, GError **error)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    void *map = NULL;
    const char *cause = NULL;
    if (fd < 0 || fstat(fd, &status) != 0)
        cause = g_strerror(errno);
    else if (!S_ISREG(status.st_mode))
        cause = "not a regular file";
    else if (status.st_size == 0)
        cause = "it is empty";
    else if ((map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
        cause = g_strerror(errno);
    if (fd >= 0)
        close(fd);
    if (cause) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot open '%s': %s", path, cause);
        return NULL;
    }
    return new_file(map, map, (size_t)status.st_size, path, error);
}

void safetensors_close(struct safetensors *file)
{
    if (!file)
        return;
    if (file->map)
        munmap(file->map, file->n_bytes);
    g_hash_table_destroy(file->names);
    g_array_free(file->entries, TRUE);
    g_free(file->path);
    g_free(file);
}

const char *safetensors_path(const struct safetensors *file)
{
    return file->path;
}

size_t safetensors_count(const struct safetensors *file)
{
    return file->entries->len;
}

const char *safetensors_name(const struct safetensors *file, size_t i)
{
    return entry_at(file, i)->name;
}

const struct tensor_view *safetensors_view(const struct safetensors *file, size_t i)
{
    const struct entry *entry = entry_at(file, i);
    return entry->usable ? &entry->view : NULL;
}

const struct tensor_view *safetensors_find(const struct safetensors *file, const char *name)
{
    size_t at = GPOINTER_TO_SIZE(g_hash_table_lookup(file->names, name));
    return at ? safetensors_view(file, at - 1) : NULL;
}

size_t safetensors_offset(const struct safetensors *file, const struct tensor_view *view)
{
    return (size_t)((const uint8_t *)view->data - file->bytes);
}

/* Only whole pages of the view: its neighbours may still be needed. */
void safetensors_release(const struct safetensors *file, const struct tensor_view *view)
{
    const uint8_t *data = view->data;
    if (!file->map || data < file->bytes || data >= file->bytes + file->n_bytes)
        return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)data,
              end = begin + view->n_bytes;
    begin = (begin + page - 1) / page * page;
    end = end / page * page;
    if (end > begin)
        madvise((void *)begin, end - begin, MADV_DONTNEED);
}
