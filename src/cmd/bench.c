#include "cmd/bench.h"

#include "base/error.h"
#include "base/log.h"
#include "chat/local.h"
#include "cmd/input.h"
#include "cmd/run_tables.h"
#include "run/load.h"

#include <math.h>

static void merge_settings(json_t *settings, const char *role, json_t *of_role)
{
    const char *name;
    json_t *value;
    json_object_foreach (of_role, name, value) {
        g_autofree char *key = g_strdup_printf("%s %s", role, name);
        json_object_set(settings, key, value);
    }
}

/* What a run is: what must be equal when it goes on, and beside it what may change. */
static struct store *open_store(struct bench *bench, const struct setting *setting,
                                const struct run_options *options, char *const *files,
                                GError **error)
{
    g_autofree char *data_hash = load_hash(files, error);
    if (!data_hash)
        return NULL;
    g_autoptr(json_t) settings = protocol_to_json(&bench->protocol);
    g_autoptr(json_t) free_to_change = json_object();
    merge_settings(settings, "student", bench->student.settings);
    merge_settings(settings, "teacher", bench->teacher.settings);
    settings_set_number(settings, "repair", options->repair);
    if (bench->student.address)
        json_object_set_new(free_to_change, "student address", json_string(bench->student.address));
    if (bench->teacher.address)
        json_object_set_new(free_to_change, "teacher address", json_string(bench->teacher.address));
    settings_set_number(free_to_change, "jobs", options->jobs);
    settings_set_number(free_to_change, "retries", options->retries);
    settings_set_number(free_to_change, "timeout", options->timeout_s);
    settings_set_number(free_to_change, "dialogue-timeout", options->dialogue_timeout_s);
    const struct run_identity identity = {
        .command = setting->name,
        .settings = settings,
        .prompt_hash = prompts_hash(bench->prompts),
        .data_hash = data_hash,
        .volatile_options = free_to_change,
    };
    return store_open(options->run, &identity, error);
}

/* Of what the protocol says, the part that a model folder's own code decides elsewhere. */
static bool resolve_local(struct local_options *local, const struct run_options *options,
                          const struct protocol *protocol, GError **error)
{
    static const enum picture_mode modes[] = {[IMAGE_MODE_MODEL] = PICTURE_MODE_MODEL,
                                              [IMAGE_MODE_PAD] = PICTURE_MODE_PAD,
                                              [IMAGE_MODE_ANYRES] = PICTURE_MODE_ANYRES};
    static const enum prompt_bos begins[] = {[BOS_MODEL] = PROMPT_BOS_MODEL,
                                             [BOS_SINGLE] = PROMPT_BOS_SINGLE,
                                             [BOS_DOUBLE] = PROMPT_BOS_DOUBLE};
    *local = (struct local_options){.engine = ENGINE_OPTIONS_INIT,
                                    .template_name = options->engine.template_name,
                                    .picture_mode = modes[protocol->image_mode],
                                    .bos = begins[protocol->bos]};
    return engine_settings_resolve(&options->engine, &local->engine, error);
}

/* What is rejected is written over neither the run nor the data. */
static bool check_rejects(const struct run_options *options, char *const *files, GError **error)
{
    for (; options->rejects && *files; files++) {
        const struct input_path paths[] = {
            {"--rejects", options->rejects}, {"--run", options->run}, {"the data", *files}};
        if (!input_check_apart(paths, G_N_ELEMENTS(paths), error))
            return false;
    }
    return !options->rejects || store_check_output(options->rejects, error);
}

bool bench_run(struct bench *bench, const struct setting *setting,
               const struct run_options *options, char *const *files, GError **error)
{
    const struct request_limits limits = {.timeout_ms = (int)(options->timeout_s * 1000),
                                          .retries = options->retries};
    struct local_options local;
    *bench = (struct bench){0};
    if (!run_options_check(options, error) || !check_rejects(options, files, error) ||
        !protocol_from_options(&bench->protocol, options->protocol_name, options->set, error) ||
        !resolve_local(&local, options, &bench->protocol, error) ||
        !(bench->prompts = prompts_load(options->prompts, error)) ||
        !roles_open(&bench->student, &options->student, &bench->teacher, &options->teacher,
                    &options->both, &limits, &local, options->constrain != NULL, error) ||
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
        .dialogue_timeout_ms = (int)MIN(ceil(options->dialogue_timeout_s * 1000), G_MAXINT),
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
        log_error("a model never answered");
        return EXIT_FAILED;
    }
    if (result->n_failed > 0)
        log_warn("%" G_GUINT64_FORMAT " dialogues failed; the same command tries them again",
                 result->n_failed);
    return result->n_failed + result->n_rejected > (uint64_t)options->max_failures ? EXIT_PARTIAL
                                                                                   : EXIT_DONE;
}

static int run_and_print(const struct setting *setting, const struct run_options *options,
                         const struct table_options *tables, char *const *files, GError **error)
{
    struct bench bench = {0};
    struct protocol protocol;
    int code = EXIT_FAILED;
    if (protocol_from_options(&protocol, options->protocol_name, options->set, error) &&
        run_tables_check(setting->name, &protocol, tables, error) &&
        bench_run(&bench, setting, options, files, error) &&
        run_tables_print(bench.store, options->run, &bench.protocol, tables, stdout, error))
        code = bench_exit_code(&bench, options);
    bench_clear(&bench);
    return code;
}

static bool check_roles(const struct run_options *options, const struct bench_roles *roles,
                        GError **error)
{
    char *const *const models[] = {options->student.models, options->teacher.models};
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++)
        if (models[i] && models[i][1]) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "--%s is given twice",
                        i == 0 ? "student" : "teacher");
            return false;
        }
    if (roles->needs_both ? models[0] && models[1] : models[0] || models[1])
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "--student %s --teacher must be given",
                roles->needs_both ? "and" : "or");
    return false;
}

int bench_command(int argc, char **argv, const struct command *command,
                  const struct setting *setting, const struct bench_roles *roles, GError **error)
{
    struct run_options options;
    struct table_options tables = {0};
    g_autoptr(GArray) entries = g_array_new(TRUE, FALSE, sizeof(GOptionEntry));
    int code = EXIT_USAGE;
    run_options_init(&options);
    role_options_add(&options.student, "student", roles->student, entries);
    role_options_add(&options.teacher, "teacher", roles->teacher, entries);
    role_options_add(&options.both, "", NULL, entries);
    run_options_add(&options, entries);
    table_options_add(&tables, entries);
    if (command_parse(&argc, &argv, command, "DATA...", (GOptionEntry *)entries->data, 1, -1,
                      error)) {
        if (argc == 0)
            code = EXIT_DONE;
        else if (check_roles(&options, roles, error) && table_options_check(&tables, error))
            code = run_and_print(setting, &options, &tables, argv + 1, error);
    }
    run_options_clear(&options);
    table_options_clear(&tables);
    return code;
}
