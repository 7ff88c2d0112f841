#include "model/identity.h"

#include "base/error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Of each file the first and last so many bytes count. */
#define END_BYTES (1 << 20)

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *list_files(const char *folder, GError **error)
{
    g_autoptr(GError) cause = NULL;
    GDir *dir = g_dir_open(folder, 0, &cause);
    if (!dir) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "%s", cause->message);
        return NULL;
    }
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *name;
    while ((name = g_dir_read_name(dir)))
        if (g_str_has_suffix(name, ".json") || g_str_has_suffix(name, ".safetensors") ||
            g_str_has_suffix(name, ".bin"))
            g_ptr_array_add(names, g_strdup(name));
    g_dir_close(dir);
    g_ptr_array_sort(names, compare_names);
    return names;
}

/* Adds what lies from `from` on, at most END_BYTES. */
static bool add_part(GChecksum *checksum, FILE *file, long from)
{
    g_autofree guchar *bytes = g_malloc(END_BYTES);
    if (fseek(file, from, SEEK_SET) != 0)
        return false;
    size_t n = fread(bytes, 1, END_BYTES, file);
    g_checksum_update(checksum, bytes, (gssize)n);
    return !ferror(file);
}

static bool add_file(GChecksum *checksum, const char *path, GError **error)
{
    FILE *file = fopen(path, "rb");
    long size = -1;
    bool ok = file && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0;
    if (ok) {
        g_autofree char *line = g_strdup_printf("%ld\n", size);
        g_checksum_update(checksum, (const guchar *)line, -1);
        ok = add_part(checksum, file, 0) &&
             (size <= END_BYTES || add_part(checksum, file, MAX(END_BYTES, size - END_BYTES)));
    }
    if (!ok)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot read '%s': %s", path,
                    g_strerror(errno));
    if (file)
        fclose(file);
    return ok;
}

char *model_identity(const char *folder, GError **error)
{
    g_autoptr(GPtrArray) names = list_files(folder, error);
    if (!names)
        return NULL;
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_checksum_update(checksum, (const guchar *)name, (gssize)strlen(name) + 1);
        if (!add_file(checksum, path, error))
            return NULL;
    }
    g_autofree char *base = g_path_get_basename(folder);
    return g_strdup_printf("%s@%.12s", base, g_checksum_get_string(checksum));
}
