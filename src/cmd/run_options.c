#include "cmd/run_options.h"

#include "base/error.h"

#include <string.h>

void run_options_init(struct run_options *options)
{
    *options = (struct run_options){.jobs = 16, .retries = 7, .repair = 1, .timeout_s = 300};
}

void run_options_clear(struct run_options *options)
{
    g_free(options->run);
    g_free(options->images);
    g_free(options->protocol_name);
    g_strfreev(options->set);
    g_free(options->prompts);
    g_free(options->rejects);
    role_options_clear(&options->student);
    role_options_clear(&options->teacher);
    role_options_clear(&options->both);
    engine_settings_clear(&options->engine);
    g_free(options->constrain);
}

void run_options_add(struct run_options *options, GArray *entries)
{
    const GOptionEntry rows[] = {
        {"run", 0, 0, G_OPTION_ARG_FILENAME, &options->run, "Run database: made, or gone on with",
         "RUN.db"},
        {"images", 0, 0, G_OPTION_ARG_FILENAME, &options->images,
         "Folder of the pictures (the data file's own)", "DIR"},
        PROTOCOL_OPTION(options->protocol_name),
        SET_OPTION(options->set),
        {"prompts", 0, 0, G_OPTION_ARG_FILENAME, &options->prompts,
         "Folder of prompt templates of your own", "DIR"},
        {"jobs", 0, 0, G_OPTION_ARG_INT, &options->jobs,
         "Requests in flight, both roles together (16)", "N"},
        {"timeout", 0, 0, G_OPTION_ARG_DOUBLE, &options->timeout_s,
         "Time limit of one request (300)", "S"},
        {"dialogue-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &options->dialogue_timeout_s,
         "Time limit of one dialogue (off)", "S"},
        {"retries", 0, 0, G_OPTION_ARG_INT, &options->retries,
         "Further tries of a failed request (7)", "N"},
        {"repair", 0, 0, G_OPTION_ARG_INT, &options->repair,
         "Repair requests where parse-fail=retry (1)", "N"},
        {"max-failures", 0, 0, G_OPTION_ARG_INT, &options->max_failures,
         "Failed dialogues and rejected records allowed before exit code 3 (0)", "N"},
        {"rejects", 0, 0, G_OPTION_ARG_FILENAME, &options->rejects,
         "Write unusable records here, verbatim", "FILE"},
        {"constrain", 0, 0, G_OPTION_ARG_STRING, &options->constrain,
         "score: hold a teacher of a model folder to the form of its answers", "FORM"},
        {"strict", 0, 0, G_OPTION_ARG_NONE, &options->strict, "Stop at the first unusable record",
         NULL},
    };
    g_array_append_vals(entries, rows, G_N_ELEMENTS(rows));
    engine_settings_add(&options->engine, entries);
}

static bool check_range(const char *name, double value, double low, double high, GError **error)
{
    if (value >= low && value <= high)
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "--%s: %g is not from %g to %g", name, value,
                low, high);
    return false;
}

bool run_options_check(const struct run_options *options, GError **error)
{
    if (!options->run) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "--run RUN.db is needed: results are kept there");
        return false;
    }
    if (options->constrain && strcmp(options->constrain, "score") != 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "unknown --constrain '%s': there is score",
                    options->constrain);
        return false;
    }
    return check_range("jobs", options->jobs, 1, 10000, error) &&
           check_range("retries", options->retries, 0, 1000, error) &&
           check_range("repair", options->repair, 0, 100, error) &&
           check_range("timeout", options->timeout_s, 0.001, 1e6, error) &&
           check_range("dialogue-timeout", options->dialogue_timeout_s, 0, 1e6, error) &&
           check_range("max-failures", options->max_failures, 0, 1e9, error);
}

bool protocol_from_options(struct protocol *protocol, const char *name, char *const *set,
                           GError **error)
{
    return protocol_init(protocol, name ? name : "paper", error) &&
           protocol_set_all(protocol, set, error);
}
