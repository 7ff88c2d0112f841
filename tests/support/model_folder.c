#include "support/model_folder.h"

#include "support/support.h"

#include <glib/gstdio.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Without the sync of g_file_set_contents, which would take most of a test's time. */
static void write_bytes(const char *path, const void *bytes, size_t n)
{
    FILE *stream = fopen(path, "w");
    g_assert_nonnull(stream);
    g_assert_cmpuint(fwrite(bytes, 1, n, stream), ==, n);
    g_assert_cmpint(fclose(stream), ==, 0);
}

static void copy_files(const char *source, const char *folder)
{
    GDir *dir = g_dir_open(source, 0, NULL);
    g_assert_nonnull(dir);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *from = g_build_filename(source, name, NULL), *bytes = NULL;
        g_autofree char *to = g_build_filename(folder, name, NULL);
        gsize n;
        g_assert_true(g_file_get_contents(from, &bytes, &n, NULL));
        write_bytes(to, bytes, n);
    }
    g_dir_close(dir);
}

char *model_folder_copy(const char *source)
{
    g_autofree char *parent = support_folder();
    char *folder = g_build_filename(parent, "model", NULL);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    copy_files(source, folder);
    return folder;
}

void model_folder_set(const char *folder, const char *file, const char *path, json_t *value)
{
    g_autofree char *name = g_build_filename(folder, file, NULL);
    json_t *root = json_load_file(name, 0, NULL);
    g_assert_nonnull(root);
    g_auto(GStrv) parts = g_strsplit(path, ".", -1);
    json_t *object = root;
    guint n = g_strv_length(parts);
    for (guint i = 0; i + 1 < n; i++)
        object = json_object_get(object, parts[i]);
    if (value)
        g_assert_cmpint(json_object_set_new(object, parts[n - 1], value), ==, 0);
    else
        json_object_del(object, parts[n - 1]);
    g_remove(name); /* truncating a file makes ext4 write it out */
    g_assert_cmpint(json_dump_file(root, name, 0), ==, 0);
    json_decref(root);
}

void model_folder_write_raw(const char *path, const char *header, size_t n_values)
{
    uint64_t length = GUINT64_TO_LE((uint64_t)strlen(header));
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_byte_array_append(bytes, (const guint8 *)&length, sizeof length);
    g_byte_array_append(bytes, (const guint8 *)header, (guint)strlen(header));
    for (size_t i = 0; i < n_values; i++)
        g_byte_array_append(bytes, &(guint8){(guint8)i}, 1);
    write_bytes(path, bytes->data, bytes->len);
}

void model_folder_assert_error(GError **error, const char *fragment)
{
    g_assert_nonnull(*error);
    if (strchr((*error)->message, '\n') || !strstr((*error)->message, fragment))
        g_error("\"%s\" is not one line with \"%s\"", (*error)->message, fragment);
    g_clear_error(error);
}
