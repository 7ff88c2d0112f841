/* report_run.c -- fire report: the tables of a run into a file. */
#include "base/atomic_file.h"
#include "base/error.h"
#include "cmd/command.h"
#include "cmd/input.h"
#include "cmd/run_tables.h"
#include "report/run_view.h"

static int run(int argc, char **argv, GError **error);

const struct command command_report = {
    "report", "Write the tables of a run: text, JSON, CSV or Markdown", run};

/* Where --format says nothing, the file's ending does. */
static const char *format_of(const char *path)
{
    static const char *const endings[][2] = {
        {".json", "json"}, {".csv", "csv"}, {".md", "markdown"}, {".txt", "text"}};
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
        if (g_str_has_suffix(path, endings[i][0]))
            return endings[i][1];
    return "text";
}

static bool report(struct store *store, const char *path, const char *output,
                   const struct table_options *tables, GError **error)
{
    struct protocol protocol;
    struct atomic_file *file = NULL;
    if (!run_view_protocol(store, &protocol, error) || !store_check_output(output, error) ||
        !(file = atomic_file_open(output, error)))
        return false;
    if (run_tables_print(store, path, &protocol, tables, atomic_file_stream(file), error))
        return atomic_file_commit(file, error);
    atomic_file_discard(file);
    return false;
}

static bool check_output(const char *path, const char *output, GError **error)
{
    const struct input_path paths[] = {{"the run", path}, {"-o", output}};
    return input_check_apart(paths, G_N_ELEMENTS(paths), error);
}

static int run(int argc, char **argv, GError **error)
{
    g_autofree char *output = NULL;
    struct table_options tables = {0};
    const GOptionEntry own[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
         "Where to write; the ending .json, .csv, .md or .txt decides the form", "FILE"}};
    g_autoptr(GArray) entries = g_array_new(TRUE, FALSE, sizeof(GOptionEntry));
    g_array_append_vals(entries, own, G_N_ELEMENTS(own));
    table_options_add(&tables, entries);
    int code = EXIT_USAGE;
    if (command_parse(&argc, &argv, &command_report, "RUN.db", (GOptionEntry *)entries->data, 1, 1,
                      error)) {
        if (argc > 0 && !tables.format && !tables.as_json && output)
            tables.format = g_strdup(format_of(output));
        if (argc == 0) {
            code = EXIT_DONE;
        } else if (!output) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "name the file to write: -o FILE");
        } else if (table_options_check(&tables, error) && check_output(argv[1], output, error)) {
            struct store *store = store_open_readonly(argv[1], error);
            code =
                store && report(store, argv[1], output, &tables, error) ? EXIT_DONE : EXIT_FAILED;
            store_close(store);
        }
    }
    table_options_clear(&tables);
    return code;
}
