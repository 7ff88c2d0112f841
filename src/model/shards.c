#include "model/shards.h"

#include "base/error.h"
#include "model/json_keys.h"

#include <string.h>

enum { MAX_INDEX_BYTES = 1 << 28 };

static void close_file(void *file)
{
    tensor_file_close(file);
}

static bool open_shard(GPtrArray *files, const char *path, GError **error)
{
    struct tensor_file *file = tensor_file_open(path, error);
    if (file)
        g_ptr_array_add(files, file);
    return file != NULL;
}

/* A shard lies in the folder itself. */
static bool is_file_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/');
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The file names of a weight_map, each once, sorted; borrowed from it. */
static GPtrArray *list_shards(const json_t *map, const char *path, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const char *tensor;
    json_t *value;
    json_object_foreach ((json_t *)map, tensor, value) {
        const char *name = json_string_value(value);
        if (!name || !is_file_name(name)) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                        "'%s': tensor '%s' is not in a file of the folder", path, tensor);
            return NULL;
        }
        if (g_hash_table_add(seen, (char *)name))
            g_ptr_array_add(names, (char *)name);
    }
    g_ptr_array_sort(names, compare_strings);
    return g_steal_pointer(&names);
}

/* Every row of the index must name a tensor of that file. */
static bool check_rows(const json_t *map, const char *path, const GPtrArray *names,
                       const GPtrArray *files, GError **error)
{
    g_autoptr(GHashTable) rows =
        g_hash_table_new(g_str_hash, g_str_equal); /* tensor -> file name */
    for (guint i = 0; i < files->len; i++)
        for (size_t k = 0; k < tensor_file_count(files->pdata[i]); k++) {
            const char *tensor = tensor_file_name(files->pdata[i], k);
            if (!g_hash_table_insert(rows, (char *)tensor, names->pdata[i])) {
                g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                            "'%s': tensor '%s' is in another shard too",
                            tensor_file_path(files->pdata[i]), tensor);
                return false;
            }
        }
    const char *tensor;
    json_t *value;
    json_object_foreach ((json_t *)map, tensor, value) {
        if (g_strcmp0(g_hash_table_lookup(rows, tensor), json_string_value(value)) != 0) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s': tensor '%s' is not in '%s'",
                        path, tensor, json_string_value(value));
            return false;
        }
    }
    return true;
}

static bool open_index(GPtrArray *files, const char *folder, const char *path, GError **error)
{
    g_autoptr(json_t) index = json_object_load(path, MAX_INDEX_BYTES, error);
    if (!index)
        return false;
    struct json_keys keys = {index, path, "", NULL};
    const json_t *map = json_keys_object(&keys, "weight_map");
    if (!map || json_object_size(map) == 0)
        json_keys_fail(&keys, "weight_map", "is missing or empty");
    if (!json_keys_done(&keys, error))
        return false;
    g_autoptr(GPtrArray) names = list_shards(map, path, error);
    if (!names)
        return false;
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *shard = g_build_filename(folder, names->pdata[i], NULL);
        if (!open_shard(files, shard, error))
            return false;
    }
    return check_rows(map, path, names, files, error);
}

GPtrArray *shards_open(const char *folder, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(close_file);
    g_autofree char *single = g_build_filename(folder, "model.safetensors", NULL);
    g_autofree char *index = g_build_filename(folder, "model.safetensors.index.json", NULL);
    bool ok = false;
    if (g_file_test(single, G_FILE_TEST_EXISTS))
        ok = open_shard(files, single, error);
    else if (g_file_test(index, G_FILE_TEST_EXISTS))
        ok = open_index(files, folder, index, error);
    else
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "'%s' has neither model.safetensors nor model.safetensors.index.json", folder);
    return ok ? g_steal_pointer(&files) : NULL;
}
