/* score_free.c -- fire score free: AT, ADR, ATR, RR of recorded dialogues, no model needed. */
#include "base/error.h"
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/input.h"
#include "metric/free_set.h"
#include "report/free_report.h"

#include <math.h>
#include <stdio.h>

#define MAX_RESAMPLES 1000000

static int run(int argc, char **argv, GError **error);

const struct command command_score_free = {"score free",
                                           "AT, ADR, ATR and RR of recorded dialogues", run};

struct options {
    struct input_options input;
    gboolean as_json, paper;
    char *protocol, *threshold, *turns, *penalty;
    char **settings;
    char *baseline, *resamples, *seed, *format;
};

/* The same values, checked. */
struct plan {
    struct protocol protocol;
    int n_resamples;
    uint64_t seed;
    enum table_format format;
    const char *baseline_file; /* NULL: none */
    double baseline_rounds;    /* NAN: none */
};

static bool set_option(struct protocol *protocol, const char *name, const char *value,
                       GError **error)
{
    g_autofree char *assignment = g_strdup_printf("%s=%s", name, value ? value : "");
    return !value || protocol_set(protocol, assignment, error);
}

static bool parse_protocol(struct protocol *protocol, const struct options *options, GError **error)
{
    if (!protocol_init(protocol, options->protocol ? options->protocol : "paper", error))
        return false;
    for (char **setting = options->settings; setting && *setting; setting++)
        if (!protocol_set(protocol, *setting, error))
            return false;
    return set_option(protocol, "threshold", options->threshold, error) &&
           set_option(protocol, "turns", options->turns, error) &&
           set_option(protocol, "penalty", options->penalty, error);
}

static bool parse_count(uint64_t *count, const char *name, const char *value, uint64_t max,
                        GError **error)
{
    if (!value || g_ascii_string_to_unsigned(value, 10, 0, max, count, NULL))
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                "--%s: '%s' is not a whole number from 0 to %" G_GUINT64_FORMAT, name, value, max);
    return false;
}

/* A number is T in rounds, anything else names a file. */
static bool parse_baseline(struct plan *plan, const char *value, GError **error)
{
    plan->baseline_rounds = NAN;
    if (!value)
        return true;
    char *end;
    double rounds = g_ascii_strtod(value, &end);
    if (end == value || *end) {
        plan->baseline_file = value;
        return true;
    }
    plan->baseline_rounds = rounds;
    if (rounds > 0 && isfinite(rounds))
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                "--baseline: '%s' is no number of rounds above 0", value);
    return false;
}

static bool parse_plan(struct plan *plan, const struct options *options, GError **error)
{
    uint64_t n_resamples = 2000;
    *plan = (struct plan){.seed = 1, .format = TABLE_TEXT};
    if (!parse_protocol(&plan->protocol, options, error) ||
        !parse_count(&n_resamples, "resamples", options->resamples, MAX_RESAMPLES, error) ||
        !parse_count(&plan->seed, "resample-seed", options->seed, G_MAXINT64, error) ||
        !parse_baseline(plan, options->baseline, error))
        return false;
    plan->n_resamples = (int)n_resamples;
    if (options->format && !table_format_from_name(options->format, &plan->format)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "--format: unknown format '%s' (text, csv, markdown)", options->format);
        return false;
    }
    return true;
}

enum reading { READING_WHOLE, READING_CUT, READING_STOPPED };

/* Adds the dialogues of a file. CUT: it cannot be read on, what was read before counts. STOPPED:
 * nothing is to be reported. Both set `error`. */
static enum reading read_file(struct free_set *set, const char *path,
                              const struct protocol *protocol, struct complaints *complaints,
                              GError **error)
{
    struct reader *reader = reader_open(path, NEED_DIALOGUE, protocol, error);
    if (!reader)
        return READING_STOPPED;
    struct record *record;
    enum reader_status status;
    enum reading reading = READING_WHOLE;
    while ((status = reader_next(reader, &record, error)) <= READER_BAD) {
        if (status == READER_RECORD) {
            free_set_add(set, &record->dialogue);
        } else if (!complaints_add(complaints, path, record, record->cause, record->detail,
                                   error)) {
            reading = READING_STOPPED;
            break;
        }
    }
    if (status == READER_FAILED)
        reading = READING_CUT;
    reader_close(reader);
    return reading;
}

