#include "cmd/table_options.h"

#include "base/error.h"
#include "base/log.h"
#include "report/free_report.h"
#include "report/run_view.h"
#include "store/store.h"

#include <math.h>
#include <string.h>

#define MAX_RESAMPLES 1000000

void table_options_add(struct table_options *options, GArray *entries)
{
    const GOptionEntry rows[] = {
        {"baseline", 0, 0, G_OPTION_ARG_FILENAME, &options->baseline,
         "What AT is measured by: dialogues or run of a baseline, or its mean rounds",
         "FILE|RUN.db|NUMBER"},
        {"resamples", 0, 0, G_OPTION_ARG_STRING, &options->resamples,
         "Resamples of the bootstrap (2000; 0: no intervals)", "N"},
        {"resample-seed", 0, 0, G_OPTION_ARG_STRING, &options->resample_seed, "Its seed (1)", "N"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options->as_json, "One JSON object", NULL},
        {"format", 0, 0, G_OPTION_ARG_STRING, &options->format, "text, csv, markdown or json",
         "FORMAT"},
        {"paper", 0, 0, G_OPTION_ARG_NONE, &options->paper, "The published numbers beside ours",
         NULL},
    };
    g_array_append_vals(entries, rows, G_N_ELEMENTS(rows));
}

void table_options_clear(struct table_options *options)
{
    g_free(options->format);
    g_free(options->baseline);
    g_free(options->resamples);
    g_free(options->resample_seed);
    *options = (struct table_options){0};
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
static bool parse_baseline(struct table_options *options, GError **error)
{
    options->baseline_rounds = NAN;
    if (!options->baseline)
        return true;
    char *end;
    double rounds = g_ascii_strtod(options->baseline, &end);
    options->has_baseline_file = end == options->baseline || *end;
    if (options->has_baseline_file)
        return true;
    options->baseline_rounds = rounds;
    if (rounds > 0 && isfinite(rounds))
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                "--baseline: '%s' is no number of rounds above 0", options->baseline);
    return false;
}

bool table_options_check(struct table_options *options, GError **error)
{
    uint64_t n_resamples = 2000;
    options->seed = 1;
    options->table_format = TABLE_TEXT;
    if (!parse_count(&n_resamples, "resamples", options->resamples, MAX_RESAMPLES, error) ||
        !parse_count(&options->seed, "resample-seed", options->resample_seed, G_MAXINT64, error) ||
        !parse_baseline(options, error))
        return false;
    options->n_resamples = (int)n_resamples;
    if (options->as_json && options->format && strcmp(options->format, "json") != 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "--json and --format %s contradict each other", options->format);
        return false;
    }
    if (g_strcmp0(options->format, "json") == 0) {
        options->as_json = TRUE;
    } else if (options->format &&
               !table_format_from_name(options->format, &options->table_format)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "--format: unknown format '%s' (text, csv, markdown, json)", options->format);
        return false;
    }
    return true;
}

static bool read_dialogues(const char *path, struct free_set *set, const struct protocol *protocol,
                           struct complaints *complaints, GError **error)
{
    struct reader *reader = reader_open(path, NEED_DIALOGUE, protocol, error);
    struct record *record;
    enum reader_status status = READER_FAILED;
    bool go_on = reader != NULL;
    while (go_on && (status = reader_next(reader, &record, error)) <= READER_BAD) {
        if (status == READER_RECORD)
            free_set_add(set, &record->dialogue);
        else
            go_on = complaints_add(complaints, path, record, record->cause, record->detail, error);
    }
    reader_close(reader);
    return go_on && status == READER_END;
}

static bool read_run(const char *path, struct free_set *set, const struct protocol *protocol,
                     GError **error)
{
    struct protocol played;
    g_autofree char *difference = NULL;
    struct store *store = store_open_readonly(path, error);
    bool ok = store && run_view_check(store, path, "bench free", error) &&
              run_view_played_under(store, protocol, &played, &difference, error) &&
              run_view_free_set(store, protocol, set, NULL, error);
    store_close(store);
    if (ok && difference)
        log_warn("the baseline '%s' was played by other rules: %s", path, difference);
    return ok;
}

bool table_options_read_baseline(const struct table_options *options, struct free_set *set,
                                 const struct protocol *protocol, struct complaints *complaints,
                                 GError **error)
{
    if (!options->has_baseline_file)
        return true;
    bool ok = store_is_run(options->baseline)
                  ? read_run(options->baseline, set, protocol, error)
                  : read_dialogues(options->baseline, set, protocol, complaints, error);
    if (!ok) {
        g_prefix_error(error, "baseline: ");
        return false;
    }
    if (free_set_count(set) > 0)
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "the baseline '%s' holds no dialogue",
                options->baseline);
    return false;
}

void print_json(FILE *out, const json_t *object)
{
    g_autofree char *line = json_print(object);
    fprintf(out, "%s\n", line);
}

bool table_options_print_free(const struct table_options *options, struct free_set *set,
                              struct free_set *baseline, const struct protocol *protocol,
                              const char *note, json_t *extra, FILE *out, int *n_failed,
                              GError **error)
{
    const struct free_options free_options = {
        .protocol = protocol,
        .baseline = options->has_baseline_file ? free_set_items(baseline) : NULL,
        .n_baseline = free_set_count(baseline),
        .baseline_rounds = options->baseline_rounds,
        .n_resamples = options->n_resamples,
        .seed = options->seed,
    };
    const struct free_item *items = free_set_items(set);
    struct free_result result;
    struct agreement agreement;
    if (!free_compute(&result, items, free_set_count(set), &free_options, error))
        return false;
    agreement_compute(&agreement, items, free_set_count(set), protocol);
    const struct free_report report = {
        .result = &result,
        .agreement = &agreement,
        .protocol = protocol,
        .baseline = options->baseline,
        .n_resamples = options->n_resamples,
        .seed = options->seed,
        .paper = options->paper,
        .note = note,
    };
    if (options->as_json) {
        g_autoptr(json_t) object = free_report_json(&report);
        if (extra)
            json_object_update(object, extra);
        print_json(out, object);
    } else {
        g_autofree char *text = free_report_print(&report, options->table_format);
        fputs(text, out);
    }
    *n_failed = result.micro.failed;
    free_result_clear(&result);
    return true;
}
