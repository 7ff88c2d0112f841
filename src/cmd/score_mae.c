/* score_mae.c -- fire score mae: mean absolute error of scores from a plain file. */
#include "base/error.h"
#include "cmd/command.h"
#include "cmd/input.h"
#include "cmd/run_options.h"
#include "data/flaw.h"
#include "data/scanner.h"
#include "metric/mae.h"
#include "report/rule.h"
#include "report/table.h"

#include <math.h>
#include <stdio.h>

static int run(int argc, char **argv, GError **error);

const struct command command_score_mae = {
    "score mae", "Mean absolute error of the teacher's scores, from a file", run};

/* A number or null under `key`; false with a flaw otherwise. */
static bool read_score(double *score, const json_t *line, const char *key,
                       const struct protocol *protocol, struct flaw *flaw)
{
    const json_t *value = json_object_get(line, key);
    if (!value)
        return flaw_set(flaw, "missing-key", "missing key '%s'", key);
    *score = json_is_number(value) ? json_number_value(value) : NAN;
    if (!json_is_number(value) && !json_is_null(value))
        return flaw_set(flaw, "wrong-type", "key '%s' is neither a number nor null", key);
    if (protocol->score_range != SCORE_RANGE_ANY && (*score < 0 || *score > 10))
        return flaw_set(flaw, "score-range", "key '%s' is outside 0-10", key);
    return true;
}

static bool add_line(struct mae *mae, const struct protocol *protocol, const char *text,
                     size_t n_bytes, struct flaw *flaw)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(json_t) line = json_parse(text, n_bytes, &cause);
    if (!line)
        return flaw_set(flaw, "bad-json", "%s", cause->message);
    if (!json_is_object(line))
        return flaw_set(flaw, "wrong-type", "not an object");
    double label, prediction;
    if (!read_score(&label, line, "label", protocol, flaw) ||
        !read_score(&prediction, line, "prediction", protocol, flaw))
        return false;
    mae_add(mae, protocol, label, prediction);
    return true;
}

/* False where the file cannot be read on, or a bad line ends the work (*stopped). */
static bool add_file(struct mae *mae, const struct protocol *protocol, const char *path,
                     struct complaints *complaints, bool *stopped, GError **error)
{
    struct scanner *scanner = scanner_open(path, error);
    if (!scanner) {
        *stopped = true;
        return false;
    }
    struct record record = {0};
    enum scan_status status = SCAN_END;
    while (!*stopped &&
           (status = scanner_next(scanner, &record.raw, &record.n_raw, error)) < SCAN_END) {
        struct flaw flaw = {0};
        record.number++;
        if (status == SCAN_TOO_LONG) {
            record.n_raw = 0;
            flaw_set(&flaw, "too-long", "more than %u bytes", SCANNER_MAX_RECORD);
        } else {
            add_line(mae, protocol, record.raw, record.n_raw, &flaw);
        }
        if (flaw.cause)
            *stopped = !complaints_add(complaints, path, &record, flaw.cause, flaw.detail, error);
        flaw_clear(&flaw);
    }
    scanner_close(scanner);
    return !*stopped && status == SCAN_END;
}

static void print_json(const struct mae *mae, const struct protocol *protocol)
{
    g_autoptr(json_t) object = json_object();
    json_object_set_new(object, "n", json_integer(mae->n));
    json_object_set_new(object, "mae", json_real_or_null(mae_mean(mae)));
    json_object_set_new(object, "unparsed", json_integer(mae->unparsed));
    json_object_set_new(object, "no_label", json_integer(mae->no_label));
    json_object_set_new(object, "protocol", protocol_to_json(protocol));
    g_autofree char *line = json_print(object);
    puts(line);
}

static void print_table(const struct mae *mae, const struct protocol *protocol)
{
    struct table *table = table_new(NULL);
    table_add_column(table, "n", ALIGN_RIGHT);
    table_add_column(table, "MAE", ALIGN_RIGHT);
    table_add_column(table, "unparsed", ALIGN_RIGHT);
    table_add_column(table, "no label", ALIGN_RIGHT);
    table_add_row(table);
    table_add_int(table, mae->n);
    table_add_number(table, mae_mean(mae), 3);
    table_add_int(table, mae->unparsed);
    table_add_int(table, mae->no_label);
    g_autofree char *rule = rule_of_protocol(protocol);
    table_add_note(table, rule);
    g_autofree char *text = table_print(table, TABLE_TEXT);
    fputs(text, stdout);
    table_free(table);
}

static int score(const char *path, const struct protocol *protocol,
                 const struct input_options *input, bool as_json, GError **error)
{
    struct complaints *complaints = complaints_open(input->rejects, input->strict, error);
    if (!complaints)
        return EXIT_FAILED;
    struct mae mae = {0};
    bool stopped = false;
    bool whole = add_file(&mae, protocol, path, complaints, &stopped, error);
    size_t n_bad = complaints_count(complaints);
    if (!complaints_close(complaints, whole ? error : NULL))
        whole = false;
    if (!stopped && as_json)
        print_json(&mae, protocol);
    else if (!stopped)
        print_table(&mae, protocol);
    return whole ? input_exit_code(input, n_bad) : EXIT_FAILED;
}

static int run(int argc, char **argv, GError **error)
{
    struct input_options input = {0};
    gboolean as_json = FALSE;
    g_autofree char *name = NULL;
    g_auto(GStrv) settings = NULL;
    const GOptionEntry entries[] = {
        PROTOCOL_OPTION(name),
        SET_OPTION(settings),
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL},
        INPUT_REJECTS(input),
        INPUT_STRICT(input),
        INPUT_MAX_FAILURES(input),
        {0}};
    struct protocol protocol;
    int code = EXIT_USAGE;
    if (command_parse(&argc, &argv, &command_score_mae, "FILE", entries, 1, 1, error)) {
        if (argc == 0)
            code = EXIT_DONE;
        else if (protocol_from_options(&protocol, name, settings, error) &&
                 input_check_rejects(&input, argv + 1, 1, error))
            code = score(argv[1], &protocol, &input, as_json, error);
    }
    input_clear(&input);
    return code;
}
