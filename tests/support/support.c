#include "support/support.h"

#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

char *support_shared(const char *relative)
{
    const char *shared = g_getenv("FIRE_SHARED");
    char *path = g_build_filename(shared ? shared : "../shared", relative, NULL);
    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return path;
    g_autofree char *message = g_strdup_printf("'%s' is absent", path);
    g_test_skip(message);
    g_free(path);
    return NULL;
}

char *support_data(const char *relative)
{
    g_autofree char *here = g_get_current_dir();
    return g_build_filename(here, "tests", "data", relative, NULL);
}

static GPtrArray *folders;

static void remove_tree(const char *path)
{
    GDir *dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    if (dir) {
        for (const char *name; (name = g_dir_read_name(dir));) {
            g_autofree char *child = g_build_filename(path, name, NULL);
            remove_tree(child);
        }
        g_dir_close(dir);
    }
    g_remove(path);
}

static void remove_folders(void)
{
    for (guint i = 0; i < folders->len; i++)
        remove_tree(folders->pdata[i]);
    g_ptr_array_free(folders, TRUE);
}

char *support_folder(void)
{
    if (!folders) {
        folders = g_ptr_array_new_with_free_func(g_free);
        atexit(remove_folders);
    }
    char *path = g_dir_make_tmp("fire-test-XXXXXX", NULL);
    g_assert_nonnull(path);
    g_ptr_array_add(folders, g_strdup(path));
    return path;
}

json_t *support_json_lines(const char *path)
{
    g_autofree char *text = NULL;
    gsize n_bytes;
    g_assert_true(g_file_get_contents(path, &text, &n_bytes, NULL));
    json_t *lines = json_array();
    for (char *line = text, *end; line < text + n_bytes; line = end + 1) {
        end = memchr(line, '\n', (size_t)(text + n_bytes - line));
        if (!end)
            end = text + n_bytes;
        json_error_t cause;
        json_t *value = json_loadb(line, (size_t)(end - line), JSON_DECODE_ANY, &cause);
        if (!value)
            g_error("%s: line %zu: %s", path, json_array_size(lines) + 1, cause.text);
        json_array_append_new(lines, value);
    }
    return lines;
}

char *support_write(const char *folder, const char *name, const char *text)
{
    char *path = g_build_filename(folder, name, NULL);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

gboolean support_near(double a, double b, double tolerance)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    return fabs(a - b) <= tolerance * fmax(1, fabs(b));
}

static gboolean give_up(gpointer unused G_GNUC_UNUSED)
{
    g_error("nothing happened for 60 s");
    return G_SOURCE_REMOVE;
}

void support_wait(const gboolean *flag)
{
    guint timer = g_timeout_add_seconds(60, give_up, NULL);
    while (!*flag)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}