static bool print_report(struct free_set *run_set, struct free_set *baseline,
                         const struct plan *plan, const struct options *options, size_t *n_failed,
                         GError **error)
{
    struct free_options free_options = {
        .protocol = &plan->protocol,
        .baseline = plan->baseline_file ? free_set_items(baseline) : NULL,
        .n_baseline = free_set_count(baseline),
        .baseline_rounds = plan->baseline_rounds,
        .n_resamples = plan->n_resamples,
        .seed = plan->seed,
    };
    const struct free_item *items = free_set_items(run_set);
    struct free_result result;
    struct agreement agreement;
    if (!free_compute(&result, items, free_set_count(run_set), &free_options, error))
        return false;
    agreement_compute(&agreement, items, free_set_count(run_set), &plan->protocol);
    struct free_report report = {
        .result = &result,
        .agreement = &agreement,
        .protocol = &plan->protocol,
        .baseline = options->baseline,
        .n_resamples = plan->n_resamples,
        .seed = plan->seed,
        .paper = options->paper,
    };
    if (options->as_json) {
        g_autoptr(json_t) object = free_report_json(&report);
        g_autofree char *line = json_print(object);
        puts(line);
    } else {
        g_autofree char *text = free_report_print(&report, plan->format);
        fputs(text, stdout);
    }
    *n_failed = (size_t)result.micro.failed;
    if (*n_failed > 0)
        log_warn("%zu failed dialogues are left out of the metrics", *n_failed);
    free_result_clear(&result);
    return true;
}

/* The file and its baseline, read, and what they give, printed. */
static int score(const char *path, const struct plan *plan, const struct options *options,
                 GError **error)
{
    struct complaints *complaints =
        complaints_open(options->input.rejects, options->input.strict, error);
    if (!complaints)
        return EXIT_FAILED;
    struct free_set *run_set = free_set_new(), *baseline = free_set_new();
    enum reading reading = READING_WHOLE;
    size_t n_failed = 0;
    if (plan->baseline_file)
        reading = read_file(baseline, plan->baseline_file, &plan->protocol, complaints, error);
    if (reading == READING_WHOLE && plan->baseline_file && free_set_count(baseline) == 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "the baseline '%s' holds no dialogue",
                    plan->baseline_file);
        reading = READING_STOPPED;
    }
    if (reading != READING_WHOLE)
        reading = READING_STOPPED; /* part of a baseline is none */
    else
        reading = read_file(run_set, path, &plan->protocol, complaints, error);
    size_t n_bad = complaints_count(complaints);
    if (!complaints_close(complaints, reading == READING_WHOLE ? error : NULL) &&
        reading == READING_WHOLE)
        reading = READING_CUT;
    if (reading != READING_STOPPED && !print_report(run_set, baseline, plan, options, &n_failed,
                                                    reading == READING_WHOLE ? error : NULL))
        reading = READING_STOPPED;
    free_set_free(run_set);
    free_set_free(baseline);
    return reading == READING_WHOLE ? input_exit_code(&options->input, n_bad + n_failed)
                                    : EXIT_FAILED;
}

static void options_clear(struct options *options)
{
    char **texts[] = {&options->protocol, &options->threshold, &options->turns, &options->penalty,
                      &options->baseline, &options->resamples, &options->seed,  &options->format};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(*texts[i]);
    g_strfreev(options->settings);
    input_clear(&options->input);
}

static int run(int argc, char **argv, GError **error)
{
    struct options options = {0};
    const GOptionEntry entries[] = {
        {"baseline", 0, 0, G_OPTION_ARG_FILENAME, &options.baseline,
         "What AT is measured by: dialogues of a baseline, or its mean rounds", "FILE|NUMBER"},
        {"threshold", 0, 0, G_OPTION_ARG_STRING, &options.threshold,
         "The score that counts as solved (8)", "N"},
        {"turns", 0, 0, G_OPTION_ARG_STRING, &options.turns, "Most rounds (5)", "N"},
        {"penalty", 0, 0, G_OPTION_ARG_STRING, &options.penalty,
         "Rounds of an unsolved dialogue in AT (10)", "N"},
        {"protocol", 0, 0, G_OPTION_ARG_STRING, &options.protocol, "paper or official", "NAME"},
        {"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.settings, "Set an option of the protocol",
         "OPTION=VALUE"},
        {"resamples", 0, 0, G_OPTION_ARG_STRING, &options.resamples,
         "Resamples of the bootstrap (2000; 0: no intervals)", "N"},
        {"resample-seed", 0, 0, G_OPTION_ARG_STRING, &options.seed, "Its seed (1)", "N"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "One JSON object", NULL},
        {"format", 0, 0, G_OPTION_ARG_STRING, &options.format, "text, csv or markdown", "FORMAT"},
        {"paper", 0, 0, G_OPTION_ARG_NONE, &options.paper, "The published numbers beside ours",
         NULL},
        INPUT_REJECTS(options.input),
        INPUT_STRICT(options.input),
        INPUT_MAX_FAILURES(options.input),
        {0}};
    struct plan plan;
    int code = EXIT_USAGE;
    if (command_parse(&argc, &argv, &command_score_free, "FILE", entries, 1, 1, error)) {
        if (argc == 0)
            code = EXIT_DONE;
        else if (parse_plan(&plan, &options, error))
            code = score(argv[1], &plan, &options, error);
    }
    options_clear(&options);
    return code;
}
