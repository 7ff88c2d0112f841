#include "model/torch_file.h"

#include "model/torch_pickle.h"
#include "model/zip.h"

#include <string.h>

/* torch.save's names of storages. */
static const struct {
    const char *name;
    size_t n_bytes;
    int type; /* -1: one that we do not compute with */
} storages[] = {
    {"FloatStorage", 4, TENSOR_F32},
    {"HalfStorage", 2, TENSOR_F16},
    {"BFloat16Storage", 2, TENSOR_BF16},
    {"DoubleStorage", 8, -1},
    {"LongStorage", 8, -1},
    {"IntStorage", 4, -1},
    {"ShortStorage", 2, -1},
    {"CharStorage", 1, -1},
    {"ByteStorage", 1, -1},
    {"BoolStorage", 1, -1},
};

struct reader {
    struct tensor_file *file;
    const struct zip *zip;
    const char *root; /* of the members' names: "archive/" */
};

bool torch_file_matches(const uint8_t *bytes, size_t n_bytes)
{
    return n_bytes >= 4 && memcmp(bytes, "PK\3\4", 4) == 0;
}

static bool is_contiguous(const struct torch_tensor *tensor)
{
    int64_t step = 1;
    for (int i = tensor->n_dims - 1; i >= 0; i--) {
        if (tensor->dims[i] != 1 && tensor->strides[i] != step)
            return false;
        step *= tensor->dims[i]; /* cannot overflow: the bytes were counted before */
    }
    return true;
}

/* Called for each tensor of the pickle. */
static bool add_tensor(void *user, const struct torch_tensor *tensor, GError **error)
{
    struct reader *reader = user;
    struct tensor_file *file = reader->file;
    size_t type = 0, n_bytes, offset, n_member;
    while (type < G_N_ELEMENTS(storages) && strcmp(tensor->storage, storages[type].name) != 0)
        type++;
    if (type == G_N_ELEMENTS(storages))
        return tensor_file_fail(file, tensor->name, error, "is of the unknown type '%s'",
                                tensor->storage);
    if (tensor->n_dims > TENSOR_MAX_DIMS || storages[type].type < 0)
        return tensor_file_add(file, tensor->name, NULL, error);
    if (!tensor_dims_bytes(tensor->dims, tensor->n_dims, storages[type].n_bytes, &n_bytes) ||
        tensor->offset < 0 ||
        !g_size_checked_mul(&offset, (size_t)tensor->offset, storages[type].n_bytes))
        return tensor_file_fail(file, tensor->name, error, "has an absurd shape");
    g_autofree char *member = g_strconcat(reader->root, "data/", tensor->key, NULL);
    const uint8_t *data = zip_find(reader->zip, member, &n_member);
    if (!data || offset > n_member || n_bytes > n_member - offset)
        return tensor_file_fail(file, tensor->name, error, "reaches beyond its storage '%s'",
                                tensor->key);
    if (n_bytes > 0 && !is_contiguous(tensor))
        return tensor_file_fail(file, tensor->name, error, "is not stored row by row");
    struct tensor_view view = {.type = (enum tensor_type)storages[type].type,
                               .n_dims = tensor->n_dims,
                               .data = data + offset,
                               .n_bytes = n_bytes};
    memcpy(view.dims, tensor->dims, sizeof view.dims);
    return tensor_file_add(file, tensor->name, &view, error);
}

static bool read_members(struct tensor_file *file, const struct zip *zip, GError **error)
{
    size_t n_order, n_pickle;
    g_autofree char *pickle = zip_find_suffix(zip, "/data.pkl");
    if (!pickle)
        return tensor_file_fail(file, NULL, error,
                                "a zip archive, but not of torch.save: it has no data.pkl");
    g_autofree char *root = g_strndup(pickle, strlen(pickle) - strlen("data.pkl"));
    g_autofree char *order_name = g_strconcat(root, "byteorder", NULL);
    const uint8_t *order = zip_find(zip, order_name, &n_order);
    if (order && !(n_order == 6 && memcmp(order, "little", 6) == 0))
        return tensor_file_fail(file, NULL, error, "its values are not little-endian");
    struct reader reader = {file, zip, root};
    const uint8_t *bytes = zip_find(zip, pickle, &n_pickle);
    return torch_pickle_read(bytes, n_pickle, tensor_file_path(file), add_tensor, &reader, error);
}

bool torch_file_read(struct tensor_file *file, const uint8_t *bytes, size_t n_bytes, GError **error)
{
    struct zip *zip = zip_read(bytes, n_bytes, tensor_file_path(file), error);
    if (!zip)
        return false;
    bool ok = read_members(file, zip, error);
    zip_free(zip);
    return ok;
}
