/* lint.c -- fire lint: what is wrong with a file of samples or dialogues. */
#include "data/picture.h"
#include "data/lint_report.h"

#include "cmd/command.h"
#include "cmd/input.h"

#include <stdio.h>

static int run(int argc, char **argv, GError **error);

const struct command command_lint = {
    "lint", "Name what is wrong with files of samples or dialogues, pictures included", run};

struct job {
    struct input_options input;
    gboolean no_images;
    struct protocol protocol;
    struct complaints *complaints;
    struct lint_report report;
};

static bool lint(const char *path, void *user, GError **error)
{
    struct job *job = user;
    g_autofree char *images = job->no_images ? NULL : picture_folder(job->input.images, path);
    return lint_file(&job->report, path, images, &job->protocol, job->complaints, error);
}

static void print_report(const struct job *job, bool as_json)
{
    const struct lint_report *report = &job->report;
    g_autoptr(json_t) object = json_object();
    json_object_set_new(object, "n", json_integer((json_int_t)report->n));
    json_object_set_new(object, "ok", json_integer((json_int_t)report->n_ok));
    json_object_set_new(object, "bad", json_integer((json_int_t)report->n_bad));
    json_object_set_new(object, "disagree", json_integer((json_int_t)report->n_disagree));
    json_t *by_cause = complaints_by_cause(job->complaints);
    json_object_set_new(object, "by_cause", by_cause);
    if (as_json) {
        g_autofree char *line = json_print(object);
        puts(line);
        return;
    }
    printf("records   %8zu\nok        %8zu\nbad       %8zu\n", report->n, report->n_ok,
           report->n_bad);
    const char *cause;
    json_t *n;
    json_object_foreach (by_cause, cause, n)
        printf("  %-15s %8" JSON_INTEGER_FORMAT "\n", cause, json_integer_value(n));
    if (report->n_disagree > 0)
        printf("disagree  %8zu (a score in the text differs from the one beside it)\n",
               report->n_disagree);
}

static int run(int argc, char **argv, GError **error)
{
    struct job job = {0};
    gboolean as_json = FALSE;
    const GOptionEntry entries[] = {
        INPUT_IMAGES(job.input),
        {"no-images", 0, 0, G_OPTION_ARG_NONE, &job.no_images, "Leave the pictures alone", NULL},
        INPUT_REJECTS(job.input),
        INPUT_STRICT(job.input),
        INPUT_MAX_FAILURES(job.input),
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL},
        {0}};
    int code = EXIT_USAGE;
    if (!command_parse(&argc, &argv, &command_lint, "FILE...", entries, 1, -1, error))
        goto out;
    code = EXIT_DONE;
    if (argc == 0)
        goto out;
    code = EXIT_USAGE;
    if (!input_check_rejects(&job.input, argv + 1, argc - 1, error))
        goto out;
    code = EXIT_FAILED;
    protocol_init(&job.protocol, "paper", NULL);
    job.complaints = complaints_open(job.input.rejects, job.input.strict, error);
    if (!job.complaints)
        goto out;
    bool ok = input_read_files(&job.input, argv + 1, argc - 1, lint, &job, error);
    print_report(&job, as_json);
    ok = complaints_close(job.complaints, ok ? error : NULL) && ok;
    if (ok)
        code = input_exit_code(&job.input, job.report.n_bad);
out:
    input_clear(&job.input);
    return code;
}
