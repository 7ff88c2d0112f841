/* import.c -- fire import: native files of other datasets to sample lines. */
#include "base/error.h"
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/output.h"
#include "data/picture.h"
#include "data/sources/source.h"

static int run(int argc, char **argv, GError **error);

const struct command command_import = {
    "import", "Turn native files of other datasets into sample lines", run};

struct job {
    struct input_options input;
    const struct source *source;
    struct output output;
    size_t n_written, n_absent;
};

/* A picture that is not there yet is no defect of the sample, but worth a word. */
static bool is_there(const char *images, const char *image)
{
    struct flaw flaw = {0};
    g_autofree char *path = picture_find(images, image, &flaw);
    flaw_clear(&flaw);
    return path != NULL;
}

static bool import_file(const char *path, void *user, GError **error)
{
    struct job *job = user;
    g_autofree char *images = picture_folder(job->input.images, path);
    struct reader *reader = reader_open_source(path, job->source, images, error);
    if (!reader)
        return false;
    reader_use_ids(reader, job->output.ids);
    enum reader_status status;
    struct record *record;
    bool go_on = true;
    while (go_on && (status = reader_next(reader, &record, error)) <= READER_BAD) {
        if (status == READER_BAD) {
            go_on = complaints_add(job->output.complaints, path, record, record->cause,
                                   record->detail, error);
            continue;
        }
        struct flaw none = {0};
        const char *image = record->dialogue.sample.image;
        writer_add(job->output.writer, &record->dialogue, &none);
        job->n_written++;
        job->n_absent += image && !is_there(images, image);
    }
    reader_close(reader);
    return go_on && status == READER_END;
}

static int import_all(struct job *job, const char *output, char **paths, int n_paths,
                      GError **error)
{
    static const struct writer_options lines = {.layout = LAYOUT_JSONL};
    size_t n_bad;
    if (!output_write(&job->output, output, &lines, &job->input, paths, n_paths, import_file, job,
                      &n_bad, error))
        return EXIT_FAILED;
    if (job->n_absent > 0)
        log_warn("%zu pictures are not there; 'fire lint' names them", job->n_absent);
    log_info("%zu samples written to '%s', %zu bad", job->n_written, output, n_bad);
    return input_exit_code(&job->input, n_bad);
}

/* "--help" lists the sources. */
static char *describe_sources(void)
{
    GString *text = g_string_new("Dataset: ");
    for (const struct source *source = sources; source->name; source++)
        g_string_append_printf(text, "%s%s (%s)", source == sources ? "" : "; ", source->name,
                               source->files);
    return g_string_free(text, FALSE);
}

static bool check_paths(const struct job *job, const char *output, char *const *paths, int n_paths,
                        GError **error)
{
    const struct input_path outputs[] = {{"-o", output}, {"--rejects", job->input.rejects}};
    return input_check_apart(outputs, G_N_ELEMENTS(outputs), error) &&
           input_check_rejects(&job->input, paths, n_paths, error);
}

static bool find_source(struct job *job, const char *name, GError **error)
{
    if (name && (job->source = source_find(name)))
        return true;
    g_autoptr(GString) names = g_string_new(NULL);
    for (const struct source *source = sources; source->name; source++)
        g_string_append_printf(names, "%s%s", names->len ? ", " : "", source->name);
    if (name)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "unknown source '%s' (%s)", name,
                    names->str);
    else
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "name the dataset: --from SOURCE (%s)",
                    names->str);
    return false;
}

static int run(int argc, char **argv, GError **error)
{
    struct job job = {0};
    g_autofree char *from = NULL;
    g_autofree char *output = NULL;
    g_autofree char *source_help = describe_sources();
    const GOptionEntry entries[] = {
        {"from", 0, 0, G_OPTION_ARG_STRING, &from, source_help, "SOURCE"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "The file to write", "OUT"},
        INPUT_IMAGES(job.input),
        INPUT_REJECTS(job.input),
        INPUT_STRICT(job.input),
        INPUT_MAX_FAILURES(job.input),
        {0}};
    int code = EXIT_USAGE;
    if (!command_parse(&argc, &argv, &command_import, "--from SOURCE FILE... -o OUT", entries, 1,
                       -1, error))
        ;
    else if (argc == 0)
        code = EXIT_DONE;
    else if (!output)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "name the file to write: -o OUT");
    else if (find_source(&job, from, error) && check_paths(&job, output, argv + 1, argc - 1, error))
        code = import_all(&job, output, argv + 1, argc - 1, error);
    input_clear(&job.input);
    return code;
}
