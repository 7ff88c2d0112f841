#include "cmd/bench.h"

#include "base/log.h"
#include "cmd/command.h"
#include "run/load.h"

static void merge_settings(json_t *settings, const char *role, json_t *of_role)
{
    const char *name;
    json_t *value;
    json_object_foreach(of_role, name, value) {
        g_autofree char *key = g_strdup_printf("%s %s", role, name);
        json_object_set(settings, key, value);
    }
}

static void set_number(json_t *object, const char *name, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    json_object_set_new(object, name, json_string(g_ascii_formatd(text, sizeof text, "%.6g", value)));
}

/* What a run is: what must be equal when it goes on, and beside it what may change. */
static struct store *open_store(struct bench *bench, const struct setting *setting, const struct run_options *options,
                                char *const *files, GError **error)
{
    g_autofree char *data_hash = load_hash(files, error);
    if (!data_hash)
        return NULL;
    g_autoptr(json_t) settings = protocol_to_json(&bench->protocol);
    g_autoptr(json_t) free_to_change = json_object();
    merge_settings(settings, "student", bench->student.settings);
    merge_settings(settings, "teacher", bench->teacher.settings);
    set_number(settings, "repair", options->repair);
    if (bench->student.address)
        json_object_set_new(free_to_change, "student address", json_string(bench->student.address));
    if (bench->teacher.address)
        json_object_set_new(free_to_change, "teacher address", json_string(bench->teacher.address));
    set_number(free_to_change, "jobs", options->jobs);
    set_number(free_to_change, "retries", options->retries);
    set_number(free_to_change, "timeout", options->timeout_s);
    set_number(free_to_change, "dialogue-timeout", options->dialogue_timeout_s);
    const struct run_identity identity = {
        .command = setting->name,
        .settings = settings,
        .prompt_hash = prompts_hash(bench->prompts),
        .data_hash = data_hash,
        .volatile_options = free_to_change,
    };
    return store_open(options->run, &identity, error);
}

bool bench_run(struct bench *bench, const struct setting *setting, const struct run_options *options, char *const *files,
               GError **error)
{
    const struct request_limits limits = {.timeout_ms = (int)(options->timeout_s * 1000), .retries = options->retries};
    *bench = (struct bench){0};
    if (!run_options_check(options, error) ||
        !protocol_from_options(&bench->protocol, options->protocol_name, options->set, error) ||
        !(bench->prompts = prompts_load(options->prompts, error)) ||
        !roles_open(&bench->student, &options->student, &bench->teacher, &options->teacher, &options->both, &limits, error) ||
        !(bench->store = open_store(bench, setting, options, files, error)))
        return false;
    struct chat *student = bench->student.chat, *teacher = bench->teacher.chat;
    bench->student.chat = student ? store_record_chat(bench->store, "student", student) : NULL;
    bench->teacher.chat = teacher ? store_record_chat(bench->store, "teacher", teacher) : NULL;
    const struct driver_options driver = {
        .setting = setting,
        .protocol = &bench->protocol,
        .prompts = bench->prompts,
        .store = bench->store,
        .student = bench->student.chat,
        .teacher = bench->teacher.chat,
        .student_sampling = bench->student.sampling,
        .teacher_sampling = bench->teacher.sampling,
        .n_jobs = options->jobs,
        .n_repairs = options->repair,
        .dialogue_timeout_ms = (int)MIN(options->dialogue_timeout_s * 1000, G_MAXINT),
        .files = files,
        .images = options->images,
    };
    const struct load_options load = {
        .files = files,
        .images = options->images,
        .need = setting->need,
        .protocol = &bench->protocol,
        .rejects = options->rejects,
        .strict = options->strict,
    };
    return load_samples(bench->store, &load, error) && driver_run(&driver, &bench->result, error);
}

void bench_clear(struct bench *bench)
{
    role_clear(&bench->student);
    role_clear(&bench->teacher);
    store_close(bench->store);
    prompts_free(bench->prompts);
    *bench = (struct bench){0};
}

int bench_exit_code(const struct bench *bench, const struct run_options *options)
{
    const struct driver_result *result = &bench->result;
    if (result->n_unfinished > 0) {
        log_warn("stopped with %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                 " dialogues unfinished; the same command goes on with them",
                 result->n_unfinished, result->n_samples);
        return EXIT_FAILED;
    }
    if (result->never_answered) {
        log_error("no model answered anything");
        return EXIT_FAILED;
    }
    if (result->n_failed > 0)
        log_warn("%" G_GUINT64_FORMAT " dialogues failed; the same command tries them again", result->n_failed);
    return result->n_failed + result->n_rejected > (uint64_t)options->max_failures ? EXIT_PARTIAL : EXIT_DONE;
}
