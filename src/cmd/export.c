/* export.c -- fire export: dialogues in any form to our lines, the released layout, its training
 * files, or the LLaVA layout. */
#include "base/error.h"
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/output.h"
#include "cmd/run_options.h"
#include "dialogue/prompt.h"
#include "report/run_view.h"

static int run(int argc, char **argv, GError **error);

const struct command command_export = {
    "export", "Write dialogues as our lines, in the released layout, or as training files", run};

struct job {
    struct input_options input;
    struct protocol protocol;
    struct writer_options options;
    struct output output;
    struct prompts *prompts;
    size_t n_written, n_unfinished;
    const char *run; /* the run database under way */
    GError *cause;   /* of export_dialogue */
};

static bool export_record(struct job *job, const char *path, const struct record *record,
                          GError **error)
{
    struct flaw flaw = {0};
    const char *cause = record->cause, *detail = record->detail;
    if (!cause && !writer_add(job->output.writer, &record->dialogue, &flaw)) {
        cause = flaw.cause;
        detail = flaw.detail;
    }
    job->n_written += cause == NULL;
    bool go_on =
        !cause || complaints_add(job->output.complaints, path, record, cause, detail, error);
    flaw_clear(&flaw);
    return go_on;
}

/* A dialogue of a run that has ended; one that has not is no dialogue yet. */
static bool export_dialogue(size_t number, const struct dialogue *dialogue,
                            const char *failure G_GNUC_UNUSED, void *user)
{
    struct job *job = user;
    if (dialogue->stop == STOP_NONE) {
        job->n_unfinished++;
        return true;
    }
    struct record record = {.number = number, .raw = "", .dialogue = *dialogue};
    return export_record(job, job->run, &record, &job->cause);
}

static bool export_run(struct job *job, const char *path, GError **error)
{
    struct store *store = store_open_readonly(path, error);
    job->run = path;
    bool ok = store && run_view_check(store, path, "bench free", error) &&
              store_foreach_dialogue(store, export_dialogue, job, error);
    store_close(store);
    if (!job->cause)
        return ok;
    g_propagate_error(error, g_steal_pointer(&job->cause));
    return false;
}

static bool export_file(const char *path, void *user, GError **error)
{
    struct job *job = user;
    if (store_is_run(path))
        return export_run(job, path, error);
    enum reader_need need = layout_has_turns(job->options.layout) ? NEED_DIALOGUE : NEED_SAMPLE;
    struct reader *reader = reader_open(path, need, &job->protocol, error);
    if (!reader)
        return false;
    reader_use_ids(reader, job->output.ids);
    enum reader_status status;
    struct record *record;
    bool go_on = true;
    while (go_on && (status = reader_next(reader, &record, error)) <= READER_BAD)
        go_on = export_record(job, path, record, error);
    reader_close(reader);
    return go_on && status == READER_END;
}

static int export_all(struct job *job, const char *output, char **paths, int n_paths,
                      GError **error)
{
    size_t n_bad;
    if (!store_check_output(output, error) ||
        !output_write(&job->output, output, &job->options, &job->input, paths, n_paths, export_file,
                      job, &n_bad, error))
        return EXIT_FAILED;
    if (job->n_unfinished > 0)
        log_warn("%zu dialogues that have not ended were left out", job->n_unfinished);
    log_info("%zu records written to '%s', %zu bad", job->n_written, output, n_bad);
    return input_exit_code(&job->input, n_bad);
}

/* An output may replace a file of dialogues that it was made from, but not a run. */
static bool check_paths(const struct job *job, const char *output, char *const *paths, int n_paths,
                        GError **error)
{
    const struct input_path outputs[] = {{"-o", output}, {"--rejects", job->input.rejects}};
    for (int i = 0; i < n_paths; i++) {
        const struct input_path run[] = {{"the run", store_is_run(paths[i]) ? paths[i] : NULL},
                                         {"-o", output}};
        if (!input_check_apart(run, G_N_ELEMENTS(run), error))
            return false;
    }
    return input_check_apart(outputs, G_N_ELEMENTS(outputs), error) &&
           input_check_rejects(&job->input, paths, n_paths, error);
}

static bool set_options(struct job *job, const char *layout, const char *protocol, char **set,
                        const char *prompts, GError **error)
{
    if (!layout_from_name(layout, &job->options.layout)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "unknown layout '%s' (jsonl, fire, fire-student, fire-teacher, llava)", layout);
        return false;
    }
    if (!protocol_from_options(&job->protocol, protocol, set, error))
        return false;
    job->options.protocol = &job->protocol;
    job->prompts = prompts_load(prompts, error);
    if (!job->prompts)
        return false;
    job->options.teacher_instruction = prompts_teacher_instruction(job->prompts);
    return true;
}

static int run(int argc, char **argv, GError **error)
{
    struct job job = {0};
    g_autofree char *layout = NULL;
    g_autofree char *protocol = NULL;
    g_autofree char *output = NULL;
    g_autofree char *prompts = NULL;
    g_auto(GStrv) set = NULL;
    const GOptionEntry entries[] = {
        {"to", 0, 0, G_OPTION_ARG_STRING, &layout,
         "jsonl (default), fire, fire-student, fire-teacher or llava", "LAYOUT"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "The file to write", "OUT"},
        PROTOCOL_OPTION(protocol),
        {"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &set,
         "Override an option of the protocol: label-score, r1-role, feedback, score-parse",
         "OPTION=VALUE"},
        {"prompts", 0, 0, G_OPTION_ARG_FILENAME, &prompts,
         "Folder of prompt templates of your own, for fire-teacher", "DIR"},
        INPUT_REJECTS(job.input),
        INPUT_STRICT(job.input),
        INPUT_MAX_FAILURES(job.input),
        {0}};
    int code = EXIT_USAGE;
    if (!command_parse(&argc, &argv, &command_export, "FILE|RUN.db... -o OUT", entries, 1, -1,
                       error))
        ;
    else if (argc == 0)
        code = EXIT_DONE;
    else if (!output)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "name the file to write: -o OUT");
    else if (check_paths(&job, output, argv + 1, argc - 1, error) &&
             set_options(&job, layout ? layout : "jsonl", protocol, set, prompts, error))
        code = export_all(&job, output, argv + 1, argc - 1, error);
    prompts_free(job.prompts);
    input_clear(&job.input);
    return code;
}
