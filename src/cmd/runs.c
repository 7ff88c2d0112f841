/* runs.c -- fire runs: what run databases hold, one row each. */
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/table_options.h"
#include "report/run_view.h"

#include <string.h>
#include <sys/stat.h>

static int run(int argc, char **argv, GError **error);

const struct command command_runs = {"runs", "List run databases and what they hold", run};

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* `path` itself, or every run database that lies in it if it is a folder. */
static bool find_runs(const char *path, GPtrArray *runs, GError **error)
{
    if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
        g_ptr_array_add(runs, g_strdup(path));
        return true;
    }
    g_autoptr(GError) cause = NULL;
    g_autoptr(GDir) folder = g_dir_open(path, 0, &cause);
    if (!folder) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "%s", cause->message);
        return false;
    }
    guint n_before = runs->len;
    for (const char *name; (name = g_dir_read_name(folder));) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        if (g_file_test(file, G_FILE_TEST_IS_REGULAR) && store_is_run(file))
            g_ptr_array_add(runs, g_steal_pointer(&file));
    }
    qsort(runs->pdata + n_before, runs->len - n_before, sizeof *runs->pdata, compare_paths);
    return true;
}

/* NULL where the file is no run. */
static json_t *describe(const char *path, GError **error)
{
    struct store *store = store_open_readonly(path, error);
    json_t *object = store ? run_view_to_json(store, path, error) : NULL;
    store_close(store);
    return object;
}

static void add_row(struct table *table, const json_t *row)
{
    const json_t *description = json_object_get(row, "run"),
                 *settings = json_object_get(description, "settings");
    gint64 n_samples = json_integer_value(json_object_get(description, "n_samples"));
    gint64 n_unfinished = json_integer_value(json_object_get(row, "unfinished"));
    g_autofree char *done = g_strdup_printf("%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT,
                                            n_samples - n_unfinished, n_samples);
    table_add_row(table);
    table_add_cell(table, json_get_string(description, "path"));
    table_add_cell(table, json_get_string(description, "command"));
    table_add_cell(table, json_get_string(description, "started"));
    table_add_cell(table, done);
    table_add_int(table, json_integer_value(json_object_get(row, "failures")));
    table_add_int(table, json_integer_value(json_object_get(row, "rejected")));
    table_add_cell(table, json_get_string(settings, "student model"));
    table_add_cell(table, json_get_string(settings, "teacher model"));
    table_add_cell(table, json_get_string(settings, "protocol"));
}

static void print_rows(json_t *rows)
{
    static const char *const titles[] = {"run",      "command", "started", "done",    "failed",
                                         "rejected", "student", "teacher", "protocol"};
    struct table *table = table_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(titles); i++)
        table_add_column(table, titles[i], i >= 3 && i <= 5 ? ALIGN_RIGHT : ALIGN_LEFT);
    size_t i;
    json_t *row;
    json_array_foreach (rows, i, row)
        add_row(table, row);
    g_autofree char *text = table_print(table, TABLE_TEXT);
    fputs(text, stdout);
    table_free(table);
}

/* Every run that can be read is listed; the first that cannot decides the exit code. */
static int list(char *const *paths, bool as_json, GError **error)
{
    g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(json_t) rows = json_array();
    int code = EXIT_DONE;
    for (; *paths; paths++)
        if (!find_runs(*paths, runs, error))
            return EXIT_FAILED;
    for (guint i = 0; i < runs->len; i++) {
        g_autoptr(GError) cause = NULL;
        json_t *row = describe(runs->pdata[i], &cause);
        if (row) {
            json_array_append_new(rows, row);
        } else {
            log_error("%s", cause->message);
            code = EXIT_FAILED;
        }
    }
    if (as_json) {
        g_autoptr(json_t) object = json_pack("{s:O}", "runs", rows);
        print_json(stdout, object);
    } else
        print_rows(rows);
    return code;
}

static int run(int argc, char **argv, GError **error)
{
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL}, {0}};
    if (!command_parse(&argc, &argv, &command_runs, "FILE|DIR...", entries, 1, -1, error))
        return EXIT_USAGE;
    return argc == 0 ? EXIT_DONE : list(argv + 1, as_json, error);
}
